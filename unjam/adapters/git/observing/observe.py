"""Observe everything Git knows of an orchestration, in a number of processes that does not grow.

Reading changes nothing and runs nothing of the agents'; what cannot be read is a fact, not an end.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.all_refs import LostTrunkError, Tips, choose_trunk
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import COMMIT, NOBODY, read_line
from unjam.adapters.git.first_questions import ask_graph
from unjam.adapters.git.mending.lost_objects import find_lost_objects
from unjam.adapters.git.mending.shared_files import find_damaged_files, find_lenders, find_packs
from unjam.adapters.git.observing.branches import Compared, Found, compare_branches
from unjam.adapters.git.observing.broken import look_at_broken
from unjam.adapters.git.observing.config import has_remote
from unjam.adapters.git.observing.drift import Drift, find_drift
from unjam.adapters.git.observing.each_worktree import EachWorktree
from unjam.adapters.git.observing.facts import GitFacts, ObserveRequest
from unjam.adapters.git.observing.hidden_commits import count_hidden
from unjam.adapters.git.observing.lock_files import read_locks
from unjam.adapters.git.observing.start import StartedReading, start_reading
from unjam.adapters.git.proving.commit_graph import Graph, History
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.status.unsaved import inside
from unjam.adapters.git.worktrees import Checkout, read_primary, read_worktrees, worktree_names
from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.damage import DamagedFile
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Operation, Remote, Unsaved, Worktree
from unjam.domain.world.truth import Truth, Unknown
from unjam.errors import PermanentError, UnjamError

__all__ = ["GitFacts", "ObserveRequest", "StartedReading", "observe", "start_reading"]
_VAULT = "refs/unjam/"
_NOT_ASKED = Unsaved(Truth.UNKNOWN, because="its files were not looked at")
_BECAUSE = "Git cannot be asked before the repository's own files are whole"
# With nothing staged and nothing edited, these hold no work of a hand. A merge may: `-s ours`
# leaves everything as it was and is still a decision.
_EMPTY_IS_INTACT = {
    Operation.REBASE,
    Operation.AM,
    Operation.BISECT,
    Operation.CHERRY_PICK,
    Operation.REVERT,
}
_UNMERGED = "U"


def observe(
    repository: Repository, request: ObserveRequest, begun: StartedReading | None = None
) -> GitFacts:
    """Observe the repository, with ``begun`` from where a look at all of it has come to.

    Raises UsageError without a trunk, PermanentError if Git cannot read the repository; where its
    own files are damaged, that is all that is told.
    """
    if begun is None:
        shared = find_damaged_files(repository.common)
        if shared:
            return blind_facts(repository, request, shared)
        with start_reading(repository, request.only, request.scope) as here:
            return observe(repository, request, here)
    tips, git = begun.tips, begun.git
    try:
        trunk = choose_trunk(repository, tips, request.trunk, request.remote)
    except LostTrunkError:
        damaged = (*find_packs(repository.common), *find_lenders(repository.common))
        return blind_facts(repository, request, damaged)
    compared = _compared(begun, repository, trunk, request)
    around = begun.around.answer()
    drift = Drift()
    if begun.graph is not None:
        drift = find_drift(tips, around, compared, request, trunk[0])
    if drift.found:  # seldom: so that these wait for their answer, and not all others for them
        again = begun._replace(graph=ask_graph(git))
        compared = _compared(again, repository, trunk, request, drift.found)
    found = [
        replace(one, guest_on=drift.guests[one.name]) if one.name in drift.guests else one
        for one in _Worktrees(git, repository, tips, around).join(compared)
    ]
    broken = look_at_broken(repository, request, begun, (trunk, compared), found)
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
        glimpsed=around.glimpsed,
    )


def _compared(
    begun: StartedReading,
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

    def __init__(self, git: Git, repository: Repository, tips: Tips, around: EachWorktree) -> None:
        self._git = git
        self._repository = repository
        self._tips = tips
        self._around = around

    def join(self, compared: Compared) -> list[Worktree]:
        around = self._around
        owners = {one.ref: one.workstream for one in compared.branches}
        named = [
            (one, around.named[one.name]) for one in around.checkouts if one.name in around.named
        ]
        # A branch reaches what was committed on it, mostly, and the trunk what it was made from.
        near: list[str | None] = [
            *compared.history.line[:1],
            *(self._tips.sound.get(one.branch or "") for one, _ in named),
        ]
        reached = _in_order(near, self._tips.sound.values())
        hidden = count_hidden(self._git, self._repository.common, named, compared.history, reached)
        tips = (tip for ref, tip in self._tips.sound.items() if not ref.startswith(_VAULT))
        theirs = _in_order(near, tips)
        # What a killed run has saved, or a reflog names, is on no branch all the same.
        away = count_hidden(self._git, None, named, compared.history, theirs)
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
                named=len(around.named.get(one.name, ())),
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


def _in_order(near: Iterable[str | None], tips: Iterable[CommitId]) -> list[str]:
    """Return the tips, those first that are near; none of these is one where no ref is there any more."""
    everything = set[str](tips)
    return list(dict.fromkeys((*(one for one in near if one in everything), *sorted(everything))))


def blind_facts(
    repository: Repository, request: ObserveRequest, shared: tuple[DamagedFile, ...]
) -> GitFacts:
    """Return the damage as the only thing that is known; the trunk counts as damaged."""
    names = worktree_names(repository)
    checkouts = [read_primary(repository), *read_worktrees(repository, names)]
    trees = [_unread(one) for one in checkouts]
    # Packs are repaired first: what is missing then is looked for elsewhere.
    only_lent = all(one.lender is not None for one in shared)
    admins = [one.admin for one in checkouts]
    lost = find_lost_objects(repository, admins).objects if only_lent else ()
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


def is_intact(git: Git, checkout: Checkout, common: Path, unsaved: Unsaved) -> Truth:
    """Compare files and index with the tree Git wrote down when it stopped; ``git`` has its drivers off."""
    if checkout.operation is None or unsaved.known is not Truth.YES:
        return Truth.UNKNOWN
    touched = unsaved.paths - set(unsaved.untracked)
    if not touched and checkout.operation in _EMPTY_IS_INTACT:
        return Truth.YES
    if checkout.operation is Operation.BISECT:
        return Truth.NO
    stopped_at = read_line(checkout.admin / "AUTO_MERGE")
    if stopped_at is None or not COMMIT.fullmatch(stopped_at):
        return Truth.UNKNOWN
    here = inside(git, checkout, common)
    try:
        same = _index_is(here, stopped_at) and _files_are(here, stopped_at)
    except UnjamError:
        return Truth.UNKNOWN
    return Truth.YES if same else Truth.NO


def _index_is(git: Git, tree: str) -> bool:
    """Tell whether everything but the conflicts is staged as Git staged it."""
    fields = git.run("diff-index", "--cached", "--raw", "--no-renames", "-z", tree).fields()
    return all(one.endswith(f" {_UNMERGED}") for one in fields[::2])


def _files_are(git: Git, tree: str) -> bool:
    """Tell whether the files are what Git wrote, conflict markers included."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="unjam-index-") as scratch:
        apart = replace(git, index=Path(scratch, "index"))
        apart.run("read-tree", tree)
        apart.run("update-index", "-q", "--refresh", accept=(0, 1))
        return not apart.run("diff-files", "--name-only", "--ignore-submodules", "-z").out
