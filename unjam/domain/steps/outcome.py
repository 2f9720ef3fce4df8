"""What came of a step, and of a run, in the words of the promises."""

from dataclasses import dataclass
from enum import StrEnum

from unjam.domain.world.identity import WorkstreamId


class StepWord(StrEnum):
    """How one step ended."""

    PLANNED = "planned"
    REFUSED = "refused"
    DONE = "done"
    ALREADY_DONE = "already done"
    FAILED = "failed"
    UNDONE = "undone"


class RunWord(StrEnum):
    """How a whole run ended."""

    PLANNED = "planned"
    RECOVERED = "recovered"
    PARTLY = "partly recovered"
    NEEDS_HUMAN = "needs a human"
    REFUSED = "refused"
    NOTHING = "nothing to do"
    UNDONE = "undone"
    PARTLY_UNDONE = "partly undone"
    NOTHING_TO_UNDO = "nothing to take back"


TAKEN_BACK = frozenset({RunWord.UNDONE, RunWord.PARTLY_UNDONE})
"""With these words a run has taken another back, as far as anything can."""

NOT_DONE = frozenset({StepWord.REFUSED, StepWord.FAILED})
"""What is left of a step with these words is left to a person."""

ALL_WELL = frozenset(
    {
        RunWord.PLANNED,
        RunWord.RECOVERED,
        RunWord.NOTHING,
        RunWord.UNDONE,
        RunWord.NOTHING_TO_UNDO,
    }
)
"""A run with any other word has left something to a person."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step, how it ended, and one sentence an operator can act on."""

    step: str  # the verb
    subject: str
    word: StepWord
    sentence: str
    workstream: WorkstreamId | None = None
    kept: tuple[str, ...] = ()  # vault refs and paths it made
