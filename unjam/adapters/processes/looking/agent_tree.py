"""Look at an agent's whole tree at one instant: what each process counts, and what it waits for."""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unjam.adapters.processes.command_line import name_of, programs, words_in
from unjam.adapters.processes.identity import boot
from unjam.adapters.processes.looking.open_handles import Handle, handles_of
from unjam.adapters.processes.looking.sockets import Sockets, Tcp, TcpState, read_sockets
from unjam.adapters.processes.looking.tree import Tree
from unjam.adapters.processes.looking.waits import Scene, wait_of
from unjam.adapters.processes.roles import is_hinted, is_personal
from unjam.adapters.processes.table import (
    PROC,
    ProcessEntry,
    Table,
    ancestors_of,
    has_proc,
    read_table,
)
from unjam.domain.world.agents.signs import Connection, Look, Pulse, Wait

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ADOPTERS = words_in("systemd init tini dumb-init docker-init catatonit s6-svscan runit")
# They compute for hours and say nothing: never taken for an agent that spins.
_TOOLS = words_in(
    "cc1 cc1plus cc gcc g++ c++ clang clang++ ld lld mold gold as rustc cargo go compile link javac "
    "kotlinc scalac sbt gradle mvn tsc esbuild webpack vite rollup swc swift swiftc ghc ocamlopt "
    "make gmake ninja cmake bazel buck2 meson nvcc pytest py.test tox nox mypy pyright ruff eslint "
    "jest vitest mocha phpunit rspec dotnet msbuild terraform docker podman xz zstd gzip bzip2 tar"
)
_CANNOT = "this system does not tell what processes wait for"


@dataclass(frozen=True, slots=True)
class WantedAgent:
    """One agent to look at: the topmost processes of its tree, and where it works."""

    roots: tuple[int, ...]
    below: Path | None = None
    shared: frozenset[str] = (
        frozenset()
    )  # files that others write too, so that they say nothing of it


def look_at_agents(
    wanted: Mapping[str, WantedAgent], agents: Collection[str] = ()
) -> dict[str, Look]:
    """Look at several agents at the same instant; ``agents`` are the names of known ones.

    Only what is asked for is looked at closely. Looking changes nothing and stops nobody.
    """
    if not wanted:
        return {}
    if not has_proc():
        return {name: _blind(_CANNOT) for name in wanted}
    machine = _Machine(read_table(), read_sockets())
    return {name: _Eye(one, machine, agents).look() for name, one in wanted.items()}


def _blind(because: str) -> Look:
    return Look(instant(), boot(), (), (), because=because)


