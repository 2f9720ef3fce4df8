"""Salvage: save what is there before anything is done about it."""

from collections.abc import Sequence

from prefect import get_run_logger, task

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import name_of_step, told
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Salvage, Step
from unjam.domain.world.words import counted
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Recovery
from unjam.engine.acts.salvage import salvage_all as take_all


@task(task_run_name="salvage all", **RETRY_TRANSIENT)
def salvage_all(run: Recovery, steps: Sequence[Salvage]) -> int:
    """Take the worktrees of a plan into the vault as one pack; each step then reads its own back."""
    taken = take_all(run, steps)
    get_run_logger().info("%s in one pack", counted(taken, "worktree"))
    return taken


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def salvage(run: Recovery, step: Salvage) -> Ending[tuple[Outcome, ...]]:
    """Save everything of a checkout into the vault; the same content is saved once."""
    return told(carry_out(run, step))


@task(task_run_name=name_of_step, **RETRY_TRANSIENT)
def copy_state(run: Recovery, step: Step) -> Ending[tuple[Outcome, ...]]:
    """Copy all files of the state into the vault, before anybody who holds it is stopped."""
    return told(carry_out(run, step))
