"""The trunk with a piece of work taken out, or one put in: a merge of three trees, in memory.

Taking out what led from ``before`` to ``after`` is a merge of ``before`` whose base is ``after``:
one way for merges of any kind, squashes, fast-forwards and flattened commits, and no mainline to
guess. Nothing of the repository changes but its object store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unjam.adapters.git.command import Git, GitAnswer
from unjam.adapters.git.moving.merge import (
    Conflict,
    Identity,
    Merged,
    Nothing,
    authored,
    commit_tree,
    conflict_in,
    merging_room,
)
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError

_CONFLICTED = 1  # exit status of merge-tree


@dataclass(frozen=True, slots=True)
class Exchange:
    """One change to apply: what leads from ``base`` to ``wanted``; both name commits."""

    base: str
    wanted: str


def exchanged(
    common: Path,
    onto: CommitId,
    exchanges: Sequence[Exchange],
    message: str,
    by: tuple[Identity, datetime],
) -> Merged | Conflict | Nothing:
    """Make a commit on top of one, with these changes; the same arguments give the same commit.

    The commit is in the object store and no ref names it yet.
    """
    with merging_room(common, onto) as room:
        who = authored(*by)
        tree = exchanged_tree(room, onto, exchanges, who)
        if isinstance(tree, Conflict):
            return tree
        if tree == _tree(room, onto):
            return Nothing()
        return Merged(commit_tree(room, tree, (onto,), message, who), tree)


def exchanged_tree(
    room: Git, onto: CommitId, exchanges: Sequence[Exchange], who: dict[str, str]
) -> str | Conflict:
    """Apply one change after the other to the tree of a commit."""
    tree = _tree(room, onto)
    for one in exchanges:
        answer = _merged(room, tree, one, who)
        if answer.status == _CONFLICTED:
            return conflict_in(answer)
        if answer.status != 0:
            raise PermanentError(f"git merge-tree: {answer.err or answer.status}")
        tree = answer.fields()[0]
    return tree


def tree_of(common: Path, commit: CommitId) -> str:
    """Name the tree of a commit."""
    return _tree(Git(common), commit)


def _merged(room: Git, ours: str, one: Exchange, who: dict[str, str]) -> GitAnswer:
    """Merge with a base of our choice, which this Git's merge-tree cannot be told: make it one."""
    made = replace(room, environment={**room.environment, **who})
    root = _scratch(made, _tree(room, CommitId(one.base)))
    sides = (
        _scratch(made, ours, "-p", root),
        _scratch(made, _tree(room, CommitId(one.wanted)), "-p", root),
    )
    return room.run("merge-tree", "--write-tree", "-z", *sides, accept=None)


def _tree(room: Git, commit: str) -> str:
    return room.run("rev-parse", "--verify", f"{commit}^{{tree}}").text


def _scratch(room: Git, tree: str, *parents: str) -> str:
    return room.run("commit-tree", tree, *parents, "-m", "scratch").text
