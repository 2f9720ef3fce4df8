"""What a run stands on and no snapshot tells: disk, tools, remote, and the shape of the state's file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from unjam.domain.world.truth import Truth


class RemoteStanding(StrEnum):
    """Where the remote's trunk is, seen from ours."""

    NONE = "there is no remote"
    SAME = "same"
    BEHIND = "behind"  # it lacks what we have
    AHEAD = "ahead"  # it has what we lack
    APART = "apart"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class WorktreesPlace:
    """The directory of worktrees, there or to be made."""

    path: PurePath
    free: int | None  # bytes
    inodes: int | None  # None: the file system does not count them
    volatile: str = ""  # the kind of a file system that is gone after a restart
    shared: str = ""  # the kind of one that other machines write to
    not_writable: str = ""  # why
    ignored: Truth = Truth.YES  # by Git, or outside of the repository


@dataclass(frozen=True, slots=True)
class Tools:
    """Commands a run needs, by the word that names each, and where they were found."""

    verify: tuple[str, str | None]
    resume: tuple[str, str | None] | None  # None: none is configured
    agents: tuple[str, ...]  # of those that are configured, the ones on the path
    identity: bool  # Git knows who commits
    verify_because: str = ""  # why the verify command cannot start in a fresh checkout


@dataclass(frozen=True, slots=True)
class StateFile:
    """The state's file, if it is one."""

    mode: str  # "wal", "rollback", or empty: cannot tell
    sound: Truth
    because: str = ""
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """All of it."""

    place: WorktreesPlace
    tools: Tools
    remote: RemoteStanding
    remote_because: str
    enough: int  # bytes that have to be free
    refs: frozenset[str]  # every branch there is
    state: StateFile | None = None  # None: on a server, or not there yet
    loose: Mapping[str, int] = field(default_factory=dict)  # commits only a branch's reflog has
    killed: tuple[str, ...] = ()  # runs of unjam that never ended
    at_work: str = ""  # a recovery that holds the lease
