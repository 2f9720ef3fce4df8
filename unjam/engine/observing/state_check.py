"""Look at the state's file: at a glance in every check, and closely only where something is odd.

The glance costs some 0.2 ms, and what it imports next to nothing.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unjam.adapters import mounts
from unjam.adapters.state.file import companion_file
from unjam.adapters.state.files.lock_probe import probe_locks
from unjam.domain.world.snapshot import Process, Snapshot
from unjam.domain.world.truth import Truth
from unjam.engine.orchestration import Orchestration, state_file

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
    from unjam.engine.observing.state_inspection import inspect_state

    return replace(snapshot, database=inspect_state(orchestration, snapshot, thorough=thorough))


def _is_odd(path: Path, snapshot: Snapshot) -> bool:
    bosses = [one for one in snapshot.orchestrators() if one.certain]
    return (
        snapshot.state.readable is Truth.UNKNOWN
        or len(bosses) > 1
        or _is_short_of_room(path)
        or bool(mounts.why_not_writable(path))
        or bool(mounts.shared_kind(path))
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
    seen = probe_locks(path)
    log, journal = _size(companion_file(path, "-wal")), _size(companion_file(path, "-journal"))
    left = log > 0 or journal > 0
    return seen.is_kept or seen.is_stranded or log > LONG_LOG or (left and not seen.is_open)


def _is_stranded(path: Path, bosses: Iterable[Process]) -> bool:
    """Tell an orchestrator that works on files of the state that were deleted under it."""
    pids = [one.identity.pid for one in bosses]
    if not pids:
        return False
    from unjam.adapters.processes.locks.open_files import openers_of

    files = [str(companion_file(path, side)) for side in ("", "-wal", "-shm")]
    return any(one.is_deleted for one in openers_of(files, pids))


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
