"""Find which units broke which tests, in few runs, several at a time, and with proof.

Pure: it takes what trials said and proposes the next ones. Belief decides where to look. What is
concluded needs more: the test fails with the unit and passes right before it, the whole trunk passes
twice without it and still fails with it. The unit alone on the last good point tells whether it
needs another one to break the test.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unjam.domain.culprits.odds import Belief, SearchedUnits, believed, best_places
from unjam.domain.world.trials import Blame, Heard, Probe, Said

_ENOUGH = 2  # passes of the trunk without the unit, beyond the failures
_SURE = 3  # failures of it that nothing contradicts: something else breaks the test, too
_DOUBTED = 12  # reruns of the trunk, before it is called as good as flaky
_DEEPEST = 3  # units that break one test each for itself


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What a search is about, and when it has found."""

    units: int
    confidence: float = 0.99
    noisy_confidence: float = 0.9995  # once the test was seen to contradict itself
    budget: int = 120  # trials of one test, before it is given up
    stacks: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # what is built on a unit
    likelier: tuple[tuple[int, float], ...] = ()  # units that touch what the test names


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is concluded about one test."""

    blame: Blame
    guilty: tuple[int, ...] = ()
    partner: int | None = None
    confidence: float = 0.0
    interval: tuple[int, int] = (0, 0)
    proven: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """What is still needed: these trials, or without any the most telling ones."""

    span: SearchedUnits
    belief: Belief
    musts: tuple[Probe, ...] = ()


def rule(terms: SearchTerms, heard: tuple[Heard, ...]) -> Ruling | Asking:
    """Conclude about one test from its trials, or say what is needed; the first two began the search."""
    return _Court(terms, heard).rule(SearchedUnits(0, terms.units))


def given_up(terms: SearchTerms, heard: tuple[Heard, ...]) -> Ruling:
    """Conclude from what there is when no trial can tell more."""
    answer = rule(terms, heard)
    if isinstance(answer, Ruling):
        return answer
    return _unsure(answer.belief, "no further trial could tell more")


def next_trials(
    terms: SearchTerms,
    cases: Mapping[str, tuple[Heard, ...]],
    workers: int,
    pending: Sequence[Probe] = (),
) -> tuple[Probe, ...]:
    """Propose trials for the workers that are free; tests that behaved alike are thought of once.

    Empty while only pending trials can help, and for good when none can.
    """
    answers = [rule(terms, heard) for heard in dict.fromkeys(cases.values())]
    asking = [
        (heard, answer)
        for heard, answer in zip(dict.fromkeys(cases.values()), answers, strict=True)
        if isinstance(answer, Asking)
    ]
    chosen = list(_musts([answer for _, answer in asking], pending))[:workers]
    searching = [(heard, answer) for heard, answer in asking if not answer.musts]
    if len(chosen) < workers and searching:
        chosen += _telling(searching, workers - len(chosen), [*pending, *chosen])
    return tuple(chosen)


def _musts(answers: Sequence[Asking], pending: Sequence[Probe]) -> Iterator[Probe]:
    """Yield what is needed for certain, as often as the neediest needs it, without what is on its way."""
    wanted = Counter[Probe]()
    for answer in answers:
        wanted |= Counter(answer.musts)
    wanted -= Counter(pending)
    order = dict.fromkeys(probe for answer in answers for probe in answer.musts)
    while +wanted:  # each once before any is repeated: what fails in between is worth knowing
        for probe in order:
            if wanted[probe] > 0:
                wanted[probe] -= 1
                yield probe


def _telling(
    searching: Sequence[tuple[tuple[Heard, ...], Asking]], count: int, pending: Sequence[Probe]
) -> Iterator[Probe]:
    """Yield the most telling trials for those that share the first one's span."""
    span = searching[0][1].span
    alike = [(heard, answer) for heard, answer in searching if answer.span == span]
    dead = {
        place
        for heard, _ in alike
        for one in heard
        if one.said is Said.UNTESTABLE and (place := span.place(one.probe)) is not None
    }
    beliefs = [answer.belief for _, answer in alike]
    if dead:
        extra = [one for one in _without_some(beliefs[0], alike[0][0], dead) if one not in pending]
        yield from extra[:1]
        count -= len(extra[:1])
    places = [place for one in pending if (place := span.place(one)) is not None]
    worth = _worth(span, dead, frozenset(_tested(alike, span)))
    if count > 0:
        for place, bits in best_places(beliefs, count, places, worth):
            if bits > 0 and place not in dead:
                yield span.at(place)


