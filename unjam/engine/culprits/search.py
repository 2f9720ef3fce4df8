"""Search for culprits: run what tells most, several trials at a time, until each test is explained."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from math import ceil, log2

from unjam.domain.culprits.search import Ruling, SearchTerms, given_up, next_trials, rule
from unjam.domain.world.trials import Case, Heard, Probe, Said, Unit
from unjam.engine.culprits.bench import Bench, workers_of
from unjam.engine.culprits.compare_failures import Failing, said_of
from unjam.engine.culprits.trial_trees import Trees
from unjam.engine.observing.tests_on_record import Ran

_PROOF = 5  # trials that a proof takes, about


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How far a search is."""

    runs: int
    left: int  # about
    interval: tuple[int, int] | None  # the units among which culprits still are
    sentence: str


Tell = Callable[[SearchProgress], None]


class Search:
    """The search over one range of units, for all failing tests at once."""

    def __init__(
        self,
        bench: Bench,
        trees: Trees,
        failing: Sequence[Failing],
        heard: Mapping[str, tuple[Heard, ...]],
        tell: Tell,
    ) -> None:
        self.bench = bench
        self.trees = trees
        self.failing = {one.test: one for one in failing}
        self.heard = dict(heard)
        self.tell = tell
        self.workers = workers_of(bench.orchestration)
        self.stacks: dict[int, tuple[int, ...]] = {}
        confidence = bench.orchestration.settings.verify.confidence
        self.terms = SearchTerms(
            len(trees.units),
            confidence=confidence,
            noisy_confidence=1 - (1 - confidence) / 20,
            stacks=self.stacks,
            likelier=_likelier(trees.units, failing),
        )

    def cases(self) -> tuple[Case, ...]:
        """Search, and return what was found about every test."""
        running: dict[Future[Ran], Probe] = {}
        while True:
            free = self.workers - len(running)
            wanted = self._wanted(free, tuple(running.values())) if free else ()
            started = [self._start(probe) for probe in wanted]
            running |= {future: probe for future, probe in started if future is not None}
            if not running:
                if not wanted:
                    break
                continue
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                self._hear(running.pop(future), future.result())
            self.tell(self._progress())
        return tuple(self._case(one) for one in self.failing.values())

    def _wanted(self, free: int, pending: Sequence[Probe]) -> tuple[Probe, ...]:
        open_ = {test: self.heard[test] for test in self.failing if not self._is_settled(test)}
        return next_trials(self.terms, open_, free, pending) if open_ else ()

    def _is_settled(self, test: str) -> bool:
        return isinstance(rule(self.terms, self.heard[test]), Ruling)

    def _start(self, probe: Probe) -> tuple[Future[Ran] | None, Probe]:
        made = self.trees.of(probe)
        if made is None:
            self._cannot(probe)
            return None, probe
        open_ = [test for test in self.failing if not self._is_settled(test)]
        everything = any(self.failing[test].needs_everything for test in open_)
        return self.bench.start(*made, None if everything else open_), probe

    def _cannot(self, probe: Probe) -> None:
        """Note a tree that cannot be made; where one unit is in the way of others, find those."""
        if probe.plus is None and probe.upto == self.terms.units and probe.without:
            unit = probe.without[-1]
            stack = self.trees.stack(unit)
            if stack:
                self.stacks[unit] = stack
        for test in self.failing:
            if not self._is_settled(test):
                self.heard[test] += (Heard(probe, Said.UNTESTABLE),)

    def _hear(self, probe: Probe, ran: Ran) -> None:
        for test, failing in self.failing.items():
            if ran.asked is None or test in ran.asked:
                self.heard[test] += (Heard(probe, said_of(failing, ran)),)

    def _progress(self) -> SearchProgress:
        open_ = [test for test in self.failing if not self._is_settled(test)]
        first, last, sure = self.terms.units, 1, True
        for test in open_:
            asking = rule(self.terms, self.heard[test])
            if not isinstance(asking, Ruling):
                low, high = asking.belief.interval()
                first, last = min(first, low), max(last, high)
                sure = sure and bool(asking.musts)
        if not open_:
            return SearchProgress(self.bench.runs, 0, None, "every test is explained")
        left = _PROOF + ceil(log2(max(1, last - first + 1))) if not sure else _PROOF
        among = f"units {first} to {last} of {self.terms.units}"
        sentence = f"{self.bench.runs} runs, about {left} left: {len(open_)} tests, {among}"
        return SearchProgress(self.bench.runs, left, (first, last), sentence)

    def _case(self, failing: Failing) -> Case:
        ruling = given_up(self.terms, self.heard[failing.test])
        return replace(case_of(failing, ruling), heard=tuple(self.heard[failing.test]))


def case_of(failing: Failing, ruling: Ruling) -> Case:
    """Say what was concluded about one test."""
    return Case(
        test=failing.test,
        blame=ruling.blame,
        guilty=ruling.guilty,
        partner=ruling.partner,
        confidence=ruling.confidence,
        interval=ruling.interval,
        proven=ruling.proven,
        because=ruling.because,
        output=failing.output,
    )


def _likelier(units: Sequence[Unit], failing: Sequence[Failing]) -> tuple[tuple[int, float], ...]:
    """Prefer units that touch a file which a failing test's output, or its name, has in it."""
    told = "\n".join(f"{one.test}\n{one.output}" for one in failing)
    return tuple(
        (number, _TOUCHING)
        for number, unit in enumerate(units, start=1)
        if any(path in told for path in unit.paths if "/" in path or "." in path)
    )


_TOUCHING = 8.0  # times as likely; measured gains need 32, hostile outputs should cost little
