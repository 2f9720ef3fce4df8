"""Record."""

from prefect import task

from tasks.retrying import RETRY_TRANSIENT
from tasks.telling import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Record
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def record(run: Recovery, step: Record) -> tuple[Outcome, ...]:
    """Write what is true into the row, if the row still is as it was."""
    return told(carry_out(run, step))
