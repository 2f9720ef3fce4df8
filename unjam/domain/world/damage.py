"""What can be broken in a repository's own files, as a closed set: decisions rest on it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath


class Damage(StrEnum):
    """One thing that is wrong with a checkout or with the files Git keeps about it."""

    GONE = "its directory is gone"
    MOVED = "its directory was moved"
    RELOCATED = "it was moved together with its repository"
    LINK = "its directory is a symbolic link"
    UNFINISHED = "making it was never finished"
    TWICE = "its directory is registered twice"
    OF_ANOTHER = "its directory says that it is another worktree"
    OWN_REPOSITORY = "its directory holds a repository of its own"
    DOT_GIT = "its .git file does not lead to its admin directory"
    GITDIR = "its gitdir file is missing or damaged"
    COMMONDIR = "its commondir file is missing or damaged"
    HEAD = "its HEAD is missing or damaged"
    INDEX = "its index is missing or damaged"
    BRANCH = "its branch is missing or damaged"
    BARE = "its configuration says that it has no files"
    REDIRECTED = "its configuration (core.worktree) says that its files are elsewhere"


class SharedDamage(StrEnum):
    """What can be wrong with a file that all checkouts of a repository share."""

    HEAD = "the primary's HEAD is missing or damaged"
    CONFIG = "the repository's configuration is missing or damaged"
    PACKED_REFS = "the list of packed refs is damaged"
    REFS = "the directory of refs is gone"
    SHALLOW = "the list of where history was cut off is damaged"
    PACK_INDEX = "the index of a pack is missing or damaged"
    PACK = "a pack is missing or damaged"
    DERIVED = "a file that Git computes from its objects is damaged"
    LENDER = "the object store that objects are borrowed from is not there"


# Git sees no repository, no refs or no history until these are repaired.
BLINDING = frozenset(
    {
        SharedDamage.HEAD,
        SharedDamage.CONFIG,
        SharedDamage.PACKED_REFS,
        SharedDamage.REFS,
        SharedDamage.SHALLOW,
    }
)


class StrayKind(StrEnum):
    """What lies where worktrees are made, and is none that Git knows."""

    ORPHAN = "its admin directory is gone"
    COPY = "a copy of a registered worktree"
    REPOSITORY = "a repository of its own"
    PLAIN = "Git knows nothing of it"
    LINK = "a symbolic link"
    ANOTHERS = "it belongs to another repository, of which this may be a copy"


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file of Git's own that no checkout can do without."""

    path: PurePath
    damage: SharedDamage
    lender: PurePath | None = None  # the place it names, where that is not there


@dataclass(frozen=True, slots=True)
class LostBranch:
    """A branch whose ref is gone or cannot be read."""

    ref: str
    last: str | None  # the last commit its reflog names and that is there


@dataclass(frozen=True, slots=True)
class LostObject:
    """A piece of history that is missing, or whose file does not hold it."""

    id: str
    kind: str  # blob, tree, commit or tag; empty where nobody says
    file: PurePath | None  # the damaged file, if there is one
    named: str = ""  # what needs it, as Git names it
