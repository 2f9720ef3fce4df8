"""The one way in which locks of dead owners are treated, whichever scenario finds them."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from unjam.domain.scenarios.shared.stale_locks import left_locks
from unjam.domain.steps.facts import fact
from unjam.domain.steps.plan import Fact, MoveLock
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth


def lock_steps(
    snapshot: Snapshot, more: tuple[Fact, ...] = (), freed: Collection[str] = ()
) -> Iterator[MoveLock]:
    """Move each of them into the vault: it may hold a complete new index.

    So, too, one whose every possible owner works in a worktree that is ``freed`` before: it must
    be provably stale by then.
    """
    for lock in left_locks(snapshot):
        ends = bool(lock.suspects) and set(lock.suspects) <= set(freed)
        if lock.stale is Truth.YES or (lock.stale is Truth.UNKNOWN and ends):
            then = replace(snapshot, locks=(replace(lock, stale=Truth.YES),))
            yield MoveLock(
                subject=snapshot.place(lock.path),
                reason=f"{lock.because}, and is ended first" if ends else lock.because,
                facts=(*more, fact("lock", str(lock.path), then)),
                path=lock.path,
            )
