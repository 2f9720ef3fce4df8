"""What a close look at the state's SQLite file shows: who holds it and how, and what shape it is in.

Which bytes of which file stand for which lock is part of SQLite's format:
https://sqlite.org/fileformat2.html#wal_index_format and https://sqlite.org/src/file/src/os.h
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath

from unjam.domain.world.identity import ProcessIdentity, Role
from unjam.domain.world.truth import Truth

LOST_AND_FOUND = "lost_and_found_"  # with a number of columns: rows nothing says the table of
SIDES = ("", "-wal", "-shm", "-journal")  # the database and what SQLite keeps beside it

LONG_LOG = 8 << 20  # bytes; SQLite folds a log in at some 4 MB, unless somebody reads it
_LONG_PATH = 32  # characters
_SHOWN = 120  # characters of a command
_SAME_TIME = 0.011  # seconds; a tick of the system's clock

_PENDING = 0x40000000
_RESERVED = _PENDING + 1
_SHARED = (_PENDING + 2, _PENDING + 511)


class LockKind(StrEnum):
    """What SQLite calls the locks a process can hold."""

    EXCLUSIVE = "EXCLUSIVE"
    PENDING = "PENDING"
    RESERVED = "RESERVED"
    SHARED = "SHARED"
    WAL_WRITE = "WAL write"
    WAL_CHECKPOINT = "WAL checkpoint"
    WAL_RECOVER = "WAL recover"
    WAL_READ = "WAL read"
    WAL_OPEN = "WAL open"  # every connection to a WAL database has it


# While one of these is held, nobody else can write; strongest first.
BLOCKING = (
    LockKind.EXCLUSIVE,
    LockKind.PENDING,
    LockKind.RESERVED,
    LockKind.WAL_WRITE,
    LockKind.WAL_RECOVER,
    LockKind.WAL_CHECKPOINT,
)
READS = range(123, 128)  # bytes of the index: one for each mark of its readers
_IN_INDEX = {
    120: LockKind.WAL_WRITE,
    121: LockKind.WAL_CHECKPOINT,
    122: LockKind.WAL_RECOVER,
    128: LockKind.WAL_OPEN,
} | dict.fromkeys(READS, LockKind.WAL_READ)


def lock_kinds(side: str, first: int, last: int, *, writes: bool) -> Iterator[LockKind]:
    """Name what a locked range of bytes means, in the database or in its ``-shm``."""
    if side == "-shm":
        yield from dict.fromkeys(kind for at, kind in _IN_INDEX.items() if first <= at <= last)
        return
    if first <= _SHARED[1] and last >= _SHARED[0]:
        yield LockKind.EXCLUSIVE if writes else LockKind.SHARED
    if first <= _PENDING <= last:
        yield LockKind.PENDING
    if first <= _RESERVED <= last:
        yield LockKind.RESERVED


class Activity(StrEnum):
    """What a holder did between two looks."""

    WORKS = "works"
    STOPPED = "is stopped"
    IDLE = "does nothing"
    UNKNOWN = "cannot be told"


class Soundness(StrEnum):
    """What a state file is, by its own bytes and by what SQLite says of a copy."""

    SOUND = "sound"
    EMPTY = "empty"
    FOREIGN = "not a database"
    MALFORMED = "malformed"
    UNREAD = "could not be read"


@dataclass(frozen=True, slots=True)
class Holder:
    """One process that holds a lock on the database, or has one of its files open."""

    pid: int
    process: ProcessIdentity | None  # None: it cannot be seen from here
    command: tuple[str, ...] = ()
    role: Role | None = None  # what it is to the orchestration; None: a stranger to it
    locks: tuple[LockKind, ...] = ()  # that both looks found
    activity: Activity = Activity.UNKNOWN
    because: str = ""  # what its activity shows in
    spared: str = (
        ""  # why it is not taken to hang though it does nothing; empty: nothing speaks for it
    )
    deleted: tuple[str, ...] = ()  # files of the database it has open that have lost their name
    is_overtaken: bool = False  # others have written the database since it wrote its deleted log
    reads_to: int | None = None  # frame of the WAL behind which its reading began
    is_near: bool = False  # works in the orchestration, or names it in its command line
    is_personal: bool = False  # a person sits at its terminal
    is_ours: bool = False  # unjam itself runs in it

    @property
    def blocks(self) -> bool:
        """Whether nobody else can write because of it."""
        return any(kind in BLOCKING for kind in self.locks)

    @property
    def hangs(self) -> bool:
        """Whether it will not let go by itself: it does nothing, and no signal speaks for it."""
        return self.activity in (Activity.STOPPED, Activity.IDLE) and not self.spared


@dataclass(frozen=True, slots=True)
class Boss:
    """One of several living orchestrators."""

    process: ProcessIdentity
    command: tuple[str, ...]
    agents: int  # that it started, and that live
    has_lock: bool  # it holds a lock of its own beside the state


@dataclass(frozen=True, slots=True)
class Wal:
    """A write-ahead log."""

    size: int
    generation: str  # number of its checkpoints and salt: another one after each restart
    frames: int = 0  # committed
    unfinished: int = 0  # frames behind those: of a transaction that goes on, or that died
    folded: int | None = None  # of them, those the database has too; None: cannot tell


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table: what SQLite reads of it, and what its pages hold."""

    table: str
    read: int | None  # None: it reads none of it
    found: int
    loose: int = 0  # of those found, on pages that nothing leads to: some may have been deleted


