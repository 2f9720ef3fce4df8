"""Try the trunk without the guilty units, with the whole suite, before anybody is asked to allow it."""

from collections.abc import Iterator, Sequence

from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.trials import Blame, Case, Probe, Remedy, TrunkTests
from unjam.domain.world.words import counted
from unjam.engine.culprits.bench import Bench
from unjam.engine.culprits.compare_failures import failing_in
from unjam.engine.culprits.trial_trees import Trees
from unjam.engine.observing.tests_on_record import Ran

_SHOWN = 3


def remedy_for(found: TrunkTests, trees: Trees, bench: Bench, snapshot: Snapshot) -> Remedy | None:
    """Try to take out what is proven guilty, then with what is built on it; None if nothing is proven."""
    guilty = proven_units(found.cases)
    if not guilty:
        return None
    before = {one.test for one in found.cases}
    broke = {one.test for one in found.cases if one.proven and one.guilty}
    last = None
    for units in _sets(guilty, found, trees, snapshot):
        made = trees.of(Probe(len(found.units), tuple(sorted(units))))
        if made is None:
            last = last or Remedy(
                _newest(units),
                "",
                passed=False,
                because="they cannot be taken out: later work on the same lines is in the way",
            )
            continue
        ran = bench.run(*made, None)
        last = _judged(units, made[1], ran, before, broke)
        if last.passed:
            return last
    return last


def proven_units(cases: Sequence[Case]) -> frozenset[int]:
    """Return every unit that is proven to break a test."""
    blamed = (Blame.BROKEN, Blame.PAIR)
    return frozenset(
        unit for one in cases if one.proven and one.blame in blamed for unit in one.guilty
    )


def judge_remedy(ran: Ran, before: set[str], broke: set[str]) -> tuple[bool, str, tuple[str, ...]]:
    """Tell whether a run of everything shows nothing new, and nothing of what was broken."""
    failing = {one.test: one for one in failing_in(ran, "the verify command")}
    if any(one.is_whole for one in failing.values()):
        return False, ran.sentence, ()
    still = sorted(set(failing) & broke)
    new = sorted(set(failing) - before)
    if still or new:
        what = "still failing without them" if still else "failing only then"
        names = ", ".join((still or new)[:_SHOWN])
        tests = counted(len(still or new), "test")
        return False, f"{tests} {what}: {names}", tuple(sorted(failing))
    left = tuple(sorted(failing))
    others = f"what is left has other reasons: {counted(len(left), 'failing test')}"
    return True, f"without them {others if left else 'the whole suite passes'}", left


def _judged(
    units: frozenset[int], tree: str, ran: Ran, before: set[str], broke: set[str]
) -> Remedy:
    passed, because, left = judge_remedy(ran, before, broke)
    return Remedy(_newest(units), tree, passed, because, left)


def _sets(
    guilty: frozenset[int], found: TrunkTests, trees: Trees, snapshot: Snapshot
) -> Iterator[frozenset[int]]:
    """Yield what to take out: the guilty alone, with what is in their way, with what depends on them."""
    yield guilty
    stacked = guilty
    for unit in guilty:
        stacked |= frozenset(trees.stack(unit) or ())
    if stacked != guilty:
        yield stacked
    depending = stacked | frozenset(_dependents(stacked, found, snapshot))
    if depending != stacked:
        yield depending


def _dependents(units: frozenset[int], found: TrunkTests, snapshot: Snapshot) -> Iterator[int]:
    """Yield later units whose workstreams were ordered to build on those of the guilty ones."""
    gone: set[WorkstreamId] = {
        WorkstreamId(one) for unit in units for one in found.units[unit - 1].workstreams
    }
    needs = {one.workstream: set(one.depends_on) for one in snapshot.specs}
    for number in range(min(units) + 1, len(found.units) + 1):
        own = {WorkstreamId(one) for one in found.units[number - 1].workstreams}
        if any(needs.get(one, set()) & gone for one in own):
            gone |= own
            yield number


def _newest(units: frozenset[int]) -> tuple[int, ...]:
    return tuple(sorted(units, reverse=True))
