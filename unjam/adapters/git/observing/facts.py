"""What is asked of Git about an orchestration, and what it answers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from unjam.adapters.git.observing.lock_files import LockFile
from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.damage import DamagedFile, LostBranch, LostObject
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.naming import Owner
from unjam.domain.world.snapshot import Branch, Remote, Stray, Worktree
from unjam.domain.world.truth import Unknown

if TYPE_CHECKING:
    from unjam.domain.steps.scope import Scope


class OwnersOfTrees(Protocol):
    """For whom worktrees are made, and how their things are called."""

    def of(self, path: Path, known: Collection[WorkstreamId]) -> Owner | None:
        """Name for whom a worktree was made, by its place; ``known`` are workstreams of branches."""

    def directory(self, owner: Owner) -> str | None:
        """Name the directory that is made for an owner."""

    def new_branch(self, owner: Owner, commit: CommitId) -> str:
        """Name a branch for commits of an owner that are on none."""


@dataclass(frozen=True, slots=True)
class ObserveRequest:
    """What is asked for; the narrower, the cheaper."""

    owner: Callable[[str], Owner | None]  # whose branch a ref is: `Template.owner`
    trunk: str | None = None  # None: the remote's HEAD, else main, else master
    remote: str = "origin"
    only: frozenset[str] | None = (
        None  # worktrees that are looked into, "" is the primary; then no branch is compared
    )
    prove: frozenset[WorkstreamId] | None = (
        None  # whose landing is proved where it costs; None: all
    )
    closely: frozenset[WorkstreamId] | None = (
        None  # whose branches' reflogs are read, as those of checked-out ones; None: nobody's
    )
    changed: frozenset[WorkstreamId] = frozenset()  # for whose branches changed paths are listed
    nursery: Path | None = None  # the directory of worktrees: what is none of them is told
    owners: "OwnersOfTrees | None" = None  # None: no worktree's branch is doubted
    objects: bool = False  # look for lost objects even where nothing looks broken
    scope: "Scope | None" = None  # all that is read whole, of worktrees; None: everything

    def looks_at(self, worktree: str) -> bool:
        """Tell whether the files of this worktree are compared."""
        return self.only is None or worktree in self.only

    def proves(self, workstream: WorkstreamId) -> bool:
        """Tell whether proofs that cost are wanted for this workstream."""
        return self.prove is None or workstream in self.prove


class GitFacts(NamedTuple):
    """Everything Git's files and objects say of an orchestration."""

    trunk: str  # full ref name
    trunk_tip: CommitId
    primary: Worktree
    worktrees: tuple[Worktree, ...]
    branches: tuple[Branch, ...]
    remote: Remote | None
    locks: tuple[LockFile, ...]
    unknown: tuple[Unknown, ...]
    strays: tuple[Stray, ...] = ()
    stashes: tuple[Stash, ...] = ()
    others: tuple[tuple[str, CommitId], ...] = ()  # branches that are nobody's
    lost: tuple[LostObject, ...] = ()
    lost_branches: tuple[LostBranch, ...] = ()
    shared: tuple[DamagedFile, ...] = ()
    trunk_damaged: bool = False  # its tip is an older one, or its history cannot be read
    glimpsed: frozenset[str] | None = None  # worktrees of which only HEAD and place were read
