"""Observe everything Git knows of an orchestration, in a number of processes that does not grow.

Reading changes nothing and runs nothing of the agents'; what cannot be read is a fact, not an end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from unjam.adapters.git.command import Git
from unjam.adapters.git.mending.shared import find_packs, find_shared
from unjam.adapters.git.observing.around import Around
from unjam.adapters.git.observing.beginning import Begun, begin
from unjam.adapters.git.observing.blind import blind_facts
from unjam.adapters.git.observing.branches import Compared, Found, compare_branches
from unjam.adapters.git.observing.broken import look_closely
from unjam.adapters.git.observing.config import has_remote
from unjam.adapters.git.observing.drift import Drift, find_drift
from unjam.adapters.git.observing.facts import GitFacts, ObserveRequest
from unjam.adapters.git.observing.hidden import count_hidden
from unjam.adapters.git.observing.operations import is_intact
from unjam.adapters.git.proving.history import Graph, History
from unjam.adapters.git.questions import ask_graph
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.tips import LostTrunkError, Tips, choose_trunk
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Remote, Unsaved, Worktree
from unjam.domain.world.truth import Truth, Unknown
from unjam.errors import PermanentError

__all__ = ["Begun", "GitFacts", "ObserveRequest", "begin", "observe"]

_VAULT = "refs/unjam/"
_NOT_ASKED = Unsaved(Truth.UNKNOWN, because="its files were not looked at")


def observe(
    repository: Repository, request: ObserveRequest, begun: Begun | None = None
) -> GitFacts:
    """Observe the repository, with ``begun`` from where a look at all of it has come to.

    Raises UsageError without a trunk, PermanentError if Git cannot read the repository; where its
    own files are damaged, that is all that is told.
    """
    if begun is None:
        shared = find_shared(repository.common)
        if shared:
            return blind_facts(repository, request, shared)
        with begin(repository, request.only) as here:
            return observe(repository, request, here)
    tips, git = begun.tips, begun.git
    try:
        trunk = choose_trunk(repository, tips, request.trunk, request.remote)
    except LostTrunkError:
        return blind_facts(repository, request, find_packs(repository.common))
    compared = _compared(begun, repository, trunk, request)
    around = begun.around.answer()
    drift = Drift()
    if begun.graph is not None:
        drift = find_drift(tips, around, compared, request)
    if drift.found:  # seldom: so that these wait for their answer, and not all others for them
        again = begun._replace(graph=ask_graph(git))
        compared = _compared(again, repository, trunk, request, drift.found)
    found = [
        replace(one, guest_on=drift.guests.get(one.name, ()))
        for one in _Worktrees(git, repository, tips, around).join(compared)
    ]
    broken = look_closely(repository, request, begun, (trunk, compared), found)
    has = has_remote(begun.config, request.remote)
    return GitFacts(
        trunk=trunk[0],
        trunk_tip=trunk[1],
        primary=broken.worktrees[0],
        worktrees=broken.worktrees[1:],
        branches=compared.branches,
        remote=_remote(request.remote, trunk[0], tips, compared) if has else None,
        locks=tuple(around.locks),
        unknown=(*tips.unknown, *compared.unknown, *broken.unknown),
        strays=broken.strays,
        stashes=_stashes(repository),
        others=_others(tips, trunk[0], compared),
        lost=broken.lost,
        lost_branches=broken.branches,
        shared=broken.shared,
        trunk_damaged=broken.trunk_damaged,
    )


def _compared(
    begun: Begun,
    repository: Repository,
    trunk: tuple[str, CommitId],
    request: ObserveRequest,
    drifted: Sequence[Found] = (),
) -> Compared:
    """Compare the branches with the trunk; one with a damaged history is compared with nothing."""
    try:
        return compare_branches(begun, repository, trunk, request, drifted)
    except PermanentError as error:
        unknown = Unknown(f"history of {trunk[0]}", str(error))
        return Compared((), History(Graph(), trunk[1]), (unknown,))


def _stashes(repository: Repository) -> tuple[Stash, ...]:
    """Read what is in the stash: dropping an entry takes its line out of this reflog."""
    moves = read_reflog(repository.common, "refs/stash")
    return tuple(Stash(CommitId(one.new), one.message) for one in moves)


def _others(tips: Tips, trunk: str, compared: Compared) -> tuple[tuple[str, CommitId], ...]:
    taken = {trunk, *(one.ref for one in compared.branches)}
    heads = ((ref, tip) for ref, tip in tips.named.items() if ref.startswith("refs/heads/"))
    return tuple((ref, tip) for ref, tip in heads if ref not in taken)


def _remote(name: str, trunk: str, tips: Tips, compared: Compared) -> Remote:
    tip = tips.sound.get(f"refs/remotes/{name}/{trunk.removeprefix('refs/heads/')}")
    history = compared.history
    if tip is None or not history.knows(tip):
        return Remote(name, tip, None, None)
    ahead = history.behind(history.base_of(tip))
    return Remote(name, tip, ahead, len(history.beyond_trunk(tip)))


class _Worktrees:
    """Joins what the files of worktrees say with what Git's objects say."""

    def __init__(self, git: Git, repository: Repository, tips: Tips, around: Around) -> None:
        self._git = git
        self._repository = repository
        self._tips = tips
        self._around = around

    def join(self, compared: Compared) -> list[Worktree]:
        around = self._around
        owners = {one.ref: one.workstream for one in compared.branches}
        reached = sorted(set(self._tips.sound.values()))
        named = [
            (one, around.named[one.name]) for one in around.checkouts if one.name in around.named
        ]
        hidden = count_hidden(self._git, self._repository.common, named, compared.history, reached)
        theirs = {tip for ref, tip in self._tips.sound.items() if not ref.startswith(_VAULT)}
        # What a killed run has saved, or a reflog names, is on no branch all the same.
        away = count_hidden(self._git, None, named, compared.history, sorted(theirs))
        intact = self._intact(around.unsaved)
        return [
            Worktree(
                name=one.name,
                path=one.path,
                admin=one.admin,
                branch=one.branch,
                head=around.heads[one.name],
                present=one.present,
                unsaved=around.unsaved.get(one.name, _NOT_ASKED),
                operation=one.operation,
                operation_intact=intact.get(one.name, Truth.UNKNOWN),
                lock_reason=one.lock_reason,
                hidden_commits=hidden[one.name].number if one.name in hidden else 0,
                hidden=away[one.name].tips if one.name in away else (),
                problem=one.problem or self._branch_problem(one),
                workstream=owners.get(one.branch or "") if one.name else None,
                whose=one.whose,
            )
            for one in around.checkouts
        ]

    def _branch_problem(self, checkout: Checkout) -> str:
        if checkout.branch is None or checkout.branch in self._tips.sound:
            return ""
        state = "damaged" if checkout.branch in self._tips.named else "missing or damaged"
        return f"its branch {checkout.branch.removeprefix('refs/heads/')} is {state}"

    def _intact(self, unsaved: Mapping[str, Unsaved]) -> dict[str, Truth]:
        stopped = [one for one in self._around.checkouts if one.operation and one.name in unsaved]
        if not stopped:
            return {}
        git = self._git.without_drivers()
        common = self._repository.common
        return {one.name: is_intact(git, one, common, unsaved[one.name]) for one in stopped}
