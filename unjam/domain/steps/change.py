"""Everything unjam can do to the world, as data: a closed set, each with a before and an after.

A change is written to the journal before it is made. Because it names both sides, it can be
told afterwards whether it was made, and it can be taken back.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from unjam.domain.world.identity import CommitId, ProcessIdentity, WorkstreamId
from unjam.domain.world.snapshot import Operation, Scalar


@dataclass(frozen=True, slots=True)
class MoveRef:
    """Create (old None), delete (new None) or move a ref that no checkout uses, by compare-and-swap."""

    ref: str
    old: CommitId | None
    new: CommitId | None
    logged: bool = True  # False: its reflog is moved by a change of its own


@dataclass(frozen=True, slots=True)
class Position:
    """Where HEAD of a checkout is: on a branch, or detached (ref None)."""

    ref: str | None
    commit: CommitId


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that a person had as the other end of a move has it, before the move: on disk, and perhaps staged."""

    path: str
    staged: bool  # its index entry is the other end's, too; else it is this end's


@dataclass(frozen=True, slots=True)
class MoveCheckout:
    """Take a checkout and the branch it ends on from one position to another.

    Same ref: the branch is fast-forwarded, files follow. Other ref: a switch; ``new.ref`` must
    already be at ``new.commit``. Uncommitted edits elsewhere stay; edits in the way refuse it.
    """

    path: PurePath
    admin: PurePath
    old: Position
    new: Position
    held_before: tuple[HeldFile, ...] = ()  # files that were as in ``new`` before: no edit is lost
    held_after: tuple[HeldFile, ...] = ()  # files that are to be as in ``old`` afterwards


@dataclass(frozen=True, slots=True)
class RestoreCheckout:
    """Rewrite a checkout, its index, HEAD and operation, from how one salvage saw it to how another did.

    The branch itself, reflogs and locks stay. What is there now and was not then is moved ``aside``.
    """

    path: PurePath
    admin: PurePath
    before: CommitId
    after: CommitId
    aside: PurePath


@dataclass(frozen=True, slots=True)
class AbortOperation:
    """Abort a Git operation that was left in the middle; its whole state is in the salvage."""

    path: PurePath
    admin: PurePath
    operation: Operation
    salvage: CommitId


@dataclass(frozen=True, slots=True)
class UpdateRow:
    """Write columns of one row, provided the row still is as it was."""

    workstream: WorkstreamId
    before: tuple[tuple[str, Scalar], ...]  # the whole row
    after: tuple[tuple[str, Scalar], ...]  # the whole row
    by_database: tuple[str, ...] = ()  # columns it sets itself: neither compared nor written

    @property
    def not_taken(self) -> tuple[str, ...]:
        """Name the columns that were to be written, and that the database sets itself."""
        before, after = dict(self.before), dict(self.after)
        changed = [name for name in after if before and before.get(name) != after[name]]
        return tuple(name for name in changed if name in self.by_database)


@dataclass(frozen=True, slots=True)
class MovePath:
    """Rename a file or directory on one file system; nothing is ever deleted instead."""

    source: PurePath
    target: PurePath


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Make (before None), remove (after None) or replace one of Git's small files, whole or not at all."""

    path: PurePath
    before: bytes | None
    after: bytes | None
    mode: int = 0o644  # of a file that is made; one that is replaced keeps its own


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """Make one directory in a person's checkout, or take it away again if it is empty."""

    path: PurePath
    there: bool = True  # afterwards


@dataclass(frozen=True, slots=True)
class PushRef:
    """Move the trunk on the remote forward; never by force."""

    remote: str
    url: str  # without a password; the configuration is asked again for the whole of it
    ref: str
    old: CommitId | None
    new: CommitId


@dataclass(frozen=True, slots=True)
class StopProcess:
    """End a process and its tree, politely first. Cannot be undone."""

    process: ProcessIdentity
    below: PurePath | None  # its working directory must be here; None for an orchestrator
    alone: bool = False  # what it started is let be


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Start the orchestrator again, detached. Cannot be undone."""

    command: tuple[str, ...]
    cwd: PurePath
    output: PurePath


@dataclass(frozen=True, slots=True)
class TendState:
    """Open the state, so that SQLite recovers it, and fold its log in; its rows stay the same."""

    path: PurePath
    fold: bool  # nobody else has it open
    vacuum: bool = False  # and it is rewritten without its holes
    log: PurePath | None = None  # its own log, deleted under its writer: given its name back before


@dataclass(frozen=True, slots=True)
class SetStateMode:
    """Let the state's file work with a log, ``wal``, or with a journal, ``delete``."""

    path: PurePath
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SwapState:
    """Put another database in the place of the state; the files that were there are kept."""

    path: PurePath
    incoming: PurePath  # folder whose files come
    outgoing: PurePath  # folder to which those go that are there
    before: str  # what stands for the rows, or the bytes, of the one that goes
    after: str  # and of the one that comes


Change = (
    MoveRef
    | MoveCheckout
    | RestoreCheckout
    | AbortOperation
    | UpdateRow
    | MovePath
    | WriteFile
    | MakeFolder
    | PushRef
    | StopProcess
    | StartProcess
    | TendState
    | SetStateMode
    | SwapState
)


class Side(StrEnum):
    """On which side of a change the world is."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"
    ELSEWHERE = "elsewhere"