def _without_some(belief: Belief, heard: Sequence[Heard], dead: set[int]) -> Iterator[Probe]:
    """Where plain trials cannot tell, ask the trunk without some of the suspects."""
    first, last = belief.interval()
    if not any(first <= one <= last for one in dead):
        return
    refused = {one.probe for one in heard if one.said is Said.UNTESTABLE}
    half = belief.span.minus(belief.half())
    if half not in refused:
        yield half
    shares = belief.shares
    order = sorted(range(first, last + 1), key=lambda one: -shares[one - belief.span.lo])
    yield from (one for unit in order if (one := belief.span.minus([unit])) not in refused)


def _tested(
    alike: Sequence[tuple[tuple[Heard, ...], Asking]], span: SearchedUnits
) -> Iterator[int]:
    for heard, _ in alike:
        for one in heard:
            place = span.place(one.probe)
            if place is not None and one.said is not Said.UNTESTABLE:
                yield place


def _worth(span: SearchedUnits, dead: set[int], tested: frozenset[int]) -> dict[int, float]:
    """Say how likely each place can be tested: neighbours of one that cannot seldom can."""
    worth: dict[int, float] = {}
    for one in dead:
        for step in (-1, 1):
            place, distance = one, 0
            while span.lo <= place <= span.hi and place not in tested and distance < _FAR:
                worth[place] = min(worth.get(place, 1.0), _NEAR[distance])
                place, distance = place + step, distance + 1
    return worth | dict.fromkeys(dead, 0.0)


_NEAR = (0.0, 0.10, 0.24, 0.36, 0.45, 0.54, 0.61, 0.67, 0.72, 0.76, 0.80, 0.83, 0.86, 0.88)
_FAR = len(_NEAR)


def _unsure(belief: Belief, because: str) -> Ruling:
    unit, share = belief.likeliest()
    return Ruling(
        Blame.UNSURE, (unit,), None, share, belief.interval(), proven=False, because=because
    )


