"""How a run ended is said in one word, by what was done in all and what is still found."""

import pytest

from unjam.domain.reports.report import word_of
from unjam.domain.steps.outcome import Outcome, RunWord, StepWord
from unjam.domain.world.finding import Finding, Severity
from unjam.domain.world.identity import Scenario

DONE, ALREADY, REFUSED, FAILED = (
    StepWord.DONE,
    StepWord.ALREADY_DONE,
    StepWord.REFUSED,
    StepWord.FAILED,
)
SAVED, SAVED_BEFORE = ("salvage", DONE), ("salvage", ALREADY)
STILL = Finding(
    scenario=Scenario("orchestrator_crash"),
    cause="dead with commits",
    severity=Severity.ERROR,
    summary="ws-1: its agent is gone",
    subjects=(),
    evidence=(),
)


def word(*steps: tuple[str, StepWord], still: bool) -> RunWord:
    outcomes = [Outcome(step, "ws-1", came, "") for step, came in steps]
    return word_of(outcomes, (STILL,) if still else ())


@pytest.mark.parametrize(
    ("steps", "still", "expected"),
    [
        ((SAVED, ("land", DONE)), False, RunWord.RECOVERED),
        ((), False, RunWord.RECOVERED),
        ((SAVED, ("land", DONE)), True, RunWord.PARTLY),
        ((("land", DONE), ("restart", FAILED)), False, RunWord.PARTLY),
        ((SAVED, ("land", REFUSED)), False, RunWord.PARTLY),
        ((SAVED, ("land", REFUSED)), True, RunWord.NEEDS_HUMAN),
        ((("land", FAILED),), True, RunWord.NEEDS_HUMAN),
        ((), True, RunWord.NEEDS_HUMAN),
        ((("land", REFUSED), ("record", REFUSED)), True, RunWord.REFUSED),
    ],
)
def test_the_word_follows_from_what_was_done_and_what_is_found(
    steps: tuple[tuple[str, StepWord], ...], still: bool, expected: RunWord
) -> None:
    assert word(*steps, still=still) is expected


@pytest.mark.parametrize("still", [True, False])
@pytest.mark.parametrize("came", [DONE, REFUSED, FAILED])
def test_work_that_an_earlier_run_had_saved_changes_no_word(came: StepWord, still: bool) -> None:
    first = word(SAVED, ("land", came), still=still)

    assert word(SAVED_BEFORE, ("land", came), still=still) is first


def test_only_the_last_that_came_of_a_step_counts() -> None:
    assert word(("land", FAILED), ("land", DONE), still=False) is RunWord.RECOVERED
    assert word(("land", DONE), ("land", FAILED), still=False) is RunWord.PARTLY
