"""Runs end in states that are called by their words, of the type that a person filters by."""

import pytest
from prefect.client.schemas.objects import StateType

from tasks.runtime.states import state_of_run, state_of_step
from unjam.domain.reports.report import summary_of
from unjam.domain.steps.outcome import Outcome, RunWord, StepWord

GOOD, BAD = StateType.COMPLETED, StateType.FAILED


def came(*words: StepWord) -> tuple[Outcome, ...]:
    return tuple(Outcome("salvage", str(n), word, f"{n}.") for n, word in enumerate(words))


@pytest.mark.parametrize(
    ("word", "name", "kind"),
    [
        (RunWord.RECOVERED, "Recovered", GOOD),
        (RunWord.NOTHING, "Nothing to do", GOOD),
        (RunWord.PLANNED, "Planned", GOOD),
        (RunWord.UNDONE, "Undone", GOOD),
        (RunWord.NOTHING_TO_UNDO, "Nothing to take back", GOOD),
        (RunWord.PARTLY_UNDONE, "Partly undone", BAD),
        (RunWord.PARTLY, "Partly recovered", BAD),
        (RunWord.NEEDS_HUMAN, "Needs a human", BAD),
        (RunWord.REFUSED, "Refused", BAD),
        ("a word of a later version", "A word of a later version", BAD),
    ],
)
def test_a_flow_run_is_red_where_something_is_left_to_a_person(
    word: str, name: str, kind: StateType
) -> None:
    state = state_of_run(word, "why", {"word": word})

    assert (state.name, state.type, state.message) == (name, kind, "why")
    assert state.result() == {"word": word}


@pytest.mark.parametrize(
    ("words", "name", "kind", "message"),
    [
        ((StepWord.DONE,), "Done", GOOD, "0."),
        ((StepWord.ALREADY_DONE,), "Already done", GOOD, "0."),
        ((StepWord.UNDONE,), "Undone", GOOD, "0."),
        ((StepWord.REFUSED,), "Refused", BAD, "0."),
        ((StepWord.DONE, StepWord.ALREADY_DONE), "Done", GOOD, "0."),
        ((StepWord.DONE, StepWord.REFUSED, StepWord.REFUSED), "Refused", BAD, "1.; 2."),
        ((StepWord.REFUSED, StepWord.FAILED, StepWord.DONE), "Failed", BAD, "1."),
    ],
)
def test_a_task_run_is_called_by_the_worst_that_came_of_its_step(
    words: tuple[StepWord, ...], name: str, kind: StateType, message: str
) -> None:
    state = state_of_step(came(*words))

    assert (state.name, state.type, state.message) == (name, kind, message)
    assert state.result() == came(*words)


def test_a_line_says_what_came_of_the_steps_and_what_is_left() -> None:
    outcomes = [{"outcome": "done"}, {"outcome": "done"}, {"outcome": "refused"}]
    left = [{"summary": name} for name in ("a is b", "c is d", "e is f")]

    assert summary_of({"outcomes": outcomes, "findings_after": left}) == (
        "2 steps done, 1 step refused; still found: a is b; c is d and 1 more"
    )
    assert not summary_of({})
