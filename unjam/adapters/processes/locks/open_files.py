"""Who has a file open, those included that have lost their name; the file itself is not touched.

Linux tells it by ``/proc/PID/fd``. Elsewhere psutil does, which knows nothing of deleted files.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.processes.identity import identity_of
from unjam.adapters.processes.own_processes import our_own
from unjam.adapters.processes.roles import is_personal
from unjam.adapters.processes.table import (
    PROC,
    ProcessEntry,
    ancestors_of,
    descendants_of,
    read_table,
)
from unjam.domain.world.identity import ProcessIdentity

_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """One of the files that were asked for, as a process has it open."""

    pid: int
    path: str
    number: int | None  # of the handle; None where the system does not tell it
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Person:
    """What there is to say of a process by its pid."""

    entry: ProcessEntry
    identity: ProcessIdentity
    is_personal: bool  # somebody sits at its terminal
    is_ours: bool  # it is unjam, or waits for it


def openers_of(
    paths: Iterable[str], pids: Iterable[int] | None = None, proc: Path = PROC
) -> Iterator[OpenFile]:
    """Find who has these files open, be it after they were deleted; of ``pids``, or of all."""
    wanted = frozenset(paths)
    if not (proc / "self" / "fd").exists():
        yield from _by_psutil(wanted)
        return
    for pid in _pids(proc) if pids is None else pids:
        folder = f"{proc}/{pid}/fd"
        with suppress(OSError):
            for number in os.listdir(folder):  # noqa: PTH208 -- names, no paths
                with suppress(OSError):
                    link = os.readlink(f"{folder}/{number}")  # noqa: PTH115 -- may be no path
                    path = link.removesuffix(_DELETED)
                    if path in wanted:
                        yield OpenFile(pid, path, int(number), link != path)


def _pids(proc: Path) -> Iterator[int]:
    return (int(name) for name in os.listdir(proc) if name.isdigit())  # noqa: PTH208 -- names


def _by_psutil(wanted: frozenset[str]) -> Iterator[OpenFile]:
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error):
            for file in process.open_files():
                if file.path in wanted:
                    yield OpenFile(process.pid, file.path, None, is_deleted=False)


def deleted_file(opened: OpenFile) -> Path:
    """Name where an open file that lost its name can still be read, while its process lives."""
    return PROC / str(opened.pid) / "fd" / str(opened.number)


def persons_of(pids: Iterable[int]) -> dict[int, Person]:
    """Return those of them that live and can be seen."""
    wanted = [pid for pid in pids if pid > 0]
    if not wanted:
        return {}
    table = read_table()
    ours = our_own(table) | {one.pid for one in ancestors_of(os.getpid(), table)}
    found = {}
    for pid in wanted:
        identity = identity_of(pid)
        if pid in table and identity is not None:
            entry = table[pid]
            personal = is_personal(entry) or _is_typed_into(pid)
            found[pid] = Person(entry, identity, personal, pid in ours)
    return found


def _is_typed_into(pid: int) -> bool:
    with suppress(OSError):
        link = os.readlink(f"{PROC}/{pid}/fd/0")  # noqa: PTH115 -- may be no path
        return link.startswith(("/dev/pts/", "/dev/tty"))
    return False


def started_by(root: int, pids: Iterable[int]) -> int:
    """Count those of the processes that came from another one."""
    return len(set(pids) & set(descendants_of({root}, read_table())))
