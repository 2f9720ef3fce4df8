"""Write what is true into the row."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from unjam.adapters import clock
from unjam.domain.change import UpdateRow
from unjam.domain.conflicts import told_to_wait
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import Record
from unjam.domain.snapshot import Row, Scalar, Snapshot, WorkstreamId
from unjam.engine.recovery import Recovery, outcome
from unjam.engine.vault import keep_state
from unjam.errors import PermanentError, RefusedError

_WITH_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
_OVER = ("conflict", "blocked")
_STATUS_OF_OLD = {"conflict": "failed", "blocked": "failed", "reverted": "failed"}


@dataclass(frozen=True, slots=True)
class _Wanted:
    status: str
    message: str
    now: str
    blocked_by: str | None = None


def record(run: Recovery, step: Record, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Bring the row to what the step, or the landing it follows, says."""
    row = next(one for one in fresh.state.rows if one.workstream == step.workstream)
    if step.blocked_by and not _not_landed(run, step):
        return (outcome(step, StepWord.ALREADY_DONE, "what it depends on has landed"),)
    status, message, blocked_by = _wanted(run, step)
    message = "; ".join(part for part in (message, _kept(run, step)) if part)
    if row.status == status and status == "completed":
        return (outcome(step, StepWord.ALREADY_DONE, "the row says completed"),)
    keep_state(run)
    now = moment_for(row, fresh.state.rows, clock.now())
    written = _write(run, row, _Wanted(status, message, now, blocked_by))
    sentence = f"{row.status} → {written}" + (f": {message}" if message else "")
    return (outcome(step, StepWord.DONE, sentence),)


def _not_landed(run: Recovery, step: Record) -> tuple[WorkstreamId, ...]:
    """Name what blocks it and did not land in this run, after all."""
    landed = {one for one, came in run.landed.items() if came.done and came.status == "completed"}
    return tuple(one for one in step.blocked_by if one not in landed)


def _wanted(run: Recovery, step: Record) -> tuple[str, str, str | None]:
    if step.blocked_by:
        by = _not_landed(run, step)
        return str(step.status), told_to_wait(by), ",".join(by)
    landed = run.landed.get(step.workstream) if step.workstream else None
    if step.status == "reverted" and landed is not None and landed.status is not None:
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
    uncommitted = any(one.uncommitted for one in at_risk)
    what = "uncommitted work" if uncommitted else "what no branch holds"
    return f"{what} is kept as {', '.join(one.ref for one in at_risk)}" if at_risk else ""


def _write(run: Recovery, row: Row, wanted: _Wanted) -> str:
    """Write the status; a database that knows fewer of them gets the nearest older one."""
    try:
        run.door.make(_change(row, wanted))
    except PermanentError as error:
        older = _STATUS_OF_OLD.get(wanted.status)
        if older is None or isinstance(error, RefusedError):
            raise
        message = f"{wanted.status}: {wanted.message}"
        run.door.make(_change(row, replace(wanted, status=older, message=message)))
        return older
    return wanted.status


def _change(row: Row, wanted: _Wanted) -> UpdateRow:
    values: dict[str, Scalar] = {"status": wanted.status, "updated_at": wanted.now}
    if wanted.status == "completed":
        values |= {"completed_at": wanted.now}
        if row.status in _OVER:  # what it says of why is over
            values |= {"error_message": None}
    else:
        values |= _told(row, wanted.message)
    if wanted.status == "failed":
        values |= {"started_at": None}
    if wanted.blocked_by:
        values |= {"blocked_by": wanted.blocked_by}
    elif row.status == "blocked" or wanted.status == "completed":
        values |= {"blocked_by": None}
    after = tuple((name, values.get(name, value)) for name, value in row.values)
    return UpdateRow(row.workstream, row.values, after)


def _told(row: Row, message: str) -> dict[str, Scalar]:
    """Say why where errors are said, else behind what a person noted."""
    columns = dict(row.values)
    if "error_message" in columns:
        return {"error_message": message}
    noted = columns.get("notes")
    return {"notes": f"{noted}; {message}" if isinstance(noted, str) and noted else message}


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
        value for name, value in row.values if name.endswith("_at") and isinstance(value, str)
    )
