"""Investigate the trunk's tests: what fails, since when, by whose work, and what would undo it.

Runs tests in throw-away checkouts; nothing of the person's is touched, and what was paid for is kept.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import islice
from operator import itemgetter

from unjam.adapters import verdicts
from unjam.adapters.git.moving.exchange import tree_of
from unjam.adapters.git.proving.units import LandedWork, units_of
from unjam.adapters.state.rows.read import log_of
from unjam.domain.world.identity import AgentId, CommitId, WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.trials import Blame, Case, Heard, Probe, Said, TrunkTests, Turn, Unit
from unjam.engine.culprits.bench import Bench, Carry, open_bench, workers_of
from unjam.engine.culprits.compare_failures import (
    Failing,
    failing_in,
    never_passed,
    only_together,
    said_of,
)
from unjam.engine.culprits.fresh_checkout import hint_of_lacks, what_to_set
from unjam.engine.culprits.remedy import remedy_for
from unjam.engine.culprits.search import Search, SearchProgress, Tell
from unjam.engine.culprits.trial import run_trial
from unjam.engine.culprits.trial_trees import Trees
from unjam.engine.observing.observe import observe
from unjam.engine.observing.tests_on_record import (
    Memory,
    Ran,
    command_of,
    folder,
    recorded,
    write_down,
)
from unjam.engine.orchestration import Orchestration
from unjam.errors import UsageError

_LONGEST = 1024  # units that are looked at
_STEPS = (16, 128)  # units back, before all of them
_TOGETHER = 2  # more runs of everything before a test is believed to fail only then
_TRIES = 24  # places at which a pass is looked for
_BEGAN = "started"


def investigate(
    orchestration: Orchestration,
    snapshot: Snapshot,
    tell: Tell,
    *,
    afresh: bool = False,
    carry: Carry = run_trial,
) -> TrunkTests:
    """Say what the tests say of the trunk; a failure on record is taken, unless ``afresh``.

    Raises RefusedError while another search is at work here or a setting is held, UsageError where
    the verify command cannot be run.
    """
    orchestration.require_trust()
    with verdicts.one_search(folder(orchestration)):
        known = None if afresh else recorded(orchestration, snapshot.trunk_tip)
        if known is not None and known.cases:
            return known
        memory = Memory(orchestration)
        with open_bench(orchestration, memory, carry) as bench:
            found = _Investigation(orchestration, snapshot, bench, memory, tell).run(afresh=afresh)
        write_down(orchestration, found)
        return found


def known_tests(orchestration: Orchestration, tell: Tell, carry: Carry = run_trial) -> TrunkTests:
    """Bring on record what the tests say of the trunk as it is now; see ``investigate``."""
    seen = observe(orchestration, only=frozenset())
    return investigate(orchestration, seen, tell, carry=carry)


class _Investigation:
    def __init__(
        self,
        orchestration: Orchestration,
        snapshot: Snapshot,
        bench: Bench,
        memory: Memory,
        tell: Tell,
    ) -> None:
        self.orchestration = orchestration
        self.snapshot = snapshot
        self.bench = bench
        self.memory = memory
        self.tell = tell
        self.tip = snapshot.trunk_tip
        self.ahead: dict[int, Future[Ran]] = {}  # by place: looks that were begun early

    def run(self, *, afresh: bool) -> TrunkTests:
        tree = tree_of(self.orchestration.common, self.tip)
        if afresh:
            self.memory.forget(tree)
        self._say("running the whole suite on the trunk")
        with ThreadPoolExecutor(1, thread_name_prefix="units") as beside:
            units = beside.submit(self._units)
            whole = self.bench.run(self.tip, tree, None)
        if not whole.was_tried:
            name = shlex.join(self.orchestration.settings.verify.command)
            set_ = what_to_set(self.orchestration)
            raise UsageError(f"the tests could not be tried (`{name}`): {whole.sentence}; {set_}")
        shown = " ".join(self.orchestration.settings.verify.command)
        failing = failing_in(whole, shown)
        found = TrunkTests(
            tip=self.tip,
            command=command_of(self.orchestration),
            passed=not failing,
            said=whole.sentence,
            unidentified=any(one.is_whole for one in failing),
        )
        if failing:
            found = self._explained(found, failing, units.result())
        return replace(found, runs=self.bench.runs, seconds=round(self.bench.seconds, 1))

    def _explained(
        self, found: TrunkTests, failing: Sequence[Failing], units: tuple[Unit, ...]
    ) -> TrunkTests:
        rerun = self._start(self.tip, failing)
        self._look_ahead(units, failing)
        again = rerun.result()
        steady = [one for one in failing if said_of(one, again) is Said.FAIL]
        flipped = [one for one in failing if one not in steady]
        # A runner that cannot be asked for single tests ran everything again as it is.
        together = self._only_together(flipped) if flipped and again.asked is not None else []
        steady += together
        alone = {one.test for one in together}
        cases = [_flaky(one, said_of(one, again)) for one in flipped if one.test not in alone]
        base, at_base = self._base(units, steady)
        if base is None:
            cases += self._everywhere(steady)
            return replace(found, cases=tuple(cases))
        span = units[base:]
        good = [one for one in steady if at_base[one.test] is Said.PASS]
        cases += self._everywhere(one for one in steady if one not in good)
        if good:
            cases += self._searched(span, good)
        found = replace(found, good=span[0].before, units=span, cases=tuple(cases))
        self._say("running the whole suite on the trunk without what broke it")
        remedy = remedy_for(found, Trees(self.orchestration, span), self.bench, self.snapshot)
        return replace(found, remedy=remedy)

    def _only_together(self, passing: Sequence[Failing]) -> list[Failing]:
        """Return those that pass by themselves each time, and fail each time everything runs.

        Another test leaves something behind for them, or they are not to be had by their names.
        """
        ran = self._run(self.tip, passing)
        kept = [only_together(one) for one in passing if said_of(one, ran) is not Said.FAIL]
        for _ in range(_TOGETHER):
            if kept:
                ran = self._run(self.tip, kept)
                kept = [one for one in kept if said_of(one, ran) is Said.FAIL]
        if kept:
            self.ahead.clear()  # looks at single tests say nothing of these
        return kept

    def _everywhere(self, failing: Iterable[Failing]) -> Iterator[Case]:
        because = "it fails at every point at which it could be tried, the oldest one included"
        hint = cache(lambda: hint_of_lacks(self.orchestration))
        for one in failing:
            why = "; ".join(filter(None, (because, hint())))
            yield Case(one.test, Blame.ENVIRONMENT, because=why, output=one.output)

    def _searched(self, span: Sequence[Unit], failing: Sequence[Failing]) -> tuple[Case, ...]:
        head = Probe(len(span))
        opening = (Heard(head, Said.FAIL), Heard(Probe(0), Said.PASS), Heard(head, Said.FAIL))
        heard = {one.test: opening for one in failing}
        trees = Trees(self.orchestration, span)
        search = Search(self.bench, trees, failing, heard, self.tell)
        return tuple(
            one if one.test in self.bench.passed or not one.proven else never_passed(one)
            for one in search.cases()
        )

    def _units(self) -> tuple[Unit, ...]:
        branches = {one.ref: str(one.tip) for one in self.snapshot.branches}
        template = self.orchestration.branch_template

        def owner(ref: str) -> WorkstreamId | None:
            found = template.owner(ref)
            return found.workstream if found else None

        known = LandedWork(branches, owner, turns_of(self.orchestration, self.snapshot))
        return units_of(self.orchestration.common, self.snapshot.trunk, known, _LONGEST)

    def _base(
        self, units: Sequence[Unit], failing: Sequence[Failing]
    ) -> tuple[int | None, dict[str, Said]]:
        """Find a point at which the tests pass: one on record, else farther and farther back.

        Returns its number, and what each test said where it was asked last; None where all of them
        fail wherever they can be tested.
        """
        looked = _Looked(failing)
        for at in self._candidates(units):
            if not looked.left:
                break
            self._look(looked, units, at)
        while looked.left and (place := looked.between(len(units))) is not None:
            self._look(looked, units, place)
        while not looked.left and (place := looked.older()) is not None:
            self._look(looked, units, place, failing)
        return looked.best, looked.said

    def _look(
        self,
        looked: "_Looked",
        units: Sequence[Unit],
        at: int,
        asked: Sequence[Failing] | None = None,
    ) -> None:
        left = looked.left if asked is None else asked
        self._say(f"looking for a point where {len(left)} tests pass: {len(units) - at} back")
        begun = self.ahead.pop(at, None)
        ran = begun.result() if begun else self._run(units[at].before, left)
        looked.take(at, {one.test: said_of(one, ran) for one in left})

    def _candidates(self, units: Sequence[Unit]) -> Iterator[int]:
        passing = self.memory.passing
        known = (
            at
            for at in range(len(units) - 1, -1, -1)
            if passing and tree_of(self.orchestration.common, CommitId(units[at].before)) in passing
        )
        first = next(known, None)
        back = [len(units) - step for step in _STEPS if step < len(units)]
        yield from dict.fromkeys(one for one in (first, *back, 0) if one is not None and units)

    def _look_ahead(self, units: Sequence[Unit], failing: Sequence[Failing]) -> None:
        """Begin to look for a point that passes with the workers that would have nothing to do."""
        for at in islice(self._candidates(units), workers_of(self.orchestration) - 1):
            self.ahead[at] = self._start(units[at].before, failing)

    def _run(self, commit: str, failing: Sequence[Failing]) -> Ran:
        return self._start(commit, failing).result()

    def _start(self, commit: str, failing: Sequence[Failing]) -> "Future[Ran]":
        everything = any(one.needs_everything for one in failing)
        tree = tree_of(self.orchestration.common, CommitId(commit))
        return self.bench.start(commit, tree, None if everything else [one.test for one in failing])

    def _say(self, sentence: str) -> None:
        self.tell(SearchProgress(self.bench.runs, 0, None, sentence))


class _Looked:
    """Where tests were asked on the way back, and what they said."""

    def __init__(self, failing: Sequence[Failing]) -> None:
        self._failing = failing
        self.said: dict[str, Said] = {}
        self.best: int | None = None
        self._tries = 3
        self._tried: set[int] = set()
        self._dead = -1  # the newest place at which what is left could not be tested
        self._failed: int | None = None  # the oldest at which it failed

    @property
    def left(self) -> list[Failing]:
        """The tests that were not seen to pass."""
        return [one for one in self._failing if self.said.get(one.test) is not Said.PASS]

    def take(self, at: int, said: dict[str, Said]) -> None:
        """Take in what the tests that are left said at a place."""
        self._tried.add(at)
        passed = {test: one for test, one in said.items() if self.said.get(test) is not Said.PASS}
        self.said |= passed
        if Said.PASS in said.values():
            self.best = at if self.best is None else min(self.best, at)
        if Said.FAIL in said.values():
            self._failed = at if self._failed is None else min(self._failed, at)
        elif Said.PASS not in said.values():
            self._dead = max(self._dead, at)

    def between(self, units: int) -> int | None:
        """Name a place not tried yet, older than any failure: the middle, the quarters, and so on.

        Places that cannot be tested lie close together, so that to step aside from one helps little.
        """
        failed = units if self._failed is None else self._failed
        if self._dead < 0 or len(self._tried) >= _TRIES:
            return None
        return next(
            (one for one in _spread(units) if one < failed and one not in self._tried), None
        )

    def older(self) -> int | None:
        """Name a place before the best one: two units that break a test together show only if both came after."""
        if self.best is None or self._dead < 0 or self.best - self._dead <= 1 or not self._tries:
            return None
        self._tries -= 1
        return (self.best + self._dead) // 2


def _spread(count: int) -> Iterator[int]:
    """Yield places from 1 on, each as far from the ones before as can be."""
    step = count
    while step > 1:
        step = (step + 1) // 2
        yield from range(step, count, step)


def _flaky(one: Failing, again: Said) -> Case:
    how = "passed" if again is Said.PASS else "failed in another way"
    because = f"it failed in the whole suite and {how} when it ran again by itself"
    return Case(one.test, Blame.FLAKY, because=because, output=one.output)


def turns_of(orchestration: Orchestration, snapshot: Snapshot) -> tuple[Turn, ...]:
    """Return every attempt that the log knows the begin of; nothing where there is no such log."""
    return tuple(_turns(orchestration, snapshot))


def _turns(orchestration: Orchestration, snapshot: Snapshot) -> Iterator[Turn]:
    scopes = {one.workstream: one.files_scope for one in snapshot.specs}
    open_ = dict[str, Turn]()
    told = [(event.at, event) for event in log_of(orchestration.state) if event.at is not None]
    for at, event in sorted(told, key=itemgetter(0)):
        name = event.workstream
        turn = open_.pop(name, None)
        if turn is not None:
            yield Turn(turn.workstream, turn.branch, turn.began, at, turn.scope)
        if event.began:
            try:
                agent = AgentId(event.agent)
                branch = orchestration.branch_template.name(WorkstreamId(name), agent)
            except UsageError:
                continue  # names that are none name no branch
            scope = scopes.get(WorkstreamId(name), ())
            open_[name] = Turn(name, f"refs/heads/{branch}", at, None, scope)
    yield from open_.values()
