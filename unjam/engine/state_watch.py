"""Look at the state's file: at a glance in every check, and closely only where something is odd.

A lock that comes and goes is work. So whoever holds one is looked at twice, a moment apart.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unjam.adapters import mounts
from unjam.adapters.processes.locks import HeldLock, locks_on, openers_of
from unjam.adapters.state.file import beside
from unjam.adapters.state.location import file_of
from unjam.domain.database import BLOCKING, READS, SIDES, LockKind, lock_kinds
from unjam.domain.snapshot import Process, Snapshot, Truth
from unjam.engine.orchestration import Orchestration

LONG_LOG = 8 << 20  # bytes; SQLite folds its log in at 4 MB of pages, unless somebody reads it
NO_ROOM = 1 << 20  # bytes


def with_database(
    orchestration: Orchestration, snapshot: Snapshot, *, thorough: bool = False
) -> Snapshot:
    """Add a close look at the state's file, if a glance at it shows anything odd."""
    path = state_file(orchestration)
    if path is None or snapshot.state.readable is Truth.NO:
        return snapshot
    if not thorough and not _is_odd(path, snapshot):
        return snapshot
    # Seldom needed, and a check must answer in a blink.
    from unjam.engine.state_look import look_closely

    return replace(snapshot, database=look_closely(orchestration, snapshot, thorough=thorough))


def state_file(orchestration: Orchestration) -> Path | None:
    """Return the state's SQLite file; None when the state is on a server."""
    return file_of(orchestration.state)


def _is_odd(path: Path, snapshot: Snapshot) -> bool:
    bosses = [one for one in snapshot.orchestrators() if one.certain]
    return (
        snapshot.state.readable is Truth.UNKNOWN
        or len(bosses) > 1
        or _is_short_of_room(path)
        or bool(mounts.why_not_writable(path))
        or _is_left_or_held(path)
        or _is_stranded(path, bosses)
    )


def _is_short_of_room(path: Path) -> bool:
    with suppress(OSError):
        room = os.statvfs(path)
        return room.f_bavail * room.f_frsize < NO_ROOM
    return False


def _is_left_or_held(path: Path) -> bool:
    """Tell a lock that keeps others from writing, a log nobody has open, and one that only grows."""
    locks = locks_on([str(beside(path, side)) for side in ("", "-shm")])
    kinds = {kind for one in locks or () for kind in kinds_of(one)}
    if locks is None or kinds & set(BLOCKING):
        return True
    log, journal = _size(beside(path, "-wal")), _size(beside(path, "-journal"))
    return (log > 0 and not kinds) or log > LONG_LOG or (journal > 0 and not kinds)


def kinds_of(lock: HeldLock) -> Iterator[LockKind]:
    """Name what a lock of the system's is to SQLite."""
    side = "-shm" if lock.path.endswith("-shm") else ""
    return lock_kinds(side, lock.first, lock.last, writes=lock.writes)


def marks_of(lock: HeldLock) -> range:
    """Return which of the five marks of a log's readers a lock on its index covers."""
    return range(
        max(lock.first, READS.start) - READS.start, min(lock.last + 1, READS.stop) - READS.start
    )


def _is_stranded(path: Path, bosses: Iterable[Process]) -> bool:
    """Tell an orchestrator that works on files of the state that were deleted under it."""
    pids = [one.identity.pid for one in bosses]
    files = [str(beside(path, side)) for side in SIDES if side != "-journal"]
    return bool(pids) and any(one.is_deleted for one in openers_of(files, pids))


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
