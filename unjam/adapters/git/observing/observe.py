"""Observe everything Git knows of an orchestration, in a number of processes that does not grow.

Reading changes nothing and runs nothing of the agents'; what cannot be read is a fact, not an end.
"""

from collections.abc import Mapping

from unjam.adapters.git.command import Git
from unjam.adapters.git.observing.beside import beside
from unjam.adapters.git.observing.branches import Compared, compare_branches
from unjam.adapters.git.observing.config import comparing_rules, has_remote, read_config
from unjam.adapters.git.observing.facts import GitFacts, ObserveRequest
from unjam.adapters.git.observing.hidden import count_hidden
from unjam.adapters.git.observing.locks import read_locks
from unjam.adapters.git.observing.operations import is_intact
from unjam.adapters.git.proving.history import History
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.status.unsaved import Scan, read_heads, scan_files, unsaved_by_name
from unjam.adapters.git.tips import Tips, choose_trunk, read_tips
from unjam.adapters.git.worktrees import Checkout, read_primary, read_worktrees
from unjam.domain.snapshot import CommitId, Remote, Truth, Unsaved, Worktree

__all__ = ["GitFacts", "ObserveRequest", "observe"]

_WORTH_A_PROCESS = 32  # worktrees; below, forking costs more than it saves
_NOT_ASKED = Unsaved(Truth.UNKNOWN, because="its files were not looked at")


def observe(repository: Repository, request: ObserveRequest) -> GitFacts:
    """Observe the repository; raises UsageError without a trunk, PermanentError if Git cannot read it."""
    git = Git(repository.common)
    tips = read_tips(git)
    trunk = choose_trunk(repository, tips, request.trunk, request.remote)
    config = read_config(git)
    rules = comparing_rules(config, repository.common)
    checkouts = [read_primary(repository), *read_worktrees(repository)]
    wanted = [one for one in checkouts if request.looks_at(one.name)]
    worktrees = _Worktrees(git, repository, tips, checkouts)
    heads = read_heads(git, worktrees.heads)
    with beside(
        lambda: scan_files(wanted, rules, heads), worthwhile=len(wanted) > _WORTH_A_PROCESS
    ) as scanning:
        compared = compare_branches(git, repository, trunk, tips, request)
        locks = read_locks(repository.common, checkouts)
        scans = scanning.answer()
    found = worktrees.join(scans, compared.history)
    has = has_remote(config, request.remote)
    return GitFacts(
        trunk=trunk[0],
        trunk_tip=trunk[1],
        primary=found[0],
        worktrees=tuple(found[1:]),
        branches=compared.branches,
        remote=_remote(request.remote, trunk[0], tips, compared) if has else None,
        locks=tuple(locks),
        unknown=(*tips.unknown, *compared.unknown),
    )


def _remote(name: str, trunk: str, tips: Tips, compared: Compared) -> Remote:
    tip = tips.sound.get(f"refs/remotes/{name}/{trunk.removeprefix('refs/heads/')}")
    history = compared.history
    if tip is None or not history.knows(tip):
        return Remote(name, tip, None, None)
    ahead = history.behind(history.base_of(tip))
    return Remote(name, tip, ahead, len(history.beyond_trunk(tip)))


class _Worktrees:
    """Joins what the files of worktrees say with what Git's objects say."""

    def __init__(
        self, git: Git, repository: Repository, tips: Tips, checkouts: list[Checkout]
    ) -> None:
        self._git = git
        self._repository = repository
        self._tips = tips
        self._checkouts = checkouts
        self.heads = {one.name: self._head(one) for one in checkouts}

    def join(self, scans: list[Scan], history: History) -> list[Worktree]:
        unsaved = unsaved_by_name(self._git, self._repository.common, self._checkouts, scans)
        reached = sorted(set(self._tips.sound.values()))
        hidden = count_hidden(self._git, self._repository, self._checkouts, history, reached)
        intact = self._intact(unsaved)
        return [
            Worktree(
                name=one.name,
                path=one.path,
                admin=one.admin,
                branch=one.branch,
                head=self.heads[one.name],
                present=one.present,
                unsaved=unsaved.get(one.name, _NOT_ASKED),
                operation=one.operation,
                operation_intact=intact.get(one.name, Truth.UNKNOWN),
                lock_reason=one.lock_reason,
                hidden_commits=hidden[one.name],
                problem=one.problem or self._branch_problem(one),
            )
            for one in self._checkouts
        ]

    def _head(self, checkout: Checkout) -> CommitId | None:
        if checkout.detached:
            return CommitId(checkout.detached)
        return self._tips.named.get(checkout.branch or "")

    def _branch_problem(self, checkout: Checkout) -> str:
        if checkout.branch is None or checkout.branch in self._tips.sound:
            return ""
        state = "damaged" if checkout.branch in self._tips.named else "missing or damaged"
        return f"its branch {checkout.branch.removeprefix('refs/heads/')} is {state}"

    def _intact(self, unsaved: Mapping[str, Unsaved]) -> dict[str, Truth]:
        stopped = [one for one in self._checkouts if one.operation and one.name in unsaved]
        if not stopped:
            return {}
        git = self._git.without_drivers()
        common = self._repository.common
        return {one.name: is_intact(git, one, common, unsaved[one.name]) for one in stopped}
