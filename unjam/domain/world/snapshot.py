"""What an orchestration looked like at one instant: the only input of every decision.

Paths and names come from disk as bytes; they are held as text with surrogate escapes, so any
name survives the way in and out. Times are aware datetimes in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING

from unjam.domain.world.claims.ownership import Whose
from unjam.domain.world.damage import Damage, DamagedFile, LostBranch, LostObject, StrayKind
from unjam.domain.world.status import SAID_BESIDE, Status, not_known, shown_word

if TYPE_CHECKING:
    from unjam.domain.world.agents.signs import Watched
    from unjam.domain.world.claims.stash import Stash
    from unjam.domain.world.database import Database
    from unjam.domain.world.elsewhere import Sharing
    from unjam.domain.world.trials import TrunkTests
from unjam.domain.world.identity import AgentId, CommitId, ProcessIdentity, Role, WorkstreamId
from unjam.domain.world.truth import Truth, Unknown


@dataclass(frozen=True, slots=True, repr=False)
class Typed:
    """A value of a type that only its database knows, in the text from which it reads it back."""

    type: str
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return repr(self.text)


Scalar = str | int | float | bytes | Typed | None


@dataclass(frozen=True, slots=True)
class Process:
    """A living process that belongs to the orchestration, or may."""

    identity: ProcessIdentity
    parent: int
    role: Role
    command: tuple[str, ...]
    cwd: PurePath | None
    worktree: str | None  # name of the worktree it works in
    certain: bool = True  # False when its working directory could not be read


class Operation(StrEnum):
    """A Git operation that was left in the middle."""

    MERGE = "merge"
    REBASE = "rebase"
    CHERRY_PICK = "cherry-pick"
    REVERT = "revert"
    BISECT = "bisect"
    AM = "am"


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Paths of a worktree whose bytes are in no commit; ignored files are not among them.

    ``known`` is NO when the worktree could not be read; then the lists say nothing.
    """

    known: Truth
    staged: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    conflicted: tuple[str, ...] = ()
    because: str = ""

    @property
    def paths(self) -> frozenset[str]:
        """Every path at risk, once."""
        return frozenset(
            (*self.staged, *self.modified, *self.deleted, *self.untracked, *self.conflicted)
        )

    @property
    def any(self) -> Truth:
        """Whether anything is at risk here."""
        if self.known is not Truth.YES:
            return Truth.UNKNOWN
        return Truth.YES if self.paths else Truth.NO


@dataclass(frozen=True, slots=True)
class Worktree:
    """One checkout. The primary has the name ``""`` and the common directory as its admin directory."""

    name: str
    path: PurePath
    admin: PurePath
    branch: str | None  # full ref name HEAD points at; None when detached or unreadable
    head: CommitId | None
    present: Truth  # the directory is there and names this admin directory
    unsaved: Unsaved
    operation: Operation | None = None
    operation_intact: Truth = (
        Truth.UNKNOWN
    )  # YES: the files are as Git left them, untouched by hand
    lock_reason: str | None = None  # of `git worktree lock`
    locker: Truth = Truth.UNKNOWN  # whether the process that locked it lives; few reasons name one
    hidden_commits: int = 0  # commits that only this worktree's reflog reaches
    problem: str = ""
    workstream: WorkstreamId | None = None  # whose it is, by its branch or by its directory's name
    damage: tuple[Damage, ...] = ()
    moved_to: PurePath | None = None  # where its directory is now, for Damage.MOVED
    only_staged: Truth = Truth.UNKNOWN  # for Damage.GONE: its index still holds work
    touched_at: datetime | None = None  # the newest change to its unsaved files, index or reflog
    whose: Whose = Whose.OURS
    hidden: tuple[CommitId, ...] = ()  # tips of what its reflog names and no branch or tag reaches
    named: int = 0  # commits in the log of its HEAD; 0 where that was not read
    guest_on: tuple[tuple[str, CommitId], ...] = ()  # branches of another workstream, and a commit
    # that was made here and is there

    @property
    def is_primary(self) -> bool:
        """Tell the person's own checkout from the agents'."""
        return not self.name

    @property
    def is_locked(self) -> bool:
        """Tell a lock that counts: one that a process set which is dead holds nothing for anybody."""
        return self.lock_reason is not None and self.locker is not Truth.NO


class Proof(StrEnum):
    """How it is known that a branch's work is in the trunk."""

    ANCESTOR = "its tip is an ancestor of the trunk"
    PATCHES = "every patch of it is in the trunk"
    CONTENT = "merging it changes nothing"
    REFLOG = "the trunk's reflog records its merge"


