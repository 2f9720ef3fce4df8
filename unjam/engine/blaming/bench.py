"""Run tests on trees, several at a time, each in a throw-away checkout of its own."""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from unjam.adapters.git.moving.trial import (
    discard_trial,
    trial_checkout,
    trial_environment,
    trial_root,
)
from unjam.adapters.junit import read_junit
from unjam.adapters.processes.run import Verification, VerifyStatus, run_verify
from unjam.adapters.runner import Order, file_of, is_pytest, order, present
from unjam.domain.snapshot import CommitId
from unjam.engine.blaming.record import Memory, Ran
from unjam.engine.orchestration import Orchestration
from unjam.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTHING_RAN = 4  # pytest's exit status when it was asked for what is not there
_ENDED_BY_ITSELF = (0, 1, 5)


class Bench:
    """A pool of checkouts and the runs in them; the person's checkout is no part of it."""

    def __init__(self, orchestration: Orchestration, memory: Memory, workers: int) -> None:
        self.orchestration = orchestration
        self._memory = memory
        self._slots: SimpleQueue[int] = SimpleQueue()
        self._count = workers
        for one in range(workers):
            self._slots.put(one)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="trial")
        self.runs = 0
        self.seconds = 0.0

    def start(self, commit: str, tree: str, tests: Sequence[str] | None) -> "Future[Ran]":
        """Run these tests, or all of them, on a tree as soon as a checkout is free."""
        return self._pool.submit(self.run, commit, tree, tests)

    def run(self, commit: str, tree: str, tests: Sequence[str] | None) -> Ran:
        """Run these tests, or all of them; one that an earlier search ran and lost count of is taken."""
        known = self._memory.take(tree, tests)
        if known is not None:
            return known
        slot = self._slots.get()
        try:
            ran = self._run(slot, CommitId(commit), tree, tests)
        finally:
            self._slots.put(slot)
        self._memory.keep(ran)
        self.runs += 1
        self.seconds += ran.seconds
        return ran

    def close(self) -> None:
        """End what waits, and take the checkouts away."""
        self._pool.shutdown(cancel_futures=True)
        common = self.orchestration.common
        discard_trial(common, self._place(0).parent)

    def _place(self, slot: int) -> Path:
        return trial_root(self.orchestration.common) / "culprit" / str(slot) / "tree"

    def _run(self, slot: int, commit: CommitId, tree: str, tests: Sequence[str] | None) -> Ran:
        place = self._place(slot)
        command = tuple(self.orchestration.settings.verify.command)
        trial_checkout(self.orchestration.common, commit, place)
        asked = tuple(tests or ())
        if asked and is_pytest(command):
            asked = present(asked, place)
            if not asked:
                return Ran(
                    tree, tuple(tests or ()), {}, "passed", "none of its tests is there", 0.0
                )
        told = self._order(place, asked)
        verification = self._verify(place, told)
        if told.narrowed and verification.exit_code == _NOTHING_RAN:
            # Not even the tests beside it run when one of those asked for is not there.
            told = self._order(place, tuple(dict.fromkeys(str(file_of(one)) for one in asked)))
            verification = self._verify(place, told)
        results = read_junit(told.report) if told.report else None
        if told.narrowed and verification.exit_code not in _ENDED_BY_ITSELF and not results:
            results = None
        everything = tests is None or not told.narrowed
        return Ran(
            tree=tree,
            asked=None if everything else tuple(tests or ()),
            results=results,
            status=str(verification.status),
            sentence=verification.sentence if told.report is None else _short(verification),
            seconds=verification.seconds,
        )

    def _order(self, place: Path, tests: Sequence[str]) -> Order:
        settings = self.orchestration.settings.verify
        told = order(settings.command, settings.junit, place, place.parent, tests)
        if told.report is not None:
            told.report.unlink(missing_ok=True)
        return told

    def _verify(self, place: Path, told: Order) -> Verification:
        settings = self.orchestration.settings.verify
        environment = trial_environment(self.orchestration.common) | dict(told.environment)
        found = run_verify(
            told.command,
            place,
            settings.timeout.total_seconds(),
            environment,
            place.parent / "verify.log",
        )
        if found.status is VerifyStatus.NOT_FOUND:
            raise UsageError(f"{found.sentence} (verify.command)")
        return found


def workers_of(orchestration: Orchestration) -> int:
    """Say how many trials run at once: as many as cores, unless it is configured."""
    return orchestration.settings.verify.workers or os.cpu_count() or 1


@contextmanager
def open_bench(orchestration: Orchestration, memory: Memory) -> "Iterator[Bench]":
    """Open a pool of checkouts; they are gone afterwards."""
    bench = Bench(orchestration, memory, workers_of(orchestration))
    try:
        yield bench
    finally:
        bench.close()


def _short(verification: Verification) -> str:
    """Leave our own options out of the command that is shown."""
    return f"the tests {verification.status} in {verification.seconds:.0f} s"
