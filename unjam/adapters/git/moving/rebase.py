"""Bring a branch onto a trunk commit by commit, where merging it as a whole conflicts.

What the trunk has taken already, by patch, is left out: that is where a rebase succeeds and a merge
does not. The branch itself is not moved: what comes out is a merge of it with another tree.
"""

import re
from datetime import datetime
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.exchange import Exchange, exchanged_tree
from unjam.adapters.git.moving.merge import (
    Conflict,
    Identity,
    Merged,
    authored,
    commit_tree,
    left_markers,
    merging_room,
)
from unjam.domain.world.identity import CommitId

_MOST = 50  # commits; each is a merge of its own
_REVERTS = re.compile(r"This reverts commit ([0-9a-f]{40,64})")


def rebased_onto(
    common: Path,
    sides: tuple[CommitId, CommitId],
    message: str,
    identity: Identity,
    when: datetime,
) -> Merged | None:
    """Rebase in memory, given as (base, tip); None where that does not help or could drop work.

    The commit has both sides as parents and the rebased tree, and no ref names it yet.
    """
    base, tip = sides
    exchanges = _left_to_apply(Git(common), base, tip)
    if not exchanges:
        return None
    with merging_room(common, base) as room:
        who = authored(identity, when)
        tree = exchanged_tree(room, base, exchanges, who)
        if isinstance(tree, Conflict) or left_markers(room, base, tree):
            return None
        if tree == room.run("rev-parse", "--verify", f"{base}^{{tree}}").text:
            return None
        return Merged(commit_tree(room, tree, sides, message, who), tree)


def _left_to_apply(git: Git, base: CommitId, tip: CommitId) -> list[Exchange]:
    """Name the commits to apply, oldest first; none where a merge of its own would be flattened."""
    listed = git.run("rev-list", "--reverse", "--topo-order", "--parents", tip, f"^{base}").text
    own = [line.split(" ") for line in listed.splitlines()]
    if len(own) > _MOST or any(len(one) != 2 for one in own):  # noqa: PLR2004 -- itself and a parent
        return []
    marked = git.run(
        "rev-list", "--left-right", "--cherry-mark", "--no-merges", f"{tip}...{base}"
    ).text.splitlines()
    taken = {one[1:] for one in marked if one.startswith("=")}
    if taken & _reverted(git, base, tip):
        return []  # what the trunk took and gave back would be dropped
    return [Exchange(parent, commit) for commit, parent in own if commit not in taken]


def _reverted(git: Git, base: CommitId, tip: CommitId) -> set[str]:
    since = git.run("log", "--format=%B", base, f"^{tip}").text
    return set(_REVERTS.findall(since))