@dataclass(frozen=True, slots=True)
class Branch:
    """A workstream's branch, compared with the trunk."""

    ref: str
    tip: CommitId
    workstream: WorkstreamId
    agent: AgentId | None
    own_commits: (
        int | None
    )  # commits the trunk does not have, or had before it took them; None: cannot tell.
    # Where none of them changes anything there are none.
    landed: Truth
    proof: Proof | None = None
    reverted_by: CommitId | None = None  # a trunk commit that took the landed work back out
    behind: int | None = None  # trunk commits it lacks; None once it is merged, or not to be told
    changed: tuple[str, ...] | None = (
        None  # paths that differ between trunk and tip; None: not asked
    )
    drifted: bool = False  # not named as the workstream's: its agent worked there all the same
    nameless: str = (
        ""  # where its commits are while no branch is; ``ref`` is what one would be called
    )
    kept_apart: str = ""  # why work that drifted is not to land
    holds: tuple[str, ...] = ()  # of the workstream's other branches; told where its agent drifted

    @property
    def name(self) -> str:
        """The branch, or the HEAD that alone holds its commits, as people write it."""
        return self.nameless or self.ref.removeprefix("refs/heads/")


@dataclass(frozen=True, slots=True)
class Clash:
    """What merging a branch into the trunk was found to say, without any checkout: they conflict."""

    ref: str
    tip: CommitId
    workstream: WorkstreamId
    paths: tuple[str, ...]
    kinds: tuple[str, ...]  # Git's own words: contents, modify/delete, …
    digest: str  # the same while no side of it changes
    reported: bool = False  # a page that tells a person of just this one is in its place


@dataclass(frozen=True, slots=True)
class Row:
    """What the orchestrator believes about one workstream."""

    workstream: WorkstreamId
    status: Status
    agent: AgentId | None = None
    track: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempt: int | None = None
    error_message: str | None = None
    values: tuple[tuple[str, Scalar], ...] = ()  # every column as it stands: the before-image
    word: str | None = None  # of its status, as it stands
    notes: str | None = None
    blocked_by: str | None = None
    machine: str = ""  # the one that it names, where its table has a column for one

    @property
    def why_unknown(self) -> str:
        """Say that its word is not known; empty where it is."""
        return not_known(self.word) if self.status is Status.UNKNOWN else ""

    @property
    def said(self) -> str:
        """Its status as a person is told it: with its own word where that is not known."""
        return f"{self.status}: {shown_word(self.word)}" if self.why_unknown else str(self.status)

    @property
    def means(self) -> Status:
        """Its status; where the database knew no such status, the one before its message."""
        if self.status != Status.FAILED:
            return self.status
        told = (self.error_message or "").partition(": ")[0]
        return next((one for one in SAID_BESIDE if one == told), self.status)


@dataclass(frozen=True, slots=True)
class State:
    """The orchestrator's database as it could be read."""

    location: str  # path or URL, without a password
    readable: Truth  # NO: there is none; UNKNOWN: it is there and would not be read
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    starts: tuple[
        tuple[WorkstreamId, int], ...
    ] = ()  # `started` events: the true number of attempts
    because: str = ""
    hidden: str = ""  # why there may be rows that were not shown


@dataclass(frozen=True, slots=True)
class Added:
    """When an entry of ``depends_on`` came into Git's history, and with which commit."""

    dependency: WorkstreamId
    commit: CommitId
    at: datetime
    place: int  # in history: the older, the smaller; two commits can be of the same second


@dataclass(frozen=True, slots=True)
class Spec:
    """A workstream as it was ordered."""

    workstream: WorkstreamId
    path: PurePath
    depends_on: tuple[WorkstreamId, ...] = ()
    files_scope: tuple[str, ...] = ()
    track: str | None = None
    added: tuple[Added, ...] = ()  # asked only of specs that are part of a cycle
    acceptance_tests: tuple[str, ...] = ()  # as they were written: commands, or names of tests


@dataclass(frozen=True, slots=True)
class BadSpec:
    """A file among the specs that orders nothing, and why."""

    path: PurePath
    because: str
    same_as: WorkstreamId | None = None  # it is readable, and another spec has the same id


