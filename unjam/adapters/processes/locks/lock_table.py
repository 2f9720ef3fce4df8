"""Who holds a lock on a file, as Linux lists them in ``/proc/locks``; no file is opened for it.

Every check asks this, so it needs next to nothing.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.processes.table import PROC

_TO_THE_END = 1 << 63
_PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes; what the kernel lists in one go
_LONGEST = 128  # bytes of a line
_READINGS = 4


class HeldLock(NamedTuple):
    """A locked range of one file. ``pid`` 0 or below: whoever holds it cannot be seen from here."""

    pid: int
    path: str
    first: int
    last: int
    writes: bool


def locks_on(paths: Iterable[str], proc: Path = PROC) -> list[HeldLock] | None:
    """Return every lock on these files; None where the system does not tell."""
    files = dict(_inodes(paths))
    try:
        texts = _readings(proc / "locks")
    except OSError:
        return None
    found = (_parsed(line, files) for text in texts for line in text.splitlines())
    return list(dict.fromkeys(one for one in found if one is not None))


def lockers_of_ranges(ranges: Iterable[range], proc: Path = PROC) -> set[int]:
    """Return who holds a lock on such bytes of any file, be it one that has lost its name."""
    wanted = tuple(ranges)
    found: set[int] = set()
    with suppress(OSError):
        for line in "\n".join(_readings(proc / "locks")).splitlines():
            words = line.split()
            if len(words) == 8 and any(int(words[6]) in one for one in wanted):  # noqa: PLR2004 -- as shown
                found.add(int(words[4]))
    return found - {0, -1}


def _readings(path: Path) -> list[str]:
    """Read the list; a long one several times.

    The kernel hands it out page by page, and whatever moves up meanwhile, because a lock before it
    is given back, is in none of them: 2 of 100 readings lacked a lock that was held all the time.
    """
    first = path.read_bytes().decode("latin-1")
    if len(first) <= _PAGE - _LONGEST:
        return [first]
    return [first, *(path.read_bytes().decode("latin-1") for _ in range(_READINGS - 1))]


def _inodes(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with suppress(OSError):
            status = Path(path).stat()
            device = status.st_dev
            yield f"{os.major(device):02x}:{os.minor(device):02x}:{status.st_ino}", path


def _parsed(line: str, files: Mapping[str, str]) -> HeldLock | None:
    """Read ``1: POSIX  ADVISORY  WRITE 1234 fe:00:567 120 120``; who only waits holds nothing."""
    words = line.split()
    if len(words) != 8 or words[5] not in files:  # noqa: PLR2004 -- as shown
        return None
    _number, _kind, _, mode, pid, inode, first, last = words
    end = _TO_THE_END if last == "EOF" else int(last)
    return HeldLock(int(pid), files[inode], int(first), end, mode == "WRITE")
