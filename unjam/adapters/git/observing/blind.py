"""Tell what can be told of a repository in which Git sees nothing: its damage, and who may be in it."""

from pathlib import Path

from unjam.adapters.git.files import NOBODY, read_line
from unjam.adapters.git.mending.lost import find_lost
from unjam.adapters.git.observing.facts import GitFacts, ObserveRequest
from unjam.adapters.git.observing.locks import read_locks
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.worktrees import Checkout, read_primary, read_worktrees, worktree_names
from unjam.domain.world.damage import DamagedFile
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Unsaved, Worktree
from unjam.domain.world.truth import Truth, Unknown

_BECAUSE = "Git cannot be asked before the repository's own files are whole"


def blind_facts(
    repository: Repository, request: ObserveRequest, shared: tuple[DamagedFile, ...]
) -> GitFacts:
    """Return the damage as the only thing that is known; the trunk counts as damaged."""
    names = worktree_names(repository)
    checkouts = [read_primary(repository), *read_worktrees(repository, names)]
    trees = [_unread(one) for one in checkouts]
    # Packs are repaired first: what is missing then is looked for elsewhere.
    lost = () if shared else find_lost(repository, [one.admin for one in checkouts]).objects
    return GitFacts(
        trunk=f"refs/heads/{request.trunk or _trunk(repository.common, request.remote)}",
        trunk_tip=CommitId(NOBODY),
        primary=trees[0],
        worktrees=tuple(trees[1:]),
        branches=(),
        remote=None,
        locks=tuple(read_locks(repository.common, checkouts)),
        unknown=(Unknown("everything else", _BECAUSE),),
        shared=shared,
        lost=lost,
        trunk_damaged=True,
    )


def _trunk(common: Path, remote: str) -> str:
    line = read_line(common / f"refs/remotes/{remote}/HEAD") or ""
    named = line.removeprefix(f"ref: refs/remotes/{remote}/")
    return named if named != line else "main"


def _unread(one: Checkout) -> Worktree:
    return Worktree(
        name=one.name,
        path=one.path,
        admin=one.admin,
        branch=one.branch,
        head=None,
        present=one.present,
        unsaved=Unsaved(Truth.UNKNOWN, because=_BECAUSE),
        operation=one.operation,
        lock_reason=one.lock_reason,
    )