@dataclass(frozen=True, slots=True)
class Lock:
    """A Git lock file. ``stale`` is YES only when its owner is provably dead."""

    path: PurePath
    worktree: str  # name of the worktree it belongs to; "" for the shared ones and the primary's
    since: datetime
    stale: Truth
    because: str
    suspects: tuple[str, ...] = ()  # worktrees in which all who may own it work; (): others may


@dataclass(frozen=True, slots=True)
class Stray:
    """Something in the directory of worktrees that is no worktree of this repository."""

    path: PurePath
    kind: StrayKind
    names: str = ""  # the admin directory its .git file names
    branch: str | None = None  # full name of the branch it was made for, if nothing else uses that
    workstream: WorkstreamId | None = None
    claimed: bool = False  # a row or a branch tells of just this workstream and agent


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines of one log file."""

    path: PurePath
    written_at: datetime
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remote:
    """What this repository last heard of the trunk on its remote."""

    name: str
    trunk_tip: CommitId | None
    ahead: int | None  # trunk commits the remote was not known to have
    behind: int | None


@dataclass(frozen=True, slots=True)
class SavedBefore:
    """Work of a workstream that an earlier run saved, and by which name the vault has it."""

    workstream: WorkstreamId
    ref: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything observed of one orchestration at one instant."""

    repo: PurePath
    common: PurePath
    trunk: str  # full ref name
    trunk_tip: CommitId
    observed_at: datetime
    primary: Worktree
    worktrees: tuple[Worktree, ...] = ()  # without the primary
    branches: tuple[Branch, ...] = ()
    state: State = field(default_factory=lambda: State("", Truth.NO))
    specs: tuple[Spec, ...] = ()
    bad_specs: tuple[BadSpec, ...] = ()
    processes: tuple[Process, ...] = ()
    processes_known: Truth = Truth.YES
    locks: tuple[Lock, ...] = ()
    strays: tuple[Stray, ...] = ()
    stashes: tuple["Stash", ...] = ()
    others: tuple[
        tuple[str, CommitId], ...
    ] = ()  # branches that are no workstream's by their names
    lost_branches: tuple[LostBranch, ...] = ()
    shared: tuple[DamagedFile, ...] = ()  # damaged files that all checkouts need
    trunk_damaged: bool = False  # then nothing else that is said of branches can be relied on
    lost: tuple[LostObject, ...] = ()  # looked for where something is broken, or on request
    logs: tuple[LogTail, ...] = ()
    remote: Remote | None = None
    push_owed: bool = False  # an earlier run landed work and could not push it
    free_disk: int | None = None  # bytes, where the Git common directory is
    unknown: tuple[Unknown, ...] = ()
    tests: "TrunkTests | None" = None  # what they were found to say of this very trunk, if asked
    database: "Database | None" = None  # the state's file, where a glance at it showed anything odd
    clashes: tuple[Clash, ...] = ()  # of branches that were merged with the trunk to see
    unmerged: int = 0  # branches that have not landed, and were not asked whether they would merge
    saved_before: tuple[SavedBefore, ...] = ()  # of what looks as if it had left nothing
    saved_known: Truth = Truth.YES  # UNKNOWN: the vault was to be looked into, and could not be
    unfinished: tuple[
        tuple[WorkstreamId, str], ...
    ] = ()  # what earlier runs knew of work that is not finished, since it was begun
    sharing: "Sharing | None" = None  # of the state; None: nobody asked, and all rows are ours
    nursery: PurePath | None = None  # where the layout makes worktrees
    orchestrator_log: bool = False  # a log here tells of an orchestrator
    patience: timedelta = timedelta(hours=1)  # what is younger is not left behind
    watched: "tuple[Watched, ...]" = ()  # agents without a sign of life for long, looked at closely
    glimpsed: frozenset[str] | None = (
        None  # worktrees of which only HEAD and place were read, and no locks; None: all was read
    )

    @property
    def trunk_name(self) -> str:
        """The trunk as people write it."""
        return self.trunk.removeprefix("refs/heads/")

    def orchestrators(self) -> Iterator[Process]:
        """Living orchestrators, and processes that may be one."""
        return (process for process in self.processes if process.role is Role.ORCHESTRATOR)

    def place(self, path: PurePath) -> str:
        """Write a path as a person at the primary would: from there on, if it is below."""
        text, here = str(path), str(self.repo)
        return "the primary" if text == here else text.removeprefix(f"{here}/")

    def in_worktree(self, name: str) -> Iterator[Process]:
        """Living processes that work in this worktree."""
        return (process for process in self.processes if process.worktree == name)
