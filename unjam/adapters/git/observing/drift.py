"""Find the work that agents did not do on their workstream's branch.

An agent may switch its worktree to a branch that it invents, or to none. The worktree's reflog
tells which commits were made there; the branches tell where those are now.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from unjam.adapters.git.all_refs import Tips
from unjam.adapters.git.observing.branches import Compared, Found
from unjam.adapters.git.observing.each_worktree import EachWorktree
from unjam.adapters.git.observing.facts import ObserveRequest, OwnersOfTrees
from unjam.adapters.git.proving.commit_graph import History
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.naming import Owner

_HEADS = "refs/heads/"
_Guests = tuple[tuple[str, CommitId], ...]


class Drift(NamedTuple):
    """What is to be compared as the workstreams' too, and who worked on whose branch."""

    found: tuple[Found, ...] = ()
    guests: Mapping[str, _Guests] = {}  # by worktree: another workstream's branch, a commit there


def find_drift(
    tips: Tips, around: EachWorktree, compared: Compared, request: ObserveRequest, trunk: str
) -> Drift:
    """Find what each agent's worktree made that none of its workstream's branches holds."""
    if request.owners is None:
        return Drift()
    return _Search(tips, compared, request, request.owners, trunk).drift(around)


class _Search:
    def __init__(
        self,
        tips: Tips,
        compared: Compared,
        request: ObserveRequest,
        owners: OwnersOfTrees,
        trunk: str,
    ) -> None:
        self._owners = owners
        self._tips = tips
        self._trunk = trunk
        self._history: History = compared.history
        self._request = request
        self._branches = compared.branches
        self._known = frozenset(one.workstream for one in compared.branches)
        self._with_work = {one.workstream for one in compared.branches if one.own_commits != 0}
        self._reach: dict[str, frozenset[str]] = {}

    def drift(self, around: EachWorktree) -> Drift:
        found: dict[str, Found] = {}
        guests: dict[str, _Guests] = {}
        for checkout in around.checkouts:
            named = around.named.get(checkout.name, frozenset())
            left, merged = self._left(checkout, named), self._merged(named)
            owner = self._owner(checkout) if checkout.name and (left or merged) else None
            if owner is None:
                continue
            if merged and owner.workstream not in self._with_work:
                for one in self._landed(checkout, owner, merged):
                    found.setdefault(one.ref, one)
            left -= self._reached_by_its_own(owner.workstream)
            made = self._made(checkout, left)
            for one in self._where(checkout, owner, made):
                found.setdefault(one.ref, one)
            with_others = tuple(self._on_others(owner.workstream, made))
            if with_others:
                guests[checkout.name] = with_others
        return Drift(tuple(found.values()), guests)

    def _left(self, checkout: Checkout, named: frozenset[str]) -> set[str]:
        """Drop what the trunk has, and where nothing looks odd what the branch of its name has."""
        head = {checkout.detached} if checkout.detached else set()
        tip = self._tips.sound.get(checkout.branch or "")
        left = {one for one in (*named, *head) if one and not self._history.in_trunk(one)}
        owner = self._request.owner(checkout.branch) if checkout.branch else None
        if owner and self._owners.directory(owner) == checkout.path.name:
            return left - self._reached(tip) if tip else left
        return left | ({tip} if tip and not self._history.in_trunk(tip) else set())

    def _merged(self, named: frozenset[str]) -> set[str]:
        """Take what the trunk has, where that is more than the commit which a worktree began at."""
        there = {one for one in named if self._history.in_trunk(one)}
        return there if len(there) > 1 else set()

    def _landed(self, checkout: Checkout, owner: Owner, merged: set[str]) -> Iterator[Found]:
        """Find what was made here and is in the trunk, though nothing of its own branches' is."""
        moves = read_reflog(checkout.admin, "HEAD")
        made = [one.new for one in moves if one.made_commit and one.new in merged]
        if made:
            tip, all_made = CommitId(made[-1]), frozenset(made)
            at = (ref for ref, commit in self._tips.sound.items() if commit == tip)
            ref = next(filter(self._is_nobodys, at), None)
            log = "" if ref else f"worktrees/{checkout.name}/logs/HEAD"
            yield Found(ref or self._owners.new_branch(owner, tip), tip, owner, all_made, log)

    def _is_nobodys(self, ref: str) -> bool:
        is_a_branch = ref.startswith(_HEADS) and ref != self._trunk
        return is_a_branch and self._request.owner(ref) is None

    def _owner(self, checkout: Checkout) -> Owner | None:
        return self._owners.of(checkout.path, self._known)

    def _reached_by_its_own(self, workstream: WorkstreamId) -> set[str]:
        own = [one.tip for one in self._branches if one.workstream == workstream]
        return {commit for tip in own for commit in self._reached(tip)}

    def _reached(self, tip: str) -> frozenset[str]:
        if tip not in self._reach:
            known = self._history.knows(tip)
            self._reach[tip] = frozenset(self._history.beyond_trunk(tip) if known else ())
        return self._reach[tip]

    @staticmethod
    def _made(checkout: Checkout, left: set[str]) -> set[str]:
        """Name the commits that were made here, and not only looked at; where no log tells, the tip."""
        moves = read_reflog(checkout.admin, "HEAD")
        if not moves:
            return left
        made = (one.new for one in moves if one.made_commit or one.message.startswith("rebase"))
        return left & set(made)

    def _where(self, checkout: Checkout, owner: Owner, made: set[str]) -> Iterator[Found]:
        detached = checkout.detached
        if detached and detached in made and not self._is_on_a_branch(detached):
            yield self._nameless(checkout, owner, CommitId(detached), made)
        holding = [one for one in self._nobodys() if self._reached(one[1]) & made]
        here = [one for one in holding if one[0] == checkout.branch]
        made_here = [one for one in holding if one[1] in made]
        for ref, tip in here or made_here or holding:
            yield Found(ref, tip, owner, self._allowed(owner, made))

    def _is_on_a_branch(self, commit: str) -> bool:
        """Ask the branches: what a remote's trunk has, the history knows, too."""
        heads = (tip for ref, tip in self._tips.sound.items() if ref.startswith(_HEADS))
        return self._history.knows(commit) and any(commit in self._reached(one) for one in heads)

    def _allowed(self, owner: Owner, made: set[str]) -> frozenset[str]:
        return frozenset(made | self._reached_by_its_own(owner.workstream))

    def _nameless(
        self, checkout: Checkout, owner: Owner, commit: CommitId, made: set[str]
    ) -> Found:
        """Describe commits on no branch under the name that a branch of theirs would get."""
        kept = f"its worktree is in the middle of a {checkout.operation}"
        return Found(
            ref=self._owners.new_branch(owner, commit),
            tip=commit,
            owner=owner,
            made=self._allowed(owner, made),
            nameless=f"worktrees/{checkout.name}/HEAD",
            kept_apart=kept if checkout.operation else "",
        )

    def _nobodys(self) -> Iterable[tuple[str, CommitId]]:
        trunk = self._history.line[0] if self._history.line else ""
        for ref, tip in self._tips.sound.items():
            if tip != trunk and self._is_nobodys(ref):
                yield ref, tip

    def _on_others(
        self, workstream: WorkstreamId, made: set[str]
    ) -> Iterator[tuple[str, CommitId]]:
        for one in self._branches:
            commits = self._reached(one.tip) & made if one.workstream != workstream else ()
            if commits:
                yield one.ref, CommitId(one.tip if one.tip in commits else min(commits))
