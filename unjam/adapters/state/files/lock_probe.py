"""Whether anybody has the state open, or keeps it from others: asked of the kernel, byte by byte.

It costs microseconds, where the list of all locks of the system costs ten milliseconds.
"""

import fcntl
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.state.file import ALONE, companion_file

_PENDING, _SHARED = (0x40000000, 2), (0x40000002, 510)  # first byte and length
_TO_WRITE, _OPEN = (
    (120, 3),
    (123, 6),
)  # of the index: write, fold in, recover; readers and all others
# Whoever works with a log holds a lock on some of these, whatever became of the names of his files.
LOCKED_BYTES = (range(_PENDING[0], sum(_SHARED)), range(_TO_WRITE[0], sum(_OPEN)))
OPEN_BYTE = sum(_OPEN) - 1  # of the index: everybody has it who has the log open
_IS_MAC = sys.platform == "darwin"
_FLOCK = struct.Struct("qqihh" if _IS_MAC else "hhqqi4x")


class LockProbe(NamedTuple):
    """What the locks of a database look like at one instant."""

    is_open: bool  # somebody holds some lock
    is_kept: bool  # somebody holds one with which nobody else can write
    is_stranded: bool  # somebody has it open with a log whose files are not there


def probe_locks(path: Path) -> LockProbe:
    """Look; whatever cannot be opened is held by nobody we could tell."""
    with ALONE:
        reads = _is_locked(path, _SHARED, fcntl.F_WRLCK)
        writes = _is_locked(path, _SHARED, fcntl.F_RDLCK) or _is_locked(
            path, _PENDING, fcntl.F_WRLCK
        )
        index = companion_file(path, "-shm")
        kept = writes or _is_locked(index, _TO_WRITE, fcntl.F_WRLCK)
        logs = kept or _is_locked(index, _OPEN, fcntl.F_WRLCK)
        stranded = (reads and not logs and uses_log(path)) or (
            logs and not companion_file(path, "-wal").exists() and uses_log(path)
        )
        return LockProbe(reads or logs, kept, stranded)


def uses_log(path: Path) -> bool:
    """Tell whether a database works with a write-ahead log, by its header."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"
    return False


def _is_locked(path: Path, place: tuple[int, int], wanted: int) -> bool:
    """Tell whether a lock of the wanted kind would have to wait for another process."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            first, length = place
            asked = (first, length, 0, wanted, 0) if _IS_MAC else (wanted, 0, first, length, 0)
            told = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, _FLOCK.pack(*asked)))
        finally:
            os.close(descriptor)
        return bool(told[3 if _IS_MAC else 0] != fcntl.F_UNLCK)
    return False
