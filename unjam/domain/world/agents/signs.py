"""Signs of life of an agent: looks at its process tree, and when it last did anything.

A look is what the system counts at one instant; only two looks apart tell what goes on. Seconds
are those of the machine since it was started, so that no change of its clock matters.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

Key = tuple[int, int]  # pid and start: one process for ever


class Wait(StrEnum):
    """What a process waits for, all of its threads taken together."""

    NOTHING = "runs"
    TERMINAL = "waits for input from its terminal"
    PIPE = "waits for input from a pipe"
    NETWORK = "waits for bytes from the network"
    LOCKS = "all its threads wait for locks that only they could release"
    MEMBER = "waits for another process of its tree"
    EVENTS = "waits for any of several things"
    TIME = "sleeps for a time"
    DISK = "waits for a file system"
    STOPPED = "is stopped"
    TRACED = "is held by a debugger"
    ENDED = "has ended, and nobody collected it"
    OTHER = "waits for what cannot be told"


@dataclass(frozen=True, slots=True)
class Pulse:
    """One process of a tree at one instant; the counters only ever grow."""

    pid: int
    start: int  # since boot, in units of the system
    parent: int
    command: tuple[str, ...]
    wait: Wait
    detail: str = ""  # what it waits for, in words
    is_agent: bool = False  # the agent's own program, not a tool it called
    age: float = 0.0  # seconds
    memory: int = 0  # bytes
    cpu: float = 0.0  # seconds
    switches: int = 0  # times it went to sleep by itself
    faults: int = 0  # pages it came to need
    reaped: int = 0  # pages its ended children had needed: grows with every child that ends
    moved: int | None = 0  # bytes read and written, of any kind but the network's; None: not told

    @property
    def key(self) -> Key:
        """What tells it from every other process."""
        return self.pid, self.start


@dataclass(frozen=True, slots=True)
class Connection:
    """One established connection of a tree."""

    pid: int
    peer: str
    quiet: float  # seconds since a byte last went either way
    unread: int  # bytes that arrived and were not taken
    answering: float | None = None  # seconds of processor time of a peer on this machine


@dataclass(frozen=True, slots=True)
class Look:
    """A process tree at one instant."""

    at: float  # seconds since the machine was started
    boot: str
    roots: tuple[Key, ...]
    members: tuple[Pulse, ...]
    connections: tuple[Connection, ...] = ()
    channels: tuple[str, ...] = ()  # other ways it may hear from outside of its tree
    written_at: datetime | None = None  # the newest change of a file it holds open for writing
    above: tuple[int, ...] = ()  # pids of those that started it, and of theirs
    because: str = ""  # why it does not tell everything; empty: it does


@dataclass(frozen=True, slots=True)
class Watched:
    """An agent that has shown no sign of life for long: two looks at it, and its last sign."""

    worktree: str
    patience: timedelta  # without any sign for so long, it is suspected
    before: Look
    now: Look
    last_sign: datetime | None = None
    sign: str = ""  # what that was