class _Court:
    """The trials of one test."""

    def __init__(self, terms: SearchTerms, heard: tuple[Heard, ...]) -> None:
        self.terms = terms
        self.heard = heard
        self.count = Counter(heard)

    def fails(self, probe: Probe) -> int:
        return self.count[Heard(probe, Said.FAIL)]

    def passes(self, probe: Probe) -> int:
        return self.count[Heard(probe, Said.PASS)]

    def _is_known(self, probe: Probe) -> bool:
        return bool(self.fails(probe) or self.passes(probe) or self.is_dead(probe))

    def is_dead(self, probe: Probe) -> bool:
        return self.count[Heard(probe, Said.UNTESTABLE)] > 0

    def rule(self, span: SearchedUnits) -> Ruling | Asking:
        """Conclude about a span: first whether something else breaks the test, too."""
        belief = believed(span, self.heard, self.terms.likelier)
        if len(self.heard) >= self.terms.budget:
            return _unsure(belief, f"{self.terms.budget} trials did not settle it")
        plain = believed(span, self.heard, self.terms.likelier, plain=True)
        unit, share = plain.likeliest()
        without = span.minus([unit])
        if share >= self.terms.confidence and self.fails(without) and not self.passes(without):
            return self._broken_twice(span, plain, unit)
        if belief.flaky >= self.terms.confidence:
            because = "it fails and passes where nothing changed"
            return Ruling(Blame.FLAKY, confidence=belief.flaky, because=because)
        if belief.before >= self.terms.confidence:
            because = "it fails at the last good point, too"
            return Ruling(Blame.ENVIRONMENT, confidence=belief.before, because=because)
        unit, share = belief.likeliest()
        if share < self._needed(span):
            return Asking(span, belief)
        return self._proven(span, belief, unit)

    def _needed(self, span: SearchedUnits) -> float:
        is_noisy = self._is_noisy(span)
        return self.terms.noisy_confidence if is_noisy else self.terms.confidence

    def _is_noisy(self, span: SearchedUnits) -> bool:
        """Tell whether the test contradicted itself: failed before it passed, or both at one tree."""
        said = [
            (place, one.said) for one in self.heard if (place := span.place(one.probe)) is not None
        ]
        failed = [place for place, word in said if word is Said.FAIL]
        passed = [place for place, word in said if word is Said.PASS]
        both = any(self.fails(one.probe) and self.passes(one.probe) for one in self.heard)
        return both or bool(failed and passed and min(failed) <= max(passed))

    def _broken_twice(self, span: SearchedUnits, plain: Belief, unit: int) -> Ruling | Asking:
        """Prove that the unit breaks the test, and that without it something else does; then go on."""
        wanted = {span.minus([unit]): _SURE, span.at(unit): 2}
        have = {probe: self.fails(probe) for probe in wanted}
        before = self._predecessor(span, unit)
        if before is not None and before != span.lo:
            wanted[span.at(before)], have[span.at(before)] = 2, self.passes(span.at(before))
        musts = [
            probe for probe, times in wanted.items() for _ in range(times - have[probe])
            if not self.is_dead(probe)
        ]  # fmt: skip
        if musts:
            return Asking(span, plain, tuple(musts))
        if plain.likeliest()[1] < self.terms.noisy_confidence:
            return Asking(span, plain)
        if len(span.without) + 1 >= _DEEPEST or unit == span.hi:
            return _unsure(plain, f"without unit {unit}, which breaks it, it fails still")
        return self.rule(SearchedUnits(unit, span.hi, (*span.without, unit)))

    def _proven(self, span: SearchedUnits, belief: Belief, unit: int) -> Ruling | Asking:
        """Ask for what is missing of the proof; concluded when nothing is."""
        without = self._reverted(span, unit)
        net = self.passes(without) - self.fails(without) if without else _ENOUGH
        musts = [without] * (_ENOUGH - net) if without else []
        musts += list(self._bracket(span, unit))
        head = span.at(span.hi)
        if not span.without and self._is_head_in_doubt(head):
            musts.append(head)
        if musts:
            alone = Probe(0, (), unit)  # asked for along with the rest: it saves a round
            if not span.without and unit > 1 and not self._is_known(alone):
                musts.append(alone)
            return Asking(span, belief, tuple(musts))
        ruling = Ruling(
            blame=Blame.BROKEN,
            guilty=(*span.without, unit),
            confidence=belief.likeliest()[1],
            interval=(unit, unit),
            proven=without is not None and self.fails(head) > 2 * self.passes(head),
            because="" if without else "the trunk cannot be built without it",
        )
        return self._alone(span, belief, ruling)

    def _is_head_in_doubt(self, head: Probe) -> bool:
        """Tell whether the trunk itself has to fail more often: twice, and clearly more than it passes."""
        fails, passes = self.fails(head), self.passes(head)
        return fails < _ENOUGH or (fails <= 2 * passes and fails + passes < _DOUBTED)

    def _reverted(self, span: SearchedUnits, unit: int) -> Probe | None:
        """Name the trial without the unit, with what is built on it taken out too where it must be."""
        stack = tuple(one for one in self.terms.stacks.get(unit, ()) if one not in span.without)
        for units in ((), stack):
            probe = span.minus([unit, *units])
            if not self.is_dead(probe):
                return probe
        return None

    def _bracket(self, span: SearchedUnits, unit: int) -> Iterator[Probe]:
        """Yield the trials right after and right before the unit that are still missing."""
        at, before = span.at(unit), self._predecessor(span, unit)
        if not self.fails(at) and not self.is_dead(at):
            yield at
        if before is not None and before != span.lo and not self.passes(span.at(before)):
            yield span.at(before)

    def _predecessor(self, span: SearchedUnits, unit: int) -> int | None:
        """Return the nearest earlier place that can be tested."""
        places = range(unit - 1, span.lo - 1, -1)
        return next((one for one in places if not self.is_dead(span.at(one))), None)

    def _alone(self, span: SearchedUnits, belief: Belief, ruling: Ruling) -> Ruling | Asking:
        """Try the unit alone on the last good point: if that passes, it takes two to break the test."""
        unit = ruling.guilty[len(span.without)]
        probe = Probe(0, (), unit)
        if unit <= 1 or span.without or self.is_dead(probe) or self.fails(probe):
            return ruling
        if self.passes(probe) < _ENOUGH:
            return Asking(span, belief, (probe,))
        return self._partner(span, belief, ruling, unit)

    def _partner(
        self, span: SearchedUnits, belief: Belief, ruling: Ruling, unit: int
    ) -> Ruling | Asking:
        """Find the earliest place on which the unit breaks the test: the partner landed there."""
        low, high = 0, unit - 1
        while high - low > 1:
            middle = (low + high) // 2
            probe = Probe(middle, (), unit)
            if self.is_dead(probe):
                return replace(ruling, because="which other unit it breaks with cannot be told")
            net = self.fails(probe) - self.passes(probe)
            if not net:
                return Asking(span, belief, (probe,))
            low, high = (low, middle) if net > 0 else (middle, high)
        return replace(ruling, blame=Blame.PAIR, partner=high)
