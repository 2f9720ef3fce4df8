"""Record: what is true, into the row; and reorder: a spec or a row that waits for too much."""

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Record, Step
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def record(run: Recovery, step: Record) -> Ending[tuple[Outcome, ...]]:
    """Write what is true into the row, if the row still is as it was."""
    return told(carry_out(run, step))


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def reorder(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Let a workstream have its turn: by its spec on the trunk, or by its row."""
    return told(carry_out(run, step))
