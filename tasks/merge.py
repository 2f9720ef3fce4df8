"""Merge: land branches that verify, and push the trunk."""

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Land, Push
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def merge(run: Recovery, step: Land) -> Ending[tuple[Outcome, ...]]:
    """Merge in a trial, verify, and move the trunk; what does not verify stays on its branch."""
    return told(carry_out(run, step))


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def push(run: Recovery, step: Push) -> Ending[tuple[Outcome, ...]]:
    """Move the remote's trunk forward; a remote that has it is fine."""
    return told(carry_out(run, step))