def instant() -> float:
    """Return the seconds since this machine was started, those it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class _Machine:
    """Everything that runs at the instant of a look."""

    table: Table
    sockets: Sockets | None

    @cached_property
    def owners(self) -> dict[int, list[int]]:
        """Who has which socket; asked only where somebody talks to a peer on this machine."""
        found: dict[int, list[int]] = {}
        for pid in self.table:
            for inode in handles_of(pid).sockets():
                found.setdefault(inode, []).append(pid)
        return found


class _Eye:
    """One look at one tree."""

    def __init__(self, wanted: WantedAgent, machine: _Machine, agents: Collection[str]) -> None:
        self.machine = machine
        self.table = table = machine.table
        self.sockets = machine.sockets
        self.agents = agents
        self.at = instant()
        self.shared = wanted.shared
        self.roots = [table[pid] for pid in wanted.roots if pid in table]
        tree = Tree([one.key for one in self.roots], wanted.below)
        self.members = tree.look(table)
        self.handles = {one.pid: handles_of(one.pid) for one in self.members}
        self.own = frozenset(self._own())

    def look(self) -> Look:
        scene = self._scene()
        pulses = [one for entry in self.members if (one := self._pulse(entry, scene)) is not None]
        pulses += _ended([one.pid for one in self.members], self.table)
        above = tuple(dict.fromkeys(self._above()))
        # A log that those who started it write into as well says nothing of it.
        shared = self.shared | {one.link for pid in above for one in handles_of(pid).all}
        written = (one.written_at(shared) for one in self.handles.values())
        return Look(
            at=self.at,
            boot=boot(),
            roots=tuple(sorted(one.key for one in self.roots)),
            members=tuple(pulses),
            connections=tuple(self._connections()),
            channels=tuple(dict.fromkeys(self._channels())),
            written_at=max((one for one in written if one is not None), default=None),
            above=above,
            because=next(self._obstacles(scene), ""),
        )

    def _above(self) -> Iterator[int]:
        return (up.pid for root in self.roots for up in ancestors_of(root.pid, self.table))

    def _obstacles(self, scene: Scene) -> Iterator[str]:
        for one in self.members:
            if not self.handles[one.pid].readable:
                yield f"what pid {one.pid} has open cannot be read"
            if is_personal(one) and not self._is_on_own_terminal(one, scene):
                yield f"a person may be in it (pid {one.pid})"

    def _scene(self) -> Scene:
        piped: dict[int, set[int]] = {}
        for pid, handles in self.handles.items():
            for pipe in handles.pipes_written():
                piped.setdefault(pipe, set()).add(pid)
        tcp = self.sockets.tcp if self.sockets else {}
        return Scene(
            handles=self.handles,
            piped={pipe: frozenset(pids) for pipe, pids in piped.items()},
            driven=frozenset(n for one in self.handles.values() for n in one.terminals_driven()),
            tcp=frozenset(tcp),
            peers=self.sockets.unix_peers if self.sockets else {},
            own_sockets=frozenset(n for one in self.handles.values() for n in one.sockets()),
            parents=frozenset(one.parent for one in self.members),
        )

    def _pulse(self, entry: ProcessEntry, scene: Scene) -> Pulse | None:
        stat = _fields(entry.pid)
        if stat is None or int(stat[19]) != entry.start:
            return None
        wait, detail = wait_of(entry.pid, scene)
        boss = self.table.get(entry.parent)
        if wait is Wait.STOPPED and boss is not None and is_personal(boss):
            # Ctrl-Z and fg are a person's; so is a job that was put into the background.
            wait, detail = Wait.OTHER, f"is stopped, perhaps by the person in pid {boss.pid}"
        return _counted(
            stat,
            entry,
            wait=wait,
            detail=detail,
            is_agent=entry.pid in self.own,
            switches=_switches(entry.pid),
            moved=_moved(entry.pid),
        )

    def _own(self) -> Iterator[int]:
        """Yield what is the agent itself: its root, unless that is a tool, and what that launches."""
        level = [one for one in self.roots if self._is_agent(one)]
        while level:
            yield from (one.pid for one in level)
            level = [
                child
                for boss in level
                for child in self.members
                if child.parent == boss.pid and self._launches(boss, child)
            ]

    def _is_agent(self, root: ProcessEntry) -> bool:
        if is_hinted(root, self.agents):
            return True
        above = list(ancestors_of(root.pid, self.table))
        is_orphan = not above or above[0].pid == 1 or _name(above[0]) in _ADOPTERS
        called = any(is_hinted(one, self.agents) for one in above)
        return not is_orphan and not called and not self._is_tool(root)

    def _launches(self, boss: ProcessEntry, child: ProcessEntry) -> bool:
        """Tell a shell or launcher that stands for the one program it was told to run."""
        if is_hinted(child, self.agents):
            return True
        wanted = {one[0] for one in programs(boss.command)}
        if _name(boss) in {name_of(one) for one in wanted}:
            return False  # no launcher: what it starts are its tools
        run = {one[0] for one in programs(child.command)}
        # A copy of itself that it forked does some part of its work.
        is_copy = child.command == boss.command
        return bool(wanted & run) and not is_copy and not self._is_tool(child)

    def _is_tool(self, entry: ProcessEntry) -> bool:
        names = {_name(entry)} | {name_of(one[0]) for one in programs(entry.command)}
        return not names.isdisjoint(_TOOLS)

    def _is_on_own_terminal(self, entry: ProcessEntry, scene: Scene) -> bool:
        given = self.handles[entry.pid][0]
        number = given.link.rpartition("/")[2] if given and given.is_terminal else ""
        return number.isdecimal() and int(number) in scene.driven

    def _connections(self) -> Iterator[Connection]:
        known = self.sockets.tcp if self.sockets else {}
        mine = {
            known[n].local for one in self.handles.values() for n in one.sockets() if n in known
        }
        for pid, inode in self._sockets():
            tcp = known.get(inode)
            if tcp is None or tcp.state != TcpState.ESTABLISHED or tcp.peer in mine:
                continue
            if tcp.quiet is not None:
                name = f"{tcp.peer[0]}:{tcp.peer[1]}"
                yield Connection(pid, name, tcp.quiet, tcp.unread, self._answering(tcp))

    def _answering(self, tcp: Tcp) -> float | None:
        """Return how long the other end has computed in all, if it is on this machine."""
        known = self.sockets.tcp if self.sockets else {}
        ends = {n for n, one in known.items() if (one.local, one.peer) == (tcp.peer, tcp.local)}
        if not ends:
            return None
        found = {pid for inode in ends for pid in self.machine.owners.get(inode, ())}
        used = (stat for pid in found if (stat := _fields(pid)) is not None)
        return sum((int(one[11]) + int(one[12])) / _TICK for one in used)

    def _channels(self) -> Iterator[str]:
        """Yield ways by which somebody outside of the tree may still be heard from."""
        if self.sockets is None:
            yield "its sockets cannot be looked at"
            return
        own = {inode for _, inode in self._sockets()}
        for pid, inode in self._sockets():
            tcp, peer = self.sockets.tcp.get(inode), self.sockets.unix_peers.get(inode)
            if tcp is not None:
                yield from _of_tcp(pid, tcp.state, told=tcp.quiet is not None)
            elif peer is None:
                yield f"pid {pid} has a socket of another kind"
            elif peer not in own and not self._is_standard(pid, inode):
                yield f"pid {pid} is connected to another program of this machine"

    def _sockets(self) -> Iterator[tuple[int, int]]:
        return ((pid, inode) for pid, one in self.handles.items() for inode in one.sockets())

    def _is_standard(self, pid: int, inode: int) -> bool:
        """Tell standard input and output, which whoever started it holds the other end of."""
        standard = (self.handles[pid][number] for number in range(3))
        return any(_is(one, inode) for one in standard)


def _is(handle: Handle | None, inode: int) -> bool:
    return handle is not None and handle.inode == inode


def _of_tcp(pid: int, state: int, *, told: bool) -> Iterator[str]:
    if state == TcpState.LISTEN:
        yield f"pid {pid} listens for connections"
    elif state == TcpState.SYN_SENT:
        yield f"pid {pid} is about to be connected"
    elif state == TcpState.ESTABLISHED and not told:
        yield f"when pid {pid} last heard from its peer is not told"


def _counted(  # noqa: PLR0913 -- the named parts of one pulse
    stat: list[str],
    entry: ProcessEntry,
    *,
    wait: Wait,
    detail: str = "",
    is_agent: bool = False,
    switches: int = 0,
    moved: int | None = 0,
) -> Pulse:
    return Pulse(
        pid=entry.pid,
        start=entry.start,
        parent=entry.parent,
        command=entry.command,
        wait=wait,
        detail=detail,
        is_agent=is_agent,
        age=instant() - entry.start / _TICK,
        memory=int(stat[21]) * _PAGE,
        cpu=(int(stat[11]) + int(stat[12])) / _TICK,
        switches=switches,
        faults=int(stat[7]) + int(stat[9]),
        reaped=int(stat[8]) + int(stat[10]),
        moved=moved,
    )


def _fields(pid: int) -> list[str] | None:
    """Return the fields of a process's ``stat`` after its name, be it a zombie."""
    try:
        text = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _children(pid: int) -> Iterator[int]:
    for path in (PROC / str(pid) / "task").glob("*/children"):
        try:
            yield from map(int, path.read_text("ascii").split())
        except OSError:
            continue


