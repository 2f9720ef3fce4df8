"""Archive: put state, logs and branches of an orchestration that is reset into the vault."""

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Step
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.reset import verify_reset


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def archive(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Move it, or copy it where it cannot be moved; nothing is deleted."""
    return told(carry_out(run, step))


@task(task_run_name="verify the reset", **RETRY_TRANSIENT)
def verify_archive(run: Recovery) -> Ending[tuple[Outcome, ...]]:
    """Look afresh for what the reset should have cleared away."""
    return told(verify_reset(run))