@dataclass(frozen=True, slots=True)
class Database:
    """The state's file at one instant."""

    path: PurePath
    shape: Soundness
    because: str = ""  # why it is not sound, in SQLite's words
    mode: str = ""  # "wal" or "rollback"; empty where its header does not say
    size: int = 0
    wal: Wal | None = None
    hot_journal: Truth = Truth.NO  # a transaction that died, half of it in the file
    written_at: datetime | None = None
    is_in_use: bool = False  # somebody committed while it was looked at
    holders: tuple[Holder, ...] = ()
    bosses: tuple[Boss, ...] = ()  # orchestrators, where there are several
    free: int | None = None  # bytes
    read_only: str = ""  # why it cannot be written: a file system, or permissions
    file_system: str = ""  # kind, where it is one that other machines share
    tables: tuple[TableCount, ...] = ()  # of one that is damaged
    missing: tuple[str, ...] = ()  # what of its schema cannot be made anew, in words
    untold: tuple[str, ...] = ()  # what could not be told, and why
    unseen_log: str = ""  # why it cannot be told whether somebody works on a log that was deleted

    def blockers(self) -> Iterator[Holder]:
        """Yield those that keep everybody else from writing."""
        return (one for one in self.holders if one.blocks)

    def readers(self) -> Iterator[Holder]:
        """Yield those whose reading keeps the write-ahead log from being folded in."""
        for one in self.holders:
            if LockKind.WAL_READ in one.locks and not one.blocks:
                yield one

    def stranded(self) -> Iterator[Holder]:
        """Yield those that work on files that have lost their names."""
        return (one for one in self.holders if one.deleted)

    @property
    def is_contested(self) -> bool:
        """Whether others have committed beside a deleted log: folded in, it would overwrite that."""
        log = self.wal
        deleted = {name for one in self.stranded() for name in one.deleted}
        has_two = bool(log and log.frames) and f"{self.path.name}-wal" in deleted
        return has_two or any(one.is_overtaken for one in self.stranded())

    @property
    def is_damaged(self) -> bool:
        """Whether only a new file helps."""
        return self.shape in (Soundness.EMPTY, Soundness.FOREIGN, Soundness.MALFORMED)


def duplicates(database: Database) -> tuple[Boss, ...] | None:
    """Return those of several orchestrators that are too many; None where it cannot be told which.

    The one that holds a lock of its own beside the state stays; else the one with the most agents,
    and of equals the eldest.
    """
    bosses = list(database.bosses)
    if len(bosses) < 2:  # noqa: PLR2004 -- several
        return ()
    locking = [one for one in bosses if one.has_lock]
    if len(locking) == 1:
        return tuple(one for one in bosses if one not in locking)
    ranked = sorted(bosses, key=lambda one: (-one.agents, one.process.started))
    first, second = ranked[:2]
    apart = abs(first.process.started - second.process.started)
    if first.agents == second.agents and apart < _SAME_TIME:
        return None
    return tuple(ranked[1:])


def pinned(database: Database) -> tuple[Holder, ...]:
    """Return those whose reading lets the log grow without end; none where that cannot be told."""
    log = database.wal
    if log is None or log.size <= LONG_LOG or log.folded in (None, log.frames):
        return ()
    return tuple(database.readers())


def left_in_log(database: Database) -> int:
    """Count pages that are committed and only in a log nobody has open."""
    log = database.wal
    if log is None or database.holders:
        return 0
    return log.frames - (log.folded or 0)


def holder_in_words(holder: Holder) -> str:
    """Name a holder by its pid and command."""
    if holder.process is None:
        return f"pid {holder.pid}" if holder.pid > 0 else "a process that cannot be seen from here"
    return f"pid {holder.pid} ({command_in_words(holder.command)})"


def command_in_words(command: tuple[str, ...]) -> str:
    """Write a command line in one line, cut short; of a long path its end is what tells it."""
    return " ".join(" ".join(map(_end_of_path, command)).split())[:_SHOWN]


def _end_of_path(word: str) -> str:
    if len(word) <= _LONG_PATH or not word.startswith("/"):
        return word
    return f"…/{'/'.join(word.split('/')[-2:])}"
