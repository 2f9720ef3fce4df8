"""Repair: dead locks, operations left in the middle, a primary on the wrong branch."""

from prefect import task

from tasks.retrying import RETRY_TRANSIENT
from tasks.telling import name_of_step, told
from unjam.domain.outcome import Outcome
from unjam.domain.plan import Abort, MoveLock, ReturnPrimary
from unjam.engine.acts import carry_out
from unjam.engine.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def repair(run: Recovery, step: MoveLock | Abort | ReturnPrimary) -> tuple[Outcome, ...]:
    """Bring the primary back into working order; nobody's edits are touched."""
    return told(carry_out(run, step))
