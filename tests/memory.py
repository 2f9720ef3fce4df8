"""Where the directories of tests lie: in memory, where there is room, since every sync of a disk is waited for.

A sync of a memory costs nothing, and a kill leaves in it what it leaves on a disk. A test marked ``disk``
looks at what a memory does not have, and lies on a disk all the same.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

MEMORY = Path("/dev/shm")
DISK = Path("/var/tmp")
_TEMPORARY = "PYTEST_DEBUG_TEMPROOT"  # pytest's own setting
_ENOUGH = 4 << 30  # bytes; a session takes a tenth, one of its tests with large files more


def prefer_memory() -> None:
    """Let pytest make its directories in memory; where somebody chose a place, or it is small, they stay."""
    if _TEMPORARY not in os.environ and _has_room():
        _forget_the_killed()
        os.environ[_TEMPORARY] = str(MEMORY)


@contextmanager
def directory_on_disk() -> Iterator[Path]:
    """Give an empty directory that is not in memory."""
    with TemporaryDirectory(prefix="unjam-test-", dir=DISK, ignore_cleanup_errors=True) as made:
        yield Path(made)


def _has_room() -> bool:
    if not os.access(MEMORY, os.W_OK | os.X_OK):
        return False
    free = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available // 2)
    return free >= _ENOUGH and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC


def _forget_the_killed() -> None:
    """Take away what sessions that were killed left: pytest keeps it for days, and it is memory."""
    for lock in MEMORY.glob("pytest-of-*/pytest-*/.lock"):
        with suppress(OSError, ValueError):
            if lock.owner() == Path("/proc/self").owner() and not psutil.pid_exists(
                int(lock.read_text())
            ):
                shutil.rmtree(lock.parent, ignore_errors=True)
