"""Stop."""

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Step
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def stop(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """End an orphaned agent, or who keeps the state, politely first; a dead one is fine."""
    return told(carry_out(run, step))
