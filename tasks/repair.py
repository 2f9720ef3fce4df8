"""Repair: what keeps Git from working in a checkout, and tend: what keeps the state from being used."""

from prefect import task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Step
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def repair(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Bring a checkout back into working order; nobody's edits are touched."""
    return told(carry_out(run, step))


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def tend(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Copy, open, rebuild or replace the state's database; no committed row is lost."""
    return told(carry_out(run, step))