def _switches(pid: int) -> int:
    """Count how often its threads went to sleep by themselves."""
    total = 0
    for path in (PROC / str(pid) / "task").glob("*/status"):
        total += _number(path, "voluntary_ctxt_switches") or 0
    return total


def _moved(pid: int) -> int | None:
    """Count the bytes it read and wrote by any call but the network's; None where we may not know."""
    path = PROC / str(pid) / "io"
    read, written = _number(path, "rchar"), _number(path, "wchar")
    return None if read is None or written is None else read + written


def _number(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    return next((int(one.split()[1]) for one in lines if one.startswith(f"{name}:")), None)


def _name(entry: ProcessEntry) -> str:
    return name_of(entry.command[0]) if entry.command else ""


def uncollected(pid: int) -> tuple[Pulse, ...]:
    """Return the children of a process that have ended and that it has not collected."""
    return tuple(_ended([pid], read_table())) if has_proc() else ()


def _ended(parents: Iterable[int], table: Table) -> Iterator[Pulse]:
    for pid in parents:
        for child in _children(pid):
            stat = _fields(child) if child not in table else None
            if stat is not None and stat[0] == "Z":
                gone = ProcessEntry(child, (), None, pid, 0, 0, False, False, int(stat[19]))  # noqa: FBT003 -- a table's row
                yield _counted(stat, gone, wait=Wait.ENDED)
