"""The processes of this machine at one instant, as cheaply as the system tells.

Linux answers from ``/proc``: a link and two small files each, a thousand processes in some 25 ms.
Elsewhere psutil is asked. The helpers that outlive us import this module too, so it needs nothing
but the standard library where there is a ``/proc``.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_DELETED = " (deleted)"
_DEAD = frozenset("ZXx")
_PAGE = 1 << 16  # bytes
_TICKS = 100  # psutil's seconds are hundredths where there is no /proc


@dataclass(frozen=True, slots=True)
class Sketch:
    """What one process runs, and where. ``cwd`` None: the system would not say."""

    pid: int
    command: tuple[str, ...]
    cwd: str | None


@dataclass(frozen=True, slots=True)
class ProcessEntry(Sketch):
    """One living process."""

    parent: int
    group: int
    session: int
    has_terminal: bool
    is_stopped: bool
    start: int  # since boot, in units of the system; with the pid it names a process for ever

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from every other process, a later one with the same pid included."""
        return self.pid, self.start


Table = Mapping[int, ProcessEntry]


class QuickTable(Table):
    """A table that looks twice: at all for what they run and where, at few for the rest."""

    def __init__(self) -> None:
        self._entries: dict[int, ProcessEntry] = {} if has_proc() else read_table()
        self.sketches = list(_sketches()) if has_proc() else [*self._entries.values()]

    def __getitem__(self, pid: int) -> ProcessEntry:
        if pid not in self._entries:
            entry = _entry(str(pid)) if has_proc() else None
            if entry is None:
                raise KeyError(pid)
            self._entries[pid] = entry
        return self._entries[pid]

    def __iter__(self) -> Iterator[int]:
        return (one.pid for one in self.sketches)

    def __len__(self) -> int:
        return len(self.sketches)


def has_proc() -> bool:
    """Tell whether the system answers from ``/proc``."""
    return (PROC / "self" / "stat").exists()


def read_table() -> dict[int, ProcessEntry]:
    """Return every living process by pid; zombies are dead."""
    entries = _from_proc() if has_proc() else _from_psutil()
    return {entry.pid: entry for entry in entries}


def working_directories() -> frozenset[str]:
    """Return where the processes of this machine work, as far as we may know."""
    if has_proc():
        found = (_cwd(name) for name in _names())
    else:
        found = (entry.cwd for entry in _from_psutil())
    return frozenset(one for one in found if one is not None)


def start_of(pid: int) -> int | None:
    """Return when the process that now has this pid was started; None when none lives."""
    if not has_proc():
        return next((one.start for one in _from_psutil() if one.pid == pid), None)
    stat = _stat(str(pid))
    return None if stat is None else int(stat[19])


def children_of(table: Table) -> dict[int, list[int]]:
    """Return the children of every process that has some."""
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    return children


def ancestors_of(pid: int, table: Table) -> Iterator[ProcessEntry]:
    """Walk up from the parent of a process, as far as it can be seen."""
    seen = {pid}
    entry = table.get(pid)
    while entry is not None and entry.parent not in seen:
        seen.add(entry.parent)
        entry = table.get(entry.parent)
        if entry is not None:
            yield entry


def descendants_of(roots: set[int], table: Table) -> list[int]:
    """Return everything below these processes, parents first."""
    children = children_of(table)
    found, level = [], sorted(roots)
    while level:
        level = [child for pid in level for child in children.get(pid, ()) if child not in roots]
        found.extend(level)
    return found


def _from_proc() -> Iterator[ProcessEntry]:
    return (entry for name in _names() if (entry := _entry(name)) is not None)


def _sketches() -> Iterator[Sketch]:
    for name in _names():
        line, cwd = _read(f"/proc/{name}/cmdline"), _cwd(name)
        if cwd is None and line:  # it may have ended between the two
            line = _read(f"/proc/{name}/cmdline")
        # Zombies and threads of the kernel run nothing.
        if line:
            yield Sketch(int(name), _words(line), cwd)


def _names() -> Iterator[str]:
    return (name for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208 -- names, no paths


def _entry(name: str) -> ProcessEntry | None:
    stat = _stat(name)
    if stat is None:
        return None
    line = _read(f"/proc/{name}/cmdline")
    return (
        None
        if line is None
        else ProcessEntry(
            pid=int(name),
            parent=int(stat[1]),
            group=int(stat[2]),
            session=int(stat[3]),
            has_terminal=stat[4] != b"0",
            is_stopped=stat[0] in (b"T", b"t"),
            start=int(stat[19]),
            command=_words(line),
            cwd=_cwd(name),
        )
    )


def _stat(name: str) -> list[bytes] | None:
    """Return the fields after the name, which may hold anything; None for the dead."""
    content = _read(f"/proc/{name}/stat")
    fields = content.rpartition(b")")[2].split() if content else []
    return None if not fields or fields[0].decode() in _DEAD else fields


def _read(path: str) -> bytes | None:
    """Read a small file the shortest way there is; two for each process of the machine."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = part = os.read(handle, _PAGE)
        while len(part) == _PAGE:
            part = os.read(handle, _PAGE)
            content += part
    except OSError:
        return None
    finally:
        os.close(handle)
    return content


def _words(line: bytes) -> tuple[str, ...]:
    # A process that writes its own title has one word, padded with zeros.
    return tuple(os.fsdecode(word) for word in line.rstrip(b"\0").split(b"\0")) if line else ()


def _cwd(name: str) -> str | None:
    try:
        return os.readlink(f"/proc/{name}/cwd").removesuffix(_DELETED)  # noqa: PTH115 -- text; a thousand of them
    except OSError:
        return None


def _from_psutil() -> Iterator[ProcessEntry]:
    import psutil

    wanted = ["pid", "ppid", "create_time", "status", "terminal", "cmdline", "cwd"]
    for process in psutil.process_iter(wanted):
        told = process.info
        if told["status"] in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            continue
        yield ProcessEntry(
            pid=told["pid"],
            parent=told["ppid"] or 0,
            group=_asked(os.getpgid, told["pid"]),
            session=_asked(os.getsid, told["pid"]),
            has_terminal=told["terminal"] is not None,
            is_stopped=told["status"] == psutil.STATUS_STOPPED,
            start=round((told["create_time"] or 0.0) * _TICKS),
            command=tuple(told["cmdline"] or ()),
            cwd=told["cwd"] or None,
        )


def _asked(question: Callable[[int], int], pid: int) -> int:
    try:
        return question(pid)
    except OSError:
        return 0
