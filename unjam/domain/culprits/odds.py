"""What trials make one believe about where a test broke, with noise that is not known beforehand.

One hypothesis for each unit, one that the test was broken before all of them or by the environment,
and one that it is merely flaky; each under a grid of how often the test fails for nothing (phi) and
passes for nothing (beta). Equal tests of equal trees are independent in this model, and in life are
not always: what is believed here decides where to look, and proofs decide what is done.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, product
from operator import mul

from unjam.domain.world.trials import Heard, Probe, Said

_PHI = ((0.0005, 0.60), (0.02, 0.20), (0.10, 0.15), (0.30, 0.05))
_BETA = ((0.0005, 0.80), (0.05, 0.10), (0.20, 0.07), (0.50, 0.03))
_GRID = tuple(product(_PHI, _BETA))
_PRIOR = [phi[1] * beta[1] for phi, beta in _GRID]
_FAILS_FREE = [phi[0] for phi, _ in _GRID]  # P(fail | the culprit is absent)
_FAILS_HIT = [1 - beta[0] for _, beta in _GRID]  # P(fail | the culprit is present)
_PASSES_FREE = [1 - one for one in _FAILS_FREE]
_PASSES_HIT = [1 - one for one in _FAILS_HIT]
_FLAKY = 0.30  # of the tests that were seen to fail and pass; measured at 0.4 in large monorepos
_BASE = 0.03
_NEGLIGIBLE = 1e-9

Weights = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class SearchedUnits:
    """The units a search is about: after ``lo``, up to ``hi``, with some taken out of every tree."""

    lo: int
    hi: int
    without: tuple[int, ...] = ()

    def place(self, probe: Probe) -> int | None:
        """Tell the place of a plain trial of this span; None if it is another's, or no plain one."""
        if probe.plus is not None or not self.lo <= probe.upto <= self.hi:
            return None
        wanted = tuple(one for one in self.without if one <= probe.upto)
        return probe.upto if probe.without == wanted else None

    def removed(self, probe: Probe) -> frozenset[int] | None:
        """Tell which units a trial of the whole trunk takes out beyond those of the span."""
        if probe.plus is not None or probe.upto != self.hi:
            return None
        more = frozenset(probe.without) - frozenset(self.without)
        return more if more and frozenset(self.without) <= frozenset(probe.without) else None

    def at(self, place: int) -> Probe:
        """Name the plain trial of a place."""
        return Probe(place, tuple(one for one in self.without if one <= place))

    def minus(self, units: Iterable[int]) -> Probe:
        """Name the trial of the whole trunk without these units."""
        return Probe(self.hi, tuple(sorted({*self.without, *units})))


@dataclass(frozen=True, slots=True)
class Belief:
    """Weights of every hypothesis: first "broken before", then each unit, last "flaky"."""

    span: SearchedUnits
    weights: Weights

    @property
    def shares(self) -> list[float]:
        """The probability of each hypothesis."""
        sums = [sum(row) for row in self.weights]
        total = sum(sums) or 1.0
        return [one / total for one in sums]

    @property
    def flaky(self) -> float:
        """How probable it is that nothing broke the test."""
        return self.shares[-1]

    @property
    def before(self) -> float:
        """How probable it is that it was broken before the first unit of the span."""
        return self.shares[0]

    def likeliest(self) -> tuple[int, float]:
        """Return the likeliest unit and its probability."""
        units = self.shares[1:-1]
        best = max(range(len(units)), key=units.__getitem__)
        return self.span.lo + 1 + best, units[best]

    def interval(self, mass: float = 0.95) -> tuple[int, int]:
        """Return the first and last of the likeliest units that together hold this much."""
        units = self.shares[1:-1]
        total, held, chosen = sum(units) or 1.0, 0.0, []
        for one in sorted(range(len(units)), key=units.__getitem__, reverse=True):
            chosen.append(one + self.span.lo + 1)
            held += units[one] / total
            if held >= mass:
                break
        return min(chosen), max(chosen)

    def half(self) -> frozenset[int]:
        """Return the likeliest units, about half of what is believed of all of them."""
        units = self.shares[1:-1]
        total, held, chosen = sum(units) or 1.0, 0.0, set[int]()
        for one in sorted(range(len(units)), key=units.__getitem__, reverse=True):
            share = units[one] / total
            if chosen and held + share > 0.6:  # noqa: PLR2004 -- about half
                continue
            chosen.add(one + self.span.lo + 1)
            held += share
            if held >= 0.5:  # noqa: PLR2004
                break
        return frozenset(chosen)

    def after(self, hit: frozenset[int] | int, said: Said) -> "Belief":
        """Learn from a plain trial of a place, or from one of the trunk without some units."""
        there, free = (
            (_FAILS_HIT, _FAILS_FREE) if said is Said.FAIL else (_PASSES_HIT, _PASSES_FREE)
        )
        last = len(self.weights) - 1
        lo = self.span.lo
        if isinstance(hit, int):
            rows = [
                list(map(mul, row, there if at <= hit - lo and at != last else free))
                for at, row in enumerate(self.weights)
            ]
        else:
            gone = {one - lo for one in hit}
            rows = [
                list(map(mul, row, free if at in gone or at == last else there))
                for at, row in enumerate(self.weights)
            ]
        total = sum(map(sum, rows)) or 1.0
        return Belief(self.span, [[one / total for one in row] for row in rows])

    def gains(self) -> list[float]:
        """Return the information in bits that a plain trial of each place would give, from ``lo`` on."""
        shares = self.shares
        hit = [
            _given(row, share, _FAILS_HIT) for row, share in zip(self.weights, shares, strict=True)
        ]
        free = [
            _given(row, share, _FAILS_FREE) for row, share in zip(self.weights, shares, strict=True)
        ]
        present = list(accumulate(map(mul, shares, hit)))
        noise = list(accumulate(map(mul, shares, map(_entropy, hit))))
        absent = list(accumulate(map(mul, reversed(shares), reversed(free))))[::-1]
        quiet = list(accumulate(map(mul, reversed(shares), reversed(list(map(_entropy, free))))))[
            ::-1
        ]
        places = range(len(shares) - 1)  # the flaky one is absent everywhere
        return [_entropy(present[at] + absent[at + 1]) - noise[at] - quiet[at + 1] for at in places]

    def chances(self, place: int) -> float:
        """Return how probable it is that a plain trial fails."""
        total = 0.0
        for at, (row, share) in enumerate(zip(self.weights, self.shares, strict=True)):
            present = at <= place - self.span.lo and at != len(self.weights) - 1
            total += share * _given(row, share, _FAILS_HIT if present else _FAILS_FREE)
        return total


