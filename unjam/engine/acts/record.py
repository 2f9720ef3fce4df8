"""Write what is true into the row."""

from datetime import datetime

from unjam.adapters import clock
from unjam.domain.change import UpdateRow
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import Record
from unjam.domain.snapshot import Row, Scalar, Snapshot
from unjam.engine.recovery import Landed, Recovery, outcome
from unjam.engine.vault import keep_state
from unjam.errors import PermanentError, RefusedError

_STATUS_OF_OLD = {"conflict": "failed", "blocked": "failed", "reverted": "failed"}


def record(run: Recovery, step: Record, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Bring the row to what the step, or the landing it follows, says."""
    row = next(one for one in fresh.state.rows if one.workstream == step.workstream)
    status, message, landed = _wanted(run, step)
    message = "; ".join(part for part in (message, _kept(run, step)) if part)
    if row.status == status and status == "completed":
        return (outcome(step, StepWord.ALREADY_DONE, "the row says completed"),)
    keep_state(run)
    written = _write(run, row, status, message, landed)
    sentence = f"{row.status} → {written}" + (f": {message}" if message else "")
    return (outcome(step, StepWord.DONE, sentence),)


def _wanted(run: Recovery, step: Record) -> tuple[str, str, Landed | None]:
    if step.status is not None:
        return step.status, step.message, None
    landed = run.landed.get(step.workstream) if step.workstream else None
    if landed is None:
        raise RefusedError("its landing did not take place, so there is nothing to record")
    if landed.status is None:
        raise RefusedError(f"the row stays as it is: {landed.because}")
    return landed.status, landed.because, landed


def _kept(run: Recovery, step: Record) -> str:
    refs = [
        run.saved[name].ref
        for name in step.salvaged
        if name in run.saved and run.saved[name].at_risk
    ]
    return f"uncommitted work is kept as {', '.join(refs)}" if refs else ""


def _write(run: Recovery, row: Row, status: str, message: str, landed: Landed | None) -> str:
    """Write the status; a database that knows fewer of them gets the nearest older one."""
    try:
        run.door.make(_change(row, status, message, landed))
    except PermanentError as error:
        older = _STATUS_OF_OLD.get(status)
        if older is None or isinstance(error, RefusedError):
            raise
        run.door.make(_change(row, older, f"{status}: {message}", landed))
        return older
    return status


def _change(row: Row, status: str, message: str, landed: Landed | None) -> UpdateRow:
    now = _in_style_of(row, clock.now())
    columns = {name for name, _ in row.values}
    told = "error_message" if "error_message" in columns else "notes"
    wanted: dict[str, Scalar] = {"status": status, "updated_at": now}
    if status == "completed":
        wanted |= {"completed_at": now}
    else:
        wanted |= {told: message}
    if status == "failed":
        wanted |= {"started_at": None}
    if landed is not None and landed.blocked_by:
        wanted |= {"blocked_by": landed.blocked_by}
    after = tuple((name, wanted.get(name, value)) for name, value in row.values)
    return UpdateRow(row.workstream, row.values, after)


def _in_style_of(row: Row, now: datetime) -> str:
    """Write a time as this row has its others: naive UTC with a blank, else naive local with a T."""
    styles = [
        value for name, value in row.values if name.endswith("_at") and isinstance(value, str)
    ]
    if any("T" not in value for value in styles):
        return now.strftime("%Y-%m-%d %H:%M:%S")
    return now.astimezone().replace(tzinfo=None).isoformat(timespec="milliseconds")
