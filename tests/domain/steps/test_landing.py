"""Batch first, halves when it fails, nobody blamed without a trial that shows it."""

import math
from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from unjam.domain.steps.landing import (
    Blocked,
    Candidate,
    Conflicting,
    Culprit,
    Order,
    PairClash,
    SearchedLanding,
    Trial,
    Try,
    Verdict,
    Verified,
    landing_order,
    next_trial,
)
from unjam.domain.world.identity import WorkstreamId

PASSED, FAILED = Verified.PASSED, Verified.FAILED
Judge = Callable[[Trial], Verdict]


def ids(text: str) -> Trial:
    return tuple(WorkstreamId(one) for one in text.split())


def candidates(**depends_on: str) -> list[Candidate]:
    return [Candidate(WorkstreamId(one), frozenset(ids(on))) for one, on in depends_on.items()]


def settle(
    some: list[Candidate], judge: Judge, limit: int = 10_000
) -> tuple[SearchedLanding, list[Trial]]:
    verdicts: dict[Trial, Verdict] = {}
    asked: list[Trial] = []
    while isinstance(step := next_trial(some, verdicts), Try):
        assert step.trial not in verdicts, "asked twice"
        asked.append(step.trial)
        verdicts[step.trial] = judge(step.trial)
        assert len(asked) <= limit
    return step, asked


def fails_with(*culprits: str) -> Judge:
    return lambda trial: FAILED if set(culprits) & set(trial) else PASSED


def test_a_good_batch_takes_one_run() -> None:
    landing, asked = settle(candidates(a="", b="a", c=""), fails_with())

    assert landing == SearchedLanding(ids("a b c"))
    assert asked == [ids("a b c")]


def test_nothing_to_land_takes_no_run() -> None:
    assert next_trial([], {}) == SearchedLanding(())


def test_the_culprit_is_convicted_by_the_shortest_failing_trial_and_the_rest_land() -> None:
    landing, asked = settle(candidates(a="", b="", c="", d=""), fails_with("b"))

    assert landing == SearchedLanding(ids("a c d"), (Culprit(WorkstreamId("b"), ids("a b")),))
    assert ids("a") in asked
    assert asked[-1] == ids("a c d"), "what lands was verified as such"


def test_who_depends_on_a_culprit_is_blocked_and_not_blamed() -> None:
    landing, _ = settle(candidates(a="", b="a", c="b", d=""), fails_with("a"))

    assert tuple(one.workstream for one in landing.culprits) == ids("a")
    assert landing.blocked == (
        Blocked(WorkstreamId("b"), by=WorkstreamId("a")),
        Blocked(WorkstreamId("c"), by=WorkstreamId("b")),
    )
    assert landing.landable == ids("d")


def test_when_the_trunk_itself_fails_nobody_is_to_blame() -> None:
    landing, asked = settle(candidates(a="", b=""), lambda _trial: FAILED)

    assert landing == SearchedLanding((), trunk_fails=True)
    assert asked == [ids("a b"), ()]


def test_a_conflict_costs_no_search() -> None:
    def judge(trial: Trial) -> Verdict:
        return Conflicting(WorkstreamId("b")) if "b" in trial else PASSED

    landing, asked = settle(candidates(a="", b="", c="b", d=""), judge)

    assert landing.landable == ids("a d")
    assert landing.clashes == (PairClash(WorkstreamId("b"), ids("a")),)
    assert landing.blocked == (Blocked(WorkstreamId("c"), by=WorkstreamId("b")),)
    assert asked == [ids("a b c d"), ids("a d")]


def test_a_conflict_with_a_culprit_is_forgiven_once_the_culprit_is_out() -> None:
    def judge(trial: Trial) -> Verdict:
        if "b" in trial and "a" in trial[: trial.index(WorkstreamId("b"))]:
            return Conflicting(WorkstreamId("b"))
        return FAILED if "a" in trial else PASSED

    landing, _ = settle(candidates(a="", b="", c="b"), judge)

    assert tuple(one.workstream for one in landing.culprits) == ids("a")
    assert landing.landable == ids("b c")
    assert landing.clashes == ()


def test_two_that_only_fail_together_lose_the_later_one() -> None:
    def judge(trial: Trial) -> Verdict:
        return FAILED if {"a", "d"} <= set(trial) else PASSED

    landing, _ = settle(candidates(a="", b="", c="", d="", e=""), judge)

    assert landing.landable == ids("a b c e")
    assert landing.culprits == (Culprit(WorkstreamId("d"), ids("a b c d")),)