def first_belief(span: SearchedUnits, likelier: Mapping[int, float]) -> Belief:
    """Believe what one has to after one failure at the end of a span and one pass at its start.

    The shares of "flaky" and "broken before" are set then: had they been set first, noise that is
    high enough to explain the failure would count twice.
    """
    units = range(span.lo + 1, span.hi + 1)
    rows = [
        list(_PRIOR),
        *([likelier.get(one, 1.0) * w for w in _PRIOR] for one in units),
        list(_PRIOR),
    ]
    belief = Belief(span, rows).after(span.hi, Said.FAIL).after(span.lo, Said.PASS)
    sums = [sum(row) for row in belief.weights]
    among = sum(sums[1:-1]) or 1.0
    wanted = [_BASE, *((1 - _BASE - _FLAKY) * one / among for one in sums[1:-1]), _FLAKY]
    scaled = [
        [one * share / total for one in row]
        for row, share, total in zip(belief.weights, wanted, sums, strict=True)
    ]
    return Belief(span, scaled)


@lru_cache(maxsize=4096)
def believed(
    span: SearchedUnits,
    heard: tuple[Heard, ...],
    likelier: tuple[tuple[int, float], ...] = (),
    *,
    plain: bool = False,
) -> Belief:
    """Believe what these trials say, in their order; with ``plain`` without those that take units out.

    The first failure at the end and the first pass at the start are what the search began with.
    """
    if not heard:
        return first_belief(span, dict(likelier))
    belief = believed(span, heard[:-1], likelier, plain=plain)
    last = heard[-1]
    if last.said is Said.UNTESTABLE or _is_first(span, heard):
        return belief
    place = span.place(last.probe)
    if place is not None:
        return belief.after(place, last.said)
    removed = span.removed(last.probe)
    return belief if removed is None or plain else belief.after(removed, last.said)


def _is_first(span: SearchedUnits, heard: tuple[Heard, ...]) -> bool:
    """Tell the two observations that the first belief already holds."""
    last = heard[-1]
    opening = (Heard(span.at(span.hi), Said.FAIL), Heard(span.at(span.lo), Said.PASS))
    return last in opening and last not in heard[:-1]


def best_places(
    beliefs: Sequence[Belief], count: int, pending: Sequence[int], worth: Mapping[int, float]
) -> list[tuple[int, float]]:
    """Choose plain trials that together tell most about all of these, with the bits each adds.

    ``worth`` scales a place that may not be testable. All beliefs are about one span.
    """
    span = beliefs[0].span
    branches = [[(1.0, one)] for one in beliefs]
    for place in pending:
        branches = [_split(one, place) for one in branches]
    chosen: list[tuple[int, float]] = []
    while len(chosen) < count:
        scores = [0.0] * (span.hi - span.lo + 1)
        for several in branches:
            for weight, belief in several:
                for at, gain in enumerate(belief.gains()):
                    scores[at] += weight * gain
        scored = [score * worth.get(at + span.lo, 1.0) for at, score in enumerate(scores)]
        best = max(range(len(scored)), key=scored.__getitem__)
        chosen.append((best + span.lo, scored[best]))
        if len(chosen) < count:
            branches = [_split(one, best + span.lo) for one in branches]
    return chosen


def _split(branches: list[tuple[float, Belief]], place: int) -> list[tuple[float, Belief]]:
    """Follow both answers that a trial may give."""
    split = []
    for weight, belief in branches:
        fails = belief.chances(place)
        for chance, said in ((fails, Said.FAIL), (1 - fails, Said.PASS)):
            if weight * chance > 1e-3:  # noqa: PLR2004 -- no branch that will not be taken
                split.append((weight * chance, belief.after(place, said)))
    return split


def _given(row: Sequence[float], share: float, rates: Sequence[float]) -> float:
    """Average a rate over what is believed of the noise, under one hypothesis."""
    total = sum(row)
    return sum(map(mul, row, rates)) / total if share > _NEGLIGIBLE and total else rates[0]


def _entropy(chance: float) -> float:
    if chance <= 0 or chance >= 1:
        return 0.0
    return -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)
