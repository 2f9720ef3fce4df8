"""Names and log lines of task runs: the same everywhere, and safe for any file name."""

from prefect import get_run_logger

from tasks.runtime.arguments import argument
from tasks.runtime.states import Ending, state_of_step
from unjam.domain.steps.outcome import NOT_DONE, Outcome
from unjam.domain.steps.plan import Step
from unjam.domain.world.words import printable


def name_of_step() -> str:
    """Name a task run by the verb and the subject of its step."""
    step: Step = argument("step")
    return printable(f"{step.verb} {step.subject}")


def told(outcomes: tuple[Outcome, ...]) -> Ending[tuple[Outcome, ...]]:
    """Log what came of a step, one sentence each, and end the task run in its word."""
    logger = get_run_logger()
    for one in outcomes:
        line = printable(f"{one.step} {one.subject}: {one.word}: {one.sentence}")
        (logger.warning if one.word in NOT_DONE else logger.info)(line)
    return state_of_step(outcomes)
