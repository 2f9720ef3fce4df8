"""What a process has open, as far as the system lets us see."""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from unjam.adapters.processes.table import PROC

_WRITABLE = 0o200  # of the link itself: Linux shows there how the file was opened
_TERMINAL_DRIVERS = ("/dev/ptmx", "/dev/pts/ptmx")


@dataclass(frozen=True, slots=True)
class Handle:
    """One open file."""

    number: int
    link: str  # a path, or "pipe:[7]", "socket:[7]", "anon_inode:[eventpoll]"
    writes: bool

    @property
    def is_terminal(self) -> bool:
        """Whether a person, or a program in place of one, is at its other end."""
        return self.link.startswith(("/dev/pts/", "/dev/tty")) and not self.is_terminal_driver

    @property
    def is_terminal_driver(self) -> bool:
        """Whether it is the other end of a terminal."""
        return self.link in _TERMINAL_DRIVERS

    @property
    def inode(self) -> int | None:
        """The number of a pipe or a socket."""
        kind, _, rest = self.link.partition(":[")
        return int(rest[:-1]) if kind in ("pipe", "socket") else None


@dataclass(frozen=True)
class Handles:
    """All a process has open."""

    pid: int
    all: tuple[Handle, ...]
    readable: bool  # whether we were allowed to see them

    def __getitem__(self, number: int) -> Handle | None:
        return self._by_number.get(number)

    @cached_property
    def _by_number(self) -> dict[int, Handle]:
        return {one.number: one for one in self.all}

    def sockets(self) -> Iterator[int]:
        """Yield the numbers of its sockets."""
        return (
            one.inode for one in self.all if one.inode is not None and one.link.startswith("socket")
        )

    def pipes_written(self) -> Iterator[int]:
        """Yield the numbers of the pipes it can write to."""
        for one in self.all:
            if one.inode is not None and one.link.startswith("pipe") and one.writes:
                yield one.inode

    def terminals_driven(self) -> Iterator[int]:
        """Yield the numbers of the terminals whose other end it holds."""
        for one in self.all:
            if one.is_terminal_driver:
                told = fdinfo(self.pid, one.number).get("tty-index")
                if told:
                    yield int(told[0])

    def polled(self, number: int) -> list[Handle | None]:
        """Return what an event poll waits for; None for what is not open any more."""
        return [self[int(one.split()[0])] for one in fdinfo(self.pid, number).get("tfd", [])]

    def written_at(self, shared: Collection[str]) -> datetime | None:
        """Return the newest change of the files it holds open for writing, and others do not."""
        times = []
        for one in self.all:
            if one.writes and one.link.startswith("/") and one.link not in shared:
                with suppress(OSError):
                    status = (PROC / str(self.pid) / "fd" / str(one.number)).stat()
                    if stat.S_ISREG(status.st_mode):
                        times.append(status.st_mtime)
        return datetime.fromtimestamp(max(times), UTC) if times else None


def handles_of(pid: int) -> Handles:
    """Look at everything a process has open."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 -- names, no paths
    except OSError:
        return Handles(pid, (), readable=False)
    return Handles(pid, tuple(_handles(folder, names)), readable=True)


def fdinfo(pid: int, number: int) -> dict[str, list[str]]:
    """Return what the system tells of one open file, by its words."""
    told: dict[str, list[str]] = {}
    with suppress(OSError):
        text = (PROC / str(pid) / "fdinfo" / str(number)).read_text("ascii", "replace")
        for line in text.splitlines():
            name, _, value = line.partition(":")
            told.setdefault(name.strip(), []).append(value.strip())
    return told


def _handles(folder: str, names: list[str]) -> Iterator[Handle]:
    for name in names:
        path = f"{folder}/{name}"
        with suppress(OSError):
            writes = bool(os.lstat(path).st_mode & _WRITABLE)
            yield Handle(int(name), os.readlink(path), writes)  # noqa: PTH115 -- may be no path