def test_order_follows_dependencies_then_ids() -> None:
    order = landing_order(ids("ws-3 ws-1 ws-2"), {WorkstreamId("ws-1"): ids("ws-3 elsewhere")})

    assert order == Order(ids("ws-2 ws-3 ws-1"))


def test_members_of_a_cycle_and_those_behind_it_have_no_order() -> None:
    order = landing_order(
        ids("a b c d self"),
        {
            WorkstreamId("a"): ids("b"),
            WorkstreamId("b"): ids("a"),
            WorkstreamId("c"): ids("a d"),
            WorkstreamId("self"): ids("self"),
        },
    )

    assert order == Order(ids("d"), cyclic=ids("a b self"), behind=ids("c"))


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Candidate], set[str], set[str]]:
    names = [f"w{number:02}" for number in range(draw(st.integers(1, 24)))]
    some = [
        Candidate(
            WorkstreamId(name),
            frozenset(
                WorkstreamId(one)
                for one in draw(st.sets(st.sampled_from(names[:index]), max_size=2))
            )
            if index
            else frozenset(),
        )
        for index, name in enumerate(names)
    ]
    bad = draw(st.sets(st.sampled_from(names), max_size=5))
    clashing = draw(st.sets(st.sampled_from(names), max_size=5)) - bad
    return some, bad, clashing


@given(batches())
def test_exactly_the_good_ones_with_good_dependencies_land(
    batch: tuple[list[Candidate], set[str], set[str]],
) -> None:
    some, bad, clashing = batch

    def judge(trial: Trial) -> Verdict:
        for one in trial:
            if one in clashing:
                return Conflicting(one)
        return FAILED if bad & set(trial) else PASSED

    landing, asked = settle(some, judge)

    fine: set[str] = set()
    for one in some:
        if one.workstream not in bad | clashing and one.depends_on <= fine:
            fine.add(one.workstream)
    assert set(landing.landable) == fine
    assert {one.workstream for one in landing.culprits} <= bad
    assert {one.workstream for one in landing.clashes} <= clashing
    named: list[Culprit | PairClash | Blocked] = [*landing.culprits, *landing.clashes]
    named.extend(landing.blocked)
    assert sorted((*landing.landable, *(one.workstream for one in named))) == [
        one.workstream for one in some
    ], "everybody is told once what became of them"
    assert not landing.landable or landing.landable in asked, "what lands was verified as such"
    runs = [one for one in asked if judge(one) in (PASSED, FAILED)]
    halves = math.ceil(math.log2(len(some))) if len(some) > 1 else 0
    assert len(runs) <= 2 + len(landing.culprits) * (halves + 1)
    assert len(asked) - len(runs) <= 2 * len(clashing)


@given(batches(), st.randoms(use_true_random=False))
def test_verdicts_that_contradict_each_other_still_end_the_search(
    batch: tuple[list[Candidate], set[str], set[str]],
    dice: Random,
) -> None:
    some = batch[0]

    def judge(trial: Trial) -> Verdict:
        if trial and dice.random() < 0.3:
            return Conflicting(dice.choice(trial))
        return dice.choice([PASSED, FAILED]) if trial else PASSED

    verdicts: dict[Trial, Verdict] = {}

    def remembering(trial: Trial) -> Verdict:
        return verdicts.setdefault(trial, judge(trial))

    landing, _ = settle(some, remembering, limit=60 * len(some))

    assert not landing.landable or verdicts[landing.landable] is PASSED
    for culprit in landing.culprits:
        assert verdicts[culprit.convicted_by] is FAILED
        assert verdicts[culprit.convicted_by[:-1]] is PASSED


@given(
    st.dictionaries(
        st.sampled_from(ids("a b c d e f g")), st.frozensets(st.sampled_from(ids("a b c d e f g")))
    )
)
def test_an_order_never_puts_anyone_before_a_dependency(
    depends_on: dict[WorkstreamId, frozenset[WorkstreamId]],
) -> None:
    order = landing_order(depends_on, depends_on)

    assert sorted((*order.ordered, *order.cyclic, *order.behind)) == sorted(depends_on)
    for place, one in enumerate(order.ordered):
        needs = depends_on[one] & depends_on.keys()
        assert needs <= set(order.ordered[:place])
