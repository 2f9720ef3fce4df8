"""Which workstreams may land together, found with as few runs of the verify command as it takes.

The whole batch is tried first. When it fails, the shortest failing prefix is searched by halves:
its last member is the culprit, since everything before it passes. What lands in the end is always
the very tuple that was verified.
"""

from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from unjam.domain.world.identity import WorkstreamId

Trial = tuple[WorkstreamId, ...]  # merged one after the other onto the trunk, then verified once


@dataclass(frozen=True, slots=True)
class Order:
    """Candidates after what they depend on, and those that have no place in such an order."""

    ordered: tuple[WorkstreamId, ...]
    cyclic: tuple[WorkstreamId, ...] = ()  # members of a cycle
    behind: tuple[WorkstreamId, ...] = ()  # in no cycle, but they depend on one


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workstream to land; dependencies that are no candidates are taken to be on the trunk."""

    workstream: WorkstreamId
    depends_on: frozenset[WorkstreamId] = frozenset()


class Verified(StrEnum):
    """What the verify command said of a trial that merged."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Conflicting:
    """The trial could not be merged: this member does not fit onto those before it."""

    workstream: WorkstreamId


Verdict = Verified | Conflicting


@dataclass(frozen=True, slots=True)
class Try:
    """The next trial the search needs a verdict on."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class Culprit:
    """Fails where everything before it passes."""

    workstream: WorkstreamId
    convicted_by: Trial  # the failing trial it is the last member of


@dataclass(frozen=True, slots=True)
class PairClash:
    """Conflicts with the trunk, or with one of those that go before it."""

    workstream: WorkstreamId
    onto: Trial


@dataclass(frozen=True, slots=True)
class Blocked:
    """Fit to land perhaps, but something it depends on does not."""

    workstream: WorkstreamId
    by: WorkstreamId


@dataclass(frozen=True, slots=True)
class SearchedLanding:
    """The end of the search. ``landable`` passed as exactly this trial, unless it is empty."""

    landable: Trial
    culprits: tuple[Culprit, ...] = ()
    clashes: tuple[PairClash, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    trunk_fails: bool = False  # nothing can be verified, and nobody is to blame


def landing_order(
    candidates: Iterable[WorkstreamId],
    depends_on: Mapping[WorkstreamId, Collection[WorkstreamId]],
) -> Order:
    """Order by dependency, then by id; the same input gives the same order in any arrangement."""
    waiting = {one: set(depends_on.get(one, ())) for one in candidates}
    for needs in waiting.values():
        needs.intersection_update(waiting)
    ordered: list[WorkstreamId] = []
    while ready := [one for one, needs in waiting.items() if not needs]:
        first = min(ready)
        ordered.append(first)
        del waiting[first]
        for needs in waiting.values():
            needs.discard(first)
    cyclic = {one for one in waiting if one in _reached_from(one, waiting)}
    return Order(tuple(ordered), tuple(sorted(cyclic)), tuple(sorted(waiting.keys() - cyclic)))


def next_trial(
    candidates: Iterable[Candidate], verdicts: Mapping[Trial, Verdict]
) -> Try | SearchedLanding:
    """Ask for one more verdict, or answer.

    Call again with the verdict added. Candidates come in landing order. No trial is asked for
    twice, so verdicts that contradict each other end the search like any others.
    """
    search = _search(tuple(candidates))
    try:
        trial = next(search)
        while trial in verdicts:
            trial = search.send(verdicts[trial])
    except StopIteration as end:
        landing: SearchedLanding = end.value
        return landing
    return Try(trial)


@dataclass(slots=True)
class _Sorted:
    """Where the search stands: what is proven good, what was put aside, and why."""

    good: Trial = ()
    culprits: list[Culprit] = field(default_factory=list)
    clashes: list[PairClash] = field(default_factory=list)
    forgiven: set[PairClash] = field(default_factory=set)

    @property
    def aside(self) -> set[WorkstreamId]:
        """Name what does not land by its own fault."""
        return {one.workstream for one in self.culprits} | {one.workstream for one in self.clashes}

    def blocked(self, candidates: Iterable[Candidate]) -> tuple[Blocked, ...]:
        """Follow the dependencies of what was put aside; candidates are in landing order."""
        aside = self.aside
        blocked: dict[WorkstreamId, Blocked] = {}
        for one in candidates:
            missing = sorted(one.depends_on & (aside | blocked.keys()))
            if missing and one.workstream not in aside:
                blocked[one.workstream] = Blocked(one.workstream, by=missing[0])
        return tuple(blocked.values())

    def open(self, candidates: tuple[Candidate, ...]) -> Trial:
        """Name those that still may land beyond the good ones."""
        out = self.aside.union(self.good, (one.workstream for one in self.blocked(candidates)))
        return tuple(one.workstream for one in candidates if one.workstream not in out)


_Search = Generator[Trial, Verdict, SearchedLanding]


def _search(candidates: tuple[Candidate, ...]) -> _Search:
    state = _Sorted()
    while rest := state.open(candidates) or _second_chance(state, candidates):
        whole = (*state.good, *rest)
        verdict = yield whole
        if isinstance(verdict, Conflicting):
            _put_aside(state, whole, verdict)
        elif verdict is Verified.PASSED:
            state.good = whole
        elif not state.good and (yield ()) is not Verified.PASSED:
            return SearchedLanding((), trunk_fails=True)
        else:
            yield from _convict_one(state, whole)
    return SearchedLanding(
        state.good, tuple(state.culprits), tuple(state.clashes), state.blocked(candidates)
    )


def _convict_one(state: _Sorted, whole: Trial) -> Generator[Trial, Verdict, None]:
    """Find the shortest failing prefix; ``whole`` fails and the good ones pass."""
    passing, failing = len(state.good), len(whole)
    while failing - passing > 1:
        middle = (passing + failing) // 2
        verdict = yield whole[:middle]
        if isinstance(verdict, Conflicting):
            _put_aside(state, whole[:middle], verdict)
            return
        if verdict is Verified.PASSED:
            passing = middle
        else:
            failing = middle
    state.good = whole[:passing]
    state.culprits.append(Culprit(whole[passing], convicted_by=whole[:failing]))


def _put_aside(state: _Sorted, trial: Trial, verdict: Conflicting) -> None:
    onto = trial[: trial.index(verdict.workstream)]
    state.clashes.append(PairClash(verdict.workstream, onto))
    if verdict.workstream in state.good:  # it merged before: what else was proven is not, either
        state.good = ()


def _second_chance(state: _Sorted, candidates: tuple[Candidate, ...]) -> Trial:
    """Take back in what clashed only with something that does not land after all."""
    again = {one for one in state.clashes if not set(one.onto) <= set(state.good)}
    again -= state.forgiven  # once each: merges that contradict themselves must not go on for ever
    state.forgiven |= again
    state.clashes = [one for one in state.clashes if one not in again]
    return state.open(candidates)


def _reached_from(
    start: WorkstreamId, edges: Mapping[WorkstreamId, Collection[WorkstreamId]]
) -> set[WorkstreamId]:
    reached: set[WorkstreamId] = set()
    left = list(edges[start])
    while left:
        one = left.pop()
        if one not in reached:
            reached.add(one)
            left.extend(edges[one])
    return reached
