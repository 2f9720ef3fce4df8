"""Tend: bring the state's file back to order."""

from prefect import task

from tasks.retrying import RETRY_TRANSIENT
from tasks.telling import name_of_step, told
from unjam.domain.scenarios.database.steps import (
    KeepState,
    OpenState,
    RebuildState,
    ReplaceState,
    UseLog,
    VacuumState,
)
from unjam.domain.steps.outcome import Outcome
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery

Tending = KeepState | OpenState | RebuildState | ReplaceState | UseLog | VacuumState


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def tend(run: Recovery, step: Tending) -> tuple[Outcome, ...]:
    """Copy, open, rebuild or replace the state's database; no committed row is lost."""
    return told(carry_out(run, step))
