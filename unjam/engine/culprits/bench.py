"""Run tests on trees, several at a time, each in a throw-away checkout of its own."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from unjam.adapters.git.moving.trial_checkout import discard_trial
from unjam.domain.world.identity import CommitId
from unjam.engine.culprits.compare_failures import passed_in
from unjam.engine.culprits.trial import Trial, place_of, run_trial
from unjam.engine.observing.tests_on_record import Memory, Ran
from unjam.engine.orchestration import Orchestration

if TYPE_CHECKING:
    from collections.abc import Iterator

Carry = Callable[[Trial], Ran]


class Bench:
    """A pool of checkouts and the runs in them; the person's checkout is no part of it."""

    def __init__(
        self, orchestration: Orchestration, memory: Memory, workers: int, carry: Carry
    ) -> None:
        self.orchestration = orchestration
        self._carry = carry
        self._memory = memory
        self._slots: SimpleQueue[int] = SimpleQueue()
        self._count = workers
        for one in range(workers):
            self._slots.put(one)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="trial")
        self.passed: set[str] = set()  # tests that were there and passed, on whichever tree
        self.runs = 0
        self.seconds = 0.0

    def start(self, commit: str, tree: str, tests: Sequence[str] | None) -> "Future[Ran]":
        """Run these tests, or all of them, on a tree as soon as a checkout is free."""
        return self._pool.submit(self.run, commit, tree, tests)

    def run(self, commit: str, tree: str, tests: Sequence[str] | None) -> Ran:
        """Run these tests, or all of them; one that an earlier search ran and lost count of is taken."""
        ran = self._memory.take(tree, tests) or self._try(commit, tree, tests)
        self.passed |= passed_in(ran)
        return ran

    def _try(self, commit: str, tree: str, tests: Sequence[str] | None) -> Ran:
        slot = self._slots.get()
        try:
            asked = None if tests is None else tuple(tests)
            ran = self._carry(Trial(self.orchestration, slot, CommitId(commit), tree, asked))
        finally:
            self._slots.put(slot)
        if ran.was_tried:  # what was in the way may be put right meanwhile
            self._memory.keep(ran)
        self.runs += 1
        self.seconds += ran.seconds
        return ran

    def close(self) -> None:
        """End what waits, and take the checkouts away."""
        self._pool.shutdown(cancel_futures=True)
        common = self.orchestration.common
        discard_trial(common, place_of(self.orchestration, 0).parent)


def workers_of(orchestration: Orchestration) -> int:
    """Say how many trials run at once: as many as cores, unless it is configured."""
    return orchestration.settings.verify.workers or os.cpu_count() or 1


@contextmanager
def open_bench(
    orchestration: Orchestration, memory: Memory, carry: Carry = run_trial
) -> "Iterator[Bench]":
    """Open a pool of checkouts; they are gone afterwards. ``carry`` may carry trials out elsewhere."""
    bench = Bench(orchestration, memory, workers_of(orchestration), carry)
    try:
        yield bench
    finally:
        bench.close()
