"""The search names the right unit, in few runs, and never an innocent one for a flaky test's sake."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unjam.domain.culprits.search import Asking, Ruling, SearchTerms, given_up, next_trials, rule
from unjam.domain.world.trials import Blame, Heard, Probe, Said

Truth = Callable[[Probe], bool]
SEEDS = range(200)


@dataclass(frozen=True)
class Found:
    ruling: Ruling
    runs: int
    rounds: int


def present(unit: int, probe: Probe) -> bool:
    return probe.plus == unit or (unit <= probe.upto and unit not in probe.without)


def breaking(*units: int) -> Truth:
    """Broken by each of these for itself."""
    return lambda probe: any(present(one, probe) for one in units)


def together(*units: int) -> Truth:
    return lambda probe: all(present(one, probe) for one in units)


def nothing(_: Probe) -> bool:
    return False


def search(  # noqa: PLR0913 -- what a search can be like
    units: int,
    is_bad: Truth,
    *,
    workers: int = 1,
    noise: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
    dead: Iterable[int] = (),
) -> Found:
    """Search with a test that fails for nothing, and passes for nothing, this often."""
    dice, terms, blocked = random.Random(seed), SearchTerms(units), frozenset(dead)
    heard: tuple[Heard, ...] = (Heard(Probe(units), Said.FAIL), Heard(Probe(0), Said.PASS))
    runs = rounds = 0

    def said(probe: Probe) -> Said:
        if not probe.without and probe.plus is None and probe.upto in blocked:
            return Said.UNTESTABLE
        wrong, right = noise
        fails = dice.random() >= right if is_bad(probe) else dice.random() < wrong
        return Said.FAIL if fails else Said.PASS

    while isinstance(answer := rule(terms, heard), Asking):
        wanted = next_trials(terms, {"test": heard}, workers)
        if not wanted:
            answer = given_up(terms, heard)
            break
        rounds += 1
        for probe in wanted:
            runs += 1
            heard += (Heard(probe, said(probe)),)
    assert isinstance(answer, Ruling)
    return Found(answer, runs, rounds)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_without_noise_the_culprit_is_found_and_proven(data: st.DataObject) -> None:
    units = data.draw(st.integers(1, 80))
    guilty = data.draw(st.integers(1, units))
    workers = data.draw(st.integers(1, 4))

    found = search(units, breaking(guilty), workers=workers)

    assert found.ruling.blame is Blame.BROKEN
    assert found.ruling.guilty == (guilty,)
    assert found.ruling.proven


@pytest.mark.parametrize(
    ("noise", "searches", "enough"),
    [(0.0, 200, 200), (0.05, 200, 198), (0.20, 50, 37)],
    ids=["steady", "5 %", "20 %"],
)
def test_of_many_searches_none_convicts_an_innocent(
    noise: float, searches: int, enough: int
) -> None:
    found = [
        (
            seed % 32 + 1,
            search(32, breaking(seed % 32 + 1), noise=(noise, noise), seed=seed, workers=2),
        )
        for seed in SEEDS[:searches]
    ]

    wrong = [
        guilty for guilty, one in found if one.ruling.proven and one.ruling.guilty != (guilty,)
    ]
    right = [
        guilty for guilty, one in found if one.ruling.proven and one.ruling.guilty == (guilty,)
    ]
    assert len(wrong) <= 1  # 0.5 %
    assert len(right) >= enough


def test_a_flaky_test_convicts_nobody() -> None:
    found = [search(64, nothing, noise=(0.1, 0.0), seed=seed) for seed in SEEDS]

    assert {one.ruling.blame for one in found} == {Blame.FLAKY}
    assert sum(one.runs for one in found) / len(found) <= 12


@pytest.mark.parametrize("pair", [(20, 45), (1, 2), (1, 64), (63, 64)])
def test_two_that_break_it_together_are_both_named(pair: tuple[int, int]) -> None:
    found = search(64, together(*pair))

    assert found.ruling.blame is Blame.PAIR
    assert (found.ruling.partner, *found.ruling.guilty) == pair
    assert found.ruling.proven
    assert found.runs <= 24


def test_one_that_two_break_each_for_itself_loses_both() -> None:
    found = search(64, breaking(20, 45))

    assert found.ruling.guilty == (20, 45)
    assert found.ruling.proven


def test_a_block_that_cannot_be_tested_hides_no_culprit() -> None:
    found = search(64, breaking(41), dead=range(36, 45))

    assert found.ruling.guilty == (41,)
    assert found.ruling.proven


@pytest.mark.parametrize(("units", "most"), [(64, 16), (512, 20)])
def test_a_steady_test_takes_few_runs(units: int, most: int) -> None:
    guilty = units * 2 // 3

    assert search(units, breaking(guilty)).runs <= most


@pytest.mark.parametrize(("units", "most"), [(64, 7), (512, 9)])
def test_more_workers_take_fewer_rounds(units: int, most: int) -> None:
    assert search(units, breaking(units * 2 // 3), workers=4).rounds <= most


def test_tests_that_behave_alike_share_their_trials() -> None:
    terms = SearchTerms(64)
    heard = (Heard(Probe(64), Said.FAIL), Heard(Probe(0), Said.PASS))

    alone = next_trials(terms, {"one": heard}, 2)

    assert next_trials(terms, {"one": heard, "other": heard}, 2) == alone


def test_what_is_on_its_way_is_not_asked_for_twice() -> None:
    terms = SearchTerms(64)
    heard = (Heard(Probe(64), Said.FAIL), Heard(Probe(0), Said.PASS))
    (first,) = next_trials(terms, {"test": heard}, 1)

    assert first not in next_trials(terms, {"test": heard}, 1, (first,))


def test_beyond_its_budget_a_search_says_that_it_cannot_tell() -> None:
    heard = tuple(
        Heard(Probe(place % 65), Said.FAIL if place % 2 else Said.PASS) for place in range(200)
    )

    answer = rule(SearchTerms(64), heard)

    assert isinstance(answer, Ruling)
    assert answer.blame is Blame.UNSURE
    assert not answer.proven
