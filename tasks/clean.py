"""Clean: move what is no longer needed, or was given up, into the vault."""

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Step
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def clean(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Rename a worktree or move a branch into the vault, if it is saved and unchanged since."""
    return told(carry_out(run, step))


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def clear_discarded(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Move a branch that was given up by name into the vault, and tell its row."""
    return told(carry_out(run, step))
