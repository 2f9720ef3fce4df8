"""Repair: what keeps Git from working in a checkout, or lets it work on the wrong one."""

from prefect import task

from tasks.retrying import RETRY_TRANSIENT
from tasks.telling import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import (
    Abort,
    Mend,
    MendShared,
    MoveLock,
    NameCommits,
    Recreate,
    Register,
    RestoreBranch,
    RestoreObjects,
    ReturnPrimary,
)
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery

Repair = (
    MoveLock
    | Abort
    | ReturnPrimary
    | RestoreObjects
    | RestoreBranch
    | NameCommits
    | Mend
    | MendShared
    | Register
    | Recreate
)


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def repair(run: Recovery, step: Repair) -> tuple[Outcome, ...]:
    """Bring a checkout back into working order; nobody's edits are touched."""
    return told(carry_out(run, step))
