"""Write what is true into the row."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from unjam.adapters import clock
from unjam.adapters.state.reference import Wanted, has_room_to_tell, settled
from unjam.domain.scenarios.shared.foreign_rows import is_settlement
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Record, RecordDiscard, Salvage, Step
from unjam.domain.world.claims.incomplete import NO_END
from unjam.domain.world.conflicts import told_to_wait
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import row_named, rows_in
from unjam.domain.world.snapshot import Row, Snapshot, Typed
from unjam.domain.world.status import SAID_BESIDE, Status
from unjam.domain.world.workstream import join
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.vault_places import keep_state
from unjam.errors import PermanentError, RefusedError

_WITH_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
_NO_ROOM = "no column of its row can hold this message: only the report of this run has it"
_SHOWN = 3  # of what earlier runs kept
_TAKEN_UP = (Status.FAILED, Status.PENDING)


def record(run: Recovery, step: Record | RecordDiscard, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Bring the row to what the step, or the landing it follows, says."""
    row = row_to_write(step, fresh)
    if step.blocked_by and not _not_landed(run, step):
        return (outcome(step, StepWord.ALREADY_DONE, "what it depends on has landed"),)
    status, message, blocked_by = _wanted(run, step)
    if status in _TAKEN_UP:
        _refuse_unsaved(run, step)
    message = "; ".join(part for part in (message, _kept(run, step)) if part)
    if row.status == status and status == Status.COMPLETED:
        return (outcome(step, StepWord.ALREADY_DONE, "the row says completed"),)
    keep_state(run)
    now = moment_for(row, rows_in(fresh), clock.now())
    written, said = _write(run, row, Wanted(status, message, now, blocked_by, NO_END in message))
    sentence = f"{row.status} → {written}" + (f": {message}" if message else "") + said
    return (outcome(step, StepWord.DONE, sentence),)


def _refuse_unsaved(run: Recovery, step: Record) -> None:
    """Raise RefusedError where a worktree was not saved: whoever takes it up anew cleans it away."""
    saved = (one for one in run.outcomes if one.step == Salvage.verb)
    for one in {one.subject: one for one in saved if one.workstream == step.workstream}.values():
        if step.salvaged and one.word in (StepWord.REFUSED, StepWord.FAILED):
            raise RefusedError(
                f"the row stays as it is: {one.subject} was not saved: {one.sentence}"
            )


def row_to_write(step: Step, fresh: Snapshot) -> Row:
    """Return a step's row as it is now; raises RefusedError where it is hidden, gone or another's.

    Of rows that are elsewhere, only what a person settled by name is written.
    """
    row = row_named(step.workstream, fresh)
    if row is None:
        raise RefusedError(f"there is no row of {step.workstream} any more")
    because = "".join(one.elsewhere for one in join(fresh) if one.id == step.workstream)
    if because and not is_settlement(step):
        raise RefusedError(f"the row is another's: {because}")
    if row.why_unknown:
        raise RefusedError(f"the row stays as it is: cannot tell: {row.why_unknown}")
    return row


def _not_landed(run: Recovery, step: Record) -> tuple[WorkstreamId, ...]:
    """Name what blocks it and did not land in this run, after all."""
    landed = {
        one for one, came in run.landed.items() if came.done and came.status == Status.COMPLETED
    }
    return tuple(one for one in step.blocked_by if one not in landed)


def _wanted(run: Recovery, step: Record) -> tuple[Status, str, str | None]:
    if step.blocked_by and step.status is not None:
        by = _not_landed(run, step)
        return step.status, told_to_wait(by), ",".join(by)
    landed = run.landed.get(step.workstream) if step.workstream else None
    if step.status == Status.REVERTED and landed is not None and landed.status is not None:
        return landed.status, landed.because, None  # it was taken up again since
    if step.status is not None:
        return step.status, step.message, None
    if landed is None:
        raise RefusedError("its landing did not take place, so there is nothing to record")
    if landed.status is None:
        raise RefusedError(f"the row stays as it is: {landed.because}")
    because = "; ".join(filter(None, (landed.because, step.message)))
    return landed.status, because, landed.blocked_by


def _kept(run: Recovery, step: Record) -> str:
    saved = [run.saved[name] for name in step.salvaged if name in run.saved]
    at_risk = [one for one in saved if one.at_risk]
    if not at_risk and step.kept:
        return f"an earlier run kept what it left as {', '.join(step.kept[:_SHOWN])}"
    uncommitted = any(one.uncommitted for one in at_risk)
    what = "uncommitted work" if uncommitted else "what no branch holds"
    return f"{what} is kept as {', '.join(one.ref for one in at_risk)}" if at_risk else ""


def _write(run: Recovery, row: Row, wanted: Wanted) -> tuple[str, str]:
    """Write the status; return it, and what its database does not take of all that was to be said."""
    *tries, last = _tries(wanted)
    for one in tries:
        try:
            return one.status, _written(run, row, wanted, one)
        except RefusedError:
            raise
        except PermanentError:
            continue
    return last.status, _written(run, row, wanted, last)


def _tries(wanted: Wanted) -> Iterator[Wanted]:
    """Yield it as it is, with an older status, and without a message: some database takes no more."""
    told = [wanted]
    if wanted.status in SAID_BESIDE:
        told.append(
            replace(wanted, status=Status.FAILED, message=f"{wanted.status}: {wanted.message}")
        )
    yield from told
    if wanted.message:
        yield from (replace(one, message=None) for one in told)


def _written(run: Recovery, row: Row, wanted: Wanted, one: Wanted) -> str:
    said = run.door.make(settled(row, one))
    has_room = one.message is not None and has_room_to_tell(row)
    if wanted.message and wanted.status != Status.COMPLETED and not has_room:
        said = "; ".join(filter(None, (said, _NO_ROOM)))
    return f"; {said}" if said else ""


def moment_for(row: Row, rows: Iterable[Row], now: datetime) -> str:
    """Write a time as this row has its others, or as its neighbours have theirs."""
    written = next((times for one in (row, *rows) if (times := _times_of(one))), ())
    if any("T" not in one for one in written):
        return now.strftime("%Y-%m-%d %H:%M:%S")  # as SQLite does: naive UTC
    if any(_WITH_OFFSET.search(one) for one in written):
        return now.isoformat(timespec="milliseconds")
    return now.astimezone().replace(tzinfo=None).isoformat(timespec="milliseconds")


def _times_of(row: Row) -> tuple[str, ...]:
    return tuple(
        str(value)
        for name, value in row.values
        if name.endswith("_at") and isinstance(value, str | Typed)
    )
