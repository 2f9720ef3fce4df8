"""Reorder: a spec that waits for too much, a row that is blocked for nothing."""

from prefect import task

from tasks.retrying import RETRY_TRANSIENT
from tasks.telling import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import EditSpec, Reopen
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def reorder(run: Recovery, step: EditSpec | Reopen) -> tuple[Outcome, ...]:
    """Let a workstream have its turn: by its spec on the trunk, or by its row."""
    return told(carry_out(run, step))
