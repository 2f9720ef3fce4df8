"""Look at the state's file: at a glance in every check, and closely only where something is odd.

The glance costs some 0.2 ms, and what it imports next to nothing.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unjam.adapters import mounts
from unjam.adapters.processes.locks.lock_table import HeldLock, lockers_of_ranges, locks_on
from unjam.adapters.state.file import companion_file
from unjam.adapters.state.files.lock_probe import LOCKED_BYTES, OPEN_BYTE, probe_locks, uses_log
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth, Unknown
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

    database = inspect_state(orchestration, snapshot, thorough=thorough)
    unseen = database.unseen_log if database else ""
    more = (Unknown("the log of the state", unseen),) if unseen else ()
    return replace(snapshot, database=database, unknown=(*snapshot.unknown, *more))


def _is_odd(path: Path, snapshot: Snapshot) -> bool:
    bosses = [one for one in snapshot.orchestrators() if one.certain]
    return (
        snapshot.state.readable is Truth.UNKNOWN
        or len(bosses) > 1
        or _is_short_of_room(path)
        or bool(mounts.why_not_writable(path))
        or bool(mounts.shared_kind(path))
        or _is_left_or_held(path)
        or _is_stranded(path, snapshot)
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


def _is_stranded(path: Path, snapshot: Snapshot) -> bool:
    """Tell somebody who works on files of the state that were deleted under him; in doubt look closely.

    Others may have made new ones since, which hides him from every look at the names: so all are
    asked who use SQLite, whatever files they have open.
    """
    files = [str(companion_file(path, side)) for side in ("", "-wal", "-shm")]
    locks = locks_on(files)
    if locks is None:
        return uses_log(path) and probe_locks(path).is_open
    pids = {one.identity.pid for one in snapshot.processes} | lockers_of_ranges(LOCKED_BYTES)
    if not pids:
        return False
    from unjam.adapters.processes.locks.open_files import openers_of

    return any(one.is_deleted for one in openers_of(files, pids)) or bool(_beside_log(path, locks))


def _beside_log(path: Path, locks: Iterable[HeldLock]) -> set[int]:
    """Return who has the database open and not the log that is beside it now."""
    if not uses_log(path):
        return set()
    at_log = {
        one.pid for one in locks if one.path.endswith("-shm") and one.first <= OPEN_BYTE <= one.last
    }
    # Who keeps it to himself has no index of a log.
    return {one.pid for one in locks if not one.path.endswith("-shm") and not one.writes} - at_log


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
