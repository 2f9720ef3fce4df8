"""Attempts are counted from what runs wrote down; whoever was told is told once."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from unjam.domain.reports.attempts import RunTold, tried

A = frozenset({"a"})


def failed(run: str, *, counts: bool = True) -> RunTold:
    return RunTold(run, A, A, counts=counts)


def cleared(run: str) -> RunTold:
    return RunTold(run, A, frozenset())


def test_every_run_that_did_not_clear_it_counts() -> None:
    assert tried([failed("1"), failed("2")])["a"].runs == ("1", "2")


def test_a_run_that_was_not_allowed_to_act_does_not_count() -> None:
    assert "a" not in tried([failed("1", counts=False)])


def test_what_was_cleared_begins_anew_and_may_be_told_again() -> None:
    told = RunTold("2", escalated=A, bundle="there")

    (found,) = tried([failed("1"), told, cleared("3"), failed("4")]).values()

    assert found.runs == ("4",)
    assert not found.escalated


def test_a_run_that_did_not_look_for_it_changes_nothing() -> None:
    other = RunTold("2", frozenset({"b"}), frozenset())

    assert tried([failed("1"), other, failed("3")])["a"].runs == ("1", "3")


def looked(run: str, *scenarios: str) -> RunTold:
    return RunTold(run, looked=frozenset(scenarios))


def told_of(run: str) -> RunTold:
    return RunTold(run, A, A, {"a": "agent_hang"})


def test_what_was_gone_when_a_run_looked_for_it_everywhere_begins_anew() -> None:
    escalated = RunTold("1", escalated=A, bundle="there")
    runs = [told_of("1"), escalated, looked("2", "orchestrator_crash")]

    assert tried(runs)["a"].escalated
    assert tried([*runs, looked("3", "agent_hang")]) == {}


@given(st.lists(st.sampled_from([failed, cleared]), max_size=12))
def test_the_count_is_that_of_the_failures_since_the_last_success(
    runs: list[Callable[[str], RunTold]],
) -> None:
    found = tried(make(str(number)) for number, make in enumerate(runs)).get("a")

    since = 0
    for make in runs:
        since = since + 1 if make is failed else 0
    assert (len(found.runs) if found else 0) == since
