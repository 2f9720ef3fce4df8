"""Where agents' work is when it is not, or not only, on the branch that was made for it.

An agent may go to a branch of its own making or to none, amend or reset its commits away, stash
its files, or work on another workstream's branch.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import SHORT
from unjam.domain.world.snapshot import Branch, Row, Snapshot, Worktree
from unjam.domain.world.truth import Truth


def drifted_work(
    current: Branch | None,
    branches: Iterable[Branch],
    trees: Iterable[Worktree],
    stashes: Iterable[Stash],
) -> Iterator[str]:
    """Say where a workstream has work that is on no branch which is to land, each with a commit."""
    named = set()
    for branch in branches:
        if branch.drifted and _may_hold_work(branch):
            named.add(branch.tip)
            if branch.kept_apart or branch is not current:
                yield _in_words(branch)
    for tree in trees:
        hidden = [tip for tip in tree.hidden if tip not in named]
        if hidden:
            tips = ", ".join(tip[:12] for tip in hidden)
            which = "commit" if len(hidden) == 1 else "commits"
            yield f"{which} {tips}, which only the reflog of {tree.path.name} names"
    for stash in stashes:
        yield f"{stash.commit[:12]} in the stash"


def _in_words(branch: Branch) -> str:
    place = f"on {branch.name}"
    if branch.nameless:
        place = f"on no branch; it is kept as {branch.ref.removeprefix('refs/heads/')}"
    because = f" ({branch.kept_apart})" if branch.kept_apart else ""
    return f"commit {branch.tip[:12]} {place}{because}"


def is_for_its_commit(branch: Branch) -> bool:
    """Tell a branch that was made for commits on none: that is no news of its own, and in nobody's way."""
    return branch.tip[:SHORT] in branch.ref


def guests_by_workstream(snapshot: Snapshot) -> dict[WorkstreamId, tuple[str, ...]]:
    """Say by workstream what worktrees of other workstreams did on its branches and is not in the trunk."""
    found = defaultdict[WorkstreamId, list[str]](list)
    guests = [(tree, *on) for tree in snapshot.worktrees for on in tree.guest_on]
    owners = {one.ref: one for one in snapshot.branches} if guests else {}
    for tree, ref, commit in guests:
        branch = owners.get(ref)
        if branch is not None and branch.landed is not Truth.YES and branch.own_commits != 0:
            said = f"{tree.path.name} has worked on {branch.name} (commit {commit[:12]})"
            for whose in {branch.workstream, tree.workstream}:
                if whose is not None:
                    found[whose].append(said)
    return {one: tuple(said) for one, said in found.items()}


def stashes_of(
    branches: Sequence[Branch], trees: Sequence[Worktree], stashes: Sequence[Stash]
) -> tuple[Stash, ...]:
    """Take those that were made on its branches, or where its worktree is on none."""
    names = {one.name for one in branches}
    names |= {(tree.branch or "").removeprefix("refs/heads/") for tree in trees} - {""}
    heads = [tree.head for tree in trees if tree.branch is None and tree.head]
    return tuple(
        stash for stash in stashes if any(map(stash.is_of, names)) or any(map(stash.is_at, heads))
    )


def current_branch(
    branches: Sequence[Branch], row: Row | None, trees: Sequence[Worktree]
) -> Branch | None:
    """Return the branch of the current attempt; None where several hold work and none holds all."""
    usual = _usual([one for one in branches if not one.drifted], row, trees)
    heads = {tree.head for tree in trees if tree.branch is None}
    working = [
        one
        for one in branches
        if _may_hold_work(one) and (one is usual or one.drifted or one.tip in heads)
    ]
    to_land = [one for one in working if not one.kept_apart]
    if all(one is usual for one in to_land):
        apart = [one for one in working if one.kept_apart]
        elsewhere = [one for one in branches if one.drifted or one.tip in heads]
        landed = [one for one in elsewhere if one.landed is Truth.YES]
        is_bare = usual is None or (usual.own_commits == 0 and usual.landed is not Truth.YES)
        return (*apart, *landed)[0] if (apart or landed) and is_bare else usual
    working = to_land
    return next((one for one in working if _holds_all(one, working)), None)


def _may_hold_work(branch: Branch) -> bool:
    return branch.own_commits != 0 and branch.landed is not Truth.YES


def _holds_all(branch: Branch, others: Iterable[Branch]) -> bool:
    return all(one.tip == branch.tip or one.ref in branch.holds for one in others)


def _usual(branches: Sequence[Branch], row: Row | None, trees: Sequence[Worktree]) -> Branch | None:
    if row is not None and row.agent:
        for one in branches:
            if one.agent == row.agent:
                return one
    checked_out = {tree.branch for tree in trees}
    for choice in (
        [one for one in branches if one.ref in checked_out],
        branches,
        [one for one in branches if one.landed is not Truth.YES and one.own_commits],
    ):
        if len(choice) == 1:
            return choice[0]
    return None


def with_work_in_words(branches: Iterable[Branch]) -> str:
    """List the branches that may hold work which has not landed, each with its tip."""
    with_work = (one for one in branches if _may_hold_work(one))
    return ", ".join(f"{one.name} at {one.tip[:12]}" for one in with_work)
