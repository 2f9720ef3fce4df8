"""What the graph of dependencies costs: finding deadlocks among thousands, and the smallest cut.

    python -m benchmarks.graph --workstreams 10000

Only the decision is measured, on snapshots made here: no file is read and no Git is asked.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePath

from unjam.domain.catalogue.diagnosis import disorder
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import Need, needing, picture_of
from unjam.domain.steps.policy import Policy
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Row, Snapshot, Spec, State, Unsaved, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth

_REPO = PurePath("/repository")
Waits = dict[int, set[int]]


def main() -> None:
    """Measure every shape of graph."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--workstreams", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=5)
    chosen = arguments.parse_args()
    about = [row.name for row in needing(Need.ORDER)]
    for name, build in SHAPES.items():
        snapshot = orchestration(build(random.Random(7), chosen.workstreams))
        found = disorder(snapshot)
        plan = plan_recovery(about, snapshot, Policy())
        times = [
            timed(action, chosen.rounds)
            for action in (
                lambda: disorder(snapshot),  # noqa: B023 -- used at once
                lambda: plan_recovery(about, snapshot, Policy()),  # noqa: B023
                lambda: picture_of(snapshot),  # noqa: B023
            )
        ]
        proven = "" if any("may not be" in note for note in plan.notes) else ", proven smallest"
        print(
            f"{name:34} {len(found):5} found {len(plan.steps):5} specs edited{proven:18}"
            f"  find {times[0]:6.3f} s  plan {times[1]:6.3f} s  picture {times[2]:6.3f} s"
        )


def timed(action: Callable[[], object], rounds: int) -> float:
    """Return the median of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def sound(dice: random.Random, size: int) -> Waits:
    """Build an order without a cycle: everybody waits for up to three older ones."""
    return {
        n: {dice.randrange(max(0, n - 50), n) for _ in range(3)} if n else set()
        for n in range(size)
    }


def few_wrong(dice: random.Random, size: int) -> Waits:
    """Add ten entries that close cycles."""
    waits = sound(dice, size)
    for _ in range(10):
        last = dice.randrange(100, size)
        first = last
        for _ in range(8):
            first = min(waits[first], default=first)
        waits[first].add(last)
    return waits


def one_ring(_dice: random.Random, size: int) -> Waits:
    """Build one cycle of everybody."""
    return {n: {(n + 1) % size} for n in range(size)}


def pairs(_dice: random.Random, size: int) -> Waits:
    """Build thousands of cycles of two."""
    return {n: {n ^ 1} for n in range(size - size % 2)}


def tangle(dice: random.Random, size: int) -> Waits:
    """Build a graph at random, most of which is one knot: no order was ever meant."""
    return {n: {dice.randrange(size) for _ in range(2)} - {n} for n in range(size)}


SHAPES: dict[str, Callable[[random.Random, int], Waits]] = {
    "a sound order": sound,
    "ten wrong entries": few_wrong,
    "one cycle of all": one_ring,
    "cycles of two": pairs,
    "at random, nearly all one knot": tangle,
}


def orchestration(waits: Waits) -> Snapshot:
    """Order it, with a row for every second workstream."""
    names = {n: WorkstreamId(f"ws-{n:05}") for n in waits}
    specs = (
        Spec(names[n], _REPO / f"{names[n]}.json", tuple(names[x] for x in sorted(others)))
        for n, others in waits.items()
    )
    rows = (
        Row(names[n], Status.PENDING, values=(("status", "pending"),)) for n in list(waits)[::2]
    )
    trunk = CommitId("a" * 40)
    clean = Unsaved(Truth.YES)
    return Snapshot(
        repo=_REPO,
        common=_REPO / ".git",
        trunk="refs/heads/main",
        trunk_tip=trunk,
        observed_at=datetime(2026, 1, 1, tzinfo=UTC),
        primary=Worktree("", _REPO, _REPO / ".git", "refs/heads/main", trunk, Truth.YES, clean),
        state=State("state.db", Truth.YES, rows=tuple(rows)),
        specs=tuple(specs),
    )


if __name__ == "__main__":
    main()
