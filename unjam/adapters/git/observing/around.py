"""Look at every worktree: what it is, what it holds, and what locks it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from unjam.adapters.git.command import Git
from unjam.adapters.git.observing.hidden import named_by_heads
from unjam.adapters.git.observing.locks import LockFile, read_locks
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.status.quick_status import Rules
from unjam.adapters.git.status.unsaved import read_heads, scan_files, unsaved_by_name
from unjam.adapters.git.worktrees import Checkout, read_primary, read_worktrees
from unjam.domain.snapshot import CommitId, Unsaved


@dataclass(frozen=True, slots=True)
class Around:
    """What the files of all worktrees say; the primary is the first."""

    checkouts: list[Checkout]
    heads: Mapping[str, CommitId | None]  # by worktree
    unsaved: Mapping[str, Unsaved]  # of those that were looked into
    named: Mapping[str, frozenset[str]]  # commits that HEAD and its reflog name, likewise
    locks: list[LockFile]


def count_worktrees(repository: Repository) -> int:
    """Count them without reading them."""
    try:
        return len(os.listdir(repository.common / "worktrees"))  # noqa: PTH208 -- only counted
    except OSError:
        return 0


def look_around(
    git: Git,
    repository: Repository,
    refs: Mapping[str, CommitId],
    rules: Rules,
    only: frozenset[str] | None,
) -> Around:
    """Look at all worktrees, with ``only`` into these; one that is damaged hides no other."""
    checkouts = [read_primary(repository), *read_worktrees(repository)]
    wanted = [one for one in checkouts if only is None or one.name in only]
    heads = {one.name: _head(one, refs) for one in checkouts}
    scans = scan_files(wanted, rules, read_heads(git, heads))
    return Around(
        checkouts=checkouts,
        heads=heads,
        unsaved=unsaved_by_name(git, repository.common, wanted, scans),
        named=named_by_heads(wanted),
        locks=read_locks(repository.common, checkouts),
    )


def _head(checkout: Checkout, refs: Mapping[str, CommitId]) -> CommitId | None:
    if checkout.detached:
        return CommitId(checkout.detached)
    return refs.get(checkout.branch or "")
