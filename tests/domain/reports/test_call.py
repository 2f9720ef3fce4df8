"""The word of a call is that of all its runs together, and no run is begun that would only be refused again."""

from pathlib import PurePath

import pytest

from unjam.domain.reports.call import is_only_to_be_retried, only_repeats, word_of_call
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.outcome import RunWord
from unjam.domain.steps.plan import Land, Landing, Plan, Push, Salvage, Step
from unjam.domain.world.identity import CommitId, WorkstreamId


def run(word: str, *steps: str, found: bool = False, incomplete: bool = False) -> Document:
    """A run's document: steps as ``land ws-1: done``."""
    outcomes = [one.partition(": ") for one in steps]
    return {
        "word": word,
        "outcomes": [
            dict(zip(("step", "subject"), step.split(), strict=True)) | {"outcome": came}
            for step, _, came in outcomes
        ],
        "findings_after": [{"summary": "still"}] if found else [],
        "incomplete": [{"id": "ws-1"}] if incomplete else [],
        "because": "",
    }


LANDED = run("partly recovered", "land ws-1: done", found=True)
REFUSED_PUSH = run("refused", "push origin: refused", found=True)


@pytest.mark.parametrize(
    ("runs", "word"),
    [
        ((REFUSED_PUSH,), "refused"),
        ((LANDED, REFUSED_PUSH), "partly recovered"),
        ((run("recovered", "land ws-1: done"), REFUSED_PUSH), "partly recovered"),
        ((LANDED, run("recovered", "land ws-2: done")), "recovered"),
        (
            (run("partly recovered", "land ws-1: refused"), run("recovered", "tidy ws-2: done")),
            "partly recovered",
        ),
        (
            (run("partly recovered", "land ws-1: refused"), run("recovered", "land ws-1: done")),
            "recovered",
        ),
        (
            (run("partly recovered", incomplete=True), run("recovered", "tidy ws-2: done")),
            "partly recovered",
        ),
        ((REFUSED_PUSH, REFUSED_PUSH), "refused"),
        (
            (run("needs a human", "salvage ws-1: done", found=True), REFUSED_PUSH),
            "needs a human",
        ),
        (
            (run("recovered", "land ws-1: done"), run("needs a human", found=True)),
            "partly recovered",
        ),
    ],
)
def test_the_word_is_that_of_all_runs_together(runs: tuple[Document, ...], word: str) -> None:
    assert word_of_call(runs) == RunWord(word)


RETRIED = run("partly recovered", "land ws-1: done", incomplete=True)


@pytest.mark.parametrize(
    ("runs", "nothing_else"),
    [
        ((RETRIED,), True),
        ((RETRIED, run("recovered", "tidy ws-2: done")), True),
        ((run("partly recovered", "land ws-2: refused"), RETRIED), False),
        ((run("partly recovered", "land ws-1: refused"), RETRIED), True),
        ((RETRIED, run("needs a human", found=True)), False),
        ((RETRIED | {"because": "what is left cannot be told: it is locked"},), False),
        ((run("partly recovered", "land ws-1: done"),), False),
    ],
)
def test_work_that_is_to_be_retried_is_left_to_nobody_where_no_run_of_a_call_left_more(
    runs: tuple[Document, ...], nothing_else: bool
) -> None:
    assert is_only_to_be_retried(runs) is nothing_else


WS = WorkstreamId("ws-1")
PUSH = Push(subject="origin", reason="", remote="origin")
SAVE = Salvage(subject="one", reason="", worktree="one", workstream=WS)


@pytest.mark.parametrize(
    ("steps", "earlier", "repeats"),
    [
        ((PUSH,), ("push origin: refused",), True),
        ((PUSH,), ("push origin: failed",), True),
        ((PUSH,), ("push origin: done",), False),
        ((PUSH,), ("land ws-1: done",), False),
        ((SAVE, PUSH), ("salvage one: done", "push origin: refused"), True),
        ((SAVE, PUSH), ("push origin: refused",), False),  # what it would save is saved nowhere yet
        ((), (), True),
    ],
)
def test_a_run_that_would_only_be_refused_again_is_told(
    steps: tuple[Step, ...], earlier: tuple[str, ...], repeats: bool
) -> None:
    plan = Plan(PurePath("/r"), steps)

    assert only_repeats(plan, [run("refused", *earlier)]) is repeats


def test_a_landing_is_known_again_by_its_branches() -> None:
    landing = Landing(WS, "refs/heads/ws/ws-1/agent-1", CommitId("c0"), ())
    plan = Plan(PurePath("/r"), (Land(subject="ws-1", reason="", landings=(landing,)),))

    assert only_repeats(plan, [run("refused", "land ws/ws-1/agent-1: refused")])
    assert not only_repeats(plan, [run("refused", "land ws/ws-1/agent-2: refused")])


def test_what_rests_on_a_refused_step_of_its_workstream_repeats_it() -> None:
    push = Push(subject="other", reason="", remote="other", workstream=WS)

    assert only_repeats(
        Plan(PurePath("/r"), (SAVE, push)), [run("refused", "salvage one: refused")]
    )
