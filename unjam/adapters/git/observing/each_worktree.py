"""Look at every worktree: what it is, what it holds, and what locks it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.observing.child import Parts
from unjam.adapters.git.observing.hidden_commits import named_by_heads
from unjam.adapters.git.observing.lock_files import LockFile, read_locks
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.status.quick_status import Rules
from unjam.adapters.git.status.unsaved import (
    HeadTree,
    Scan,
    read_heads,
    scan_files,
    unsaved_by_name,
)
from unjam.adapters.git.worktrees import (
    Checkout,
    glimpse,
    named_by_head,
    read_primary,
    read_worktrees,
    worktree_names,
)
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Unsaved

if TYPE_CHECKING:
    from unjam.domain.steps.scope import Scope

PARTS = 24  # in which two take the worktrees; many keep both at work, few ask Git seldom


class EachWorktree(NamedTuple):
    """What the files of all worktrees say; the primary is the first."""

    checkouts: list[Checkout]
    heads: Mapping[str, CommitId | None]  # by worktree
    unsaved: Mapping[str, Unsaved]  # of those that were looked into
    named: Mapping[str, frozenset[str]]  # commits that HEAD and its reflog name, likewise
    locks: list[LockFile]
    glimpsed: frozenset[str] | None = None  # of which only HEAD and place were read


def count_worktrees(repository: Repository) -> int:
    """Count them without reading them."""
    try:
        return len(os.listdir(repository.common / "worktrees"))  # noqa: PTH208 -- only counted
    except OSError:
        return 0


class Wanted(NamedTuple):
    """Which worktrees are looked into, and which are read whole at all; None: every one."""

    into: frozenset[str] | None = None
    scope: "Scope | None" = None


class WorktreeReader:
    """A look at all worktrees, into the wanted ones; one that is damaged hides no other."""

    def __init__(
        self,
        git: Git,
        repository: Repository,
        refs: Mapping[str, CommitId],
        rules: Rules,
        wanted: Wanted,
    ) -> None:
        self._git = git
        self._repository = repository
        self._refs = refs
        self._rules = rules
        self._only = wanted.into
        self._scope = wanted.scope

    def alone(self) -> EachWorktree:
        """Look at all of them, and into each."""
        return self._looked(None)

    def sharing(self, parts: Parts) -> EachWorktree:
        """Look at all of them, and into what nobody else takes."""
        return self._looked(parts)

    def helping(self, parts: Parts) -> dict[str, Unsaved]:
        """Look only into what the other one does not take."""
        names = worktree_names(self._repository)
        heads: dict[str, HeadTree] | None = None
        taken: list[Checkout] = []
        scans: list[Scan] = []
        for part in parts:
            if heads is None:  # of all that is left, for Git to be asked only once
                heads = self._heads_of(name for at, name in enumerate(names) if at % PARTS >= part)
            some = [one for one in self._read(names[part::PARTS]) if self._is_wanted(one)]
            taken += some
            scans += scan_files(some, self._rules, heads)
        return self._judged(taken, scans)

    def joined(self, answer: EachWorktree, helped: dict[str, Unsaved]) -> EachWorktree:
        """Put together what two looked into."""
        return answer._replace(unsaved={**answer.unsaved, **helped})

    def _looked(self, parts: Parts | None) -> EachWorktree:
        names = worktree_names(self._repository)
        primary, glimpsed = read_primary(self._repository), self._glimpsed(names)
        checkouts = self._read(name for name in names if name not in glimpsed)
        everything = [primary, *glimpsed.values(), *checkouts]
        wanted = [one for one in everything if self._is_wanted(one)]
        named = named_by_heads(wanted)
        locks = read_locks(self._repository.common, everything) if self._scope is None else []
        heads = self._heads(wanted)
        taken: list[Checkout] = []
        scans: list[Scan] = []
        for some in [wanted] if parts is None else self._taken(parts, names, wanted):
            taken += some
            scans += scan_files(some, self._rules, heads)
        return EachWorktree(
            checkouts=everything,
            heads={one.name: self._commit(one.branch, one.detached) for one in everything},
            unsaved=self._judged(taken, scans),
            named=named,
            locks=locks,
            glimpsed=None if self._scope is None else frozenset(glimpsed),
        )

    def _glimpsed(self, names: Sequence[str]) -> dict[str, Checkout]:
        """Glimpse at what nobody asked for and is neither odd nor in a place that was asked for."""
        scope = self._scope
        if scope is None:
            return {}
        seen = {name: one for name in names if (one := glimpse(self._repository, name))}
        if any(one not in seen for one in scope.worktrees.intersection(names)):
            return {}  # where that is, and what is in it, only a look at everything tells
        places = {one.name: f"{one.path}{os.sep}" for one in seen.values()}
        asked = {
            one.name
            for one in seen.values()
            if scope.names(one.name, one.branch or "", places[one.name])
        }
        inside = tuple(places[name] for name in asked)
        return {
            name: one
            for name, one in seen.items()
            if name not in asked and not places[name].startswith(inside)
        }

    def _taken(
        self, parts: Parts, names: Sequence[str], wanted: Iterable[Checkout]
    ) -> Iterator[list[Checkout]]:
        by_name = {one.name: one for one in wanted}
        yield [by_name[name] for name in ("",) if name in by_name]  # nobody else sees the primary
        for part in parts:
            yield [by_name[name] for name in names[part::PARTS] if name in by_name]

    def _read(self, names: Iterable[str]) -> list[Checkout]:
        return list(read_worktrees(self._repository, names))

    def _is_wanted(self, checkout: Checkout) -> bool:
        return self._only is None or checkout.name in self._only

    def _commit(self, branch: str | None, detached: str | None) -> CommitId | None:
        return CommitId(detached) if detached else self._refs.get(branch or "")

    def _heads(self, checkouts: Iterable[Checkout]) -> dict[str, HeadTree]:
        at = {one.name: self._commit(one.branch, one.detached) for one in checkouts}
        return read_heads(self._git, at)

    def _heads_of(self, names: Iterable[str]) -> dict[str, HeadTree]:
        at = {name: self._commit(*named_by_head(self._repository, name)) for name in names}
        return read_heads(self._git, at)

    def _judged(self, checkouts: list[Checkout], scans: list[Scan]) -> dict[str, Unsaved]:
        return unsaved_by_name(self._git, self._repository.common, checkouts, scans)
