"""Guess the tree of a lost commit: what is staged now, with some paths as they were before it.

Since the id of the tree, or of the commit, is known, a right guess proves itself.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import product
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import NOBODY
from unjam.adapters.git.reflog import Move, read_reflog
from unjam.adapters.git.salvaging.trees import Leaf, build_trees

_MOST = 10  # paths that may be either way: a thousand guesses
_RECENT = 20  # moves of HEAD
_TAB = b"\t"

Guess = tuple[str, Mapping[bytes, bytes]]


def guess_trees(
    common: Path, admin: Path, staged: Collection[Leaf], wanted: Collection[str]
) -> Iterator[Guess]:
    """Give roots, each with all trees below it, for the lost commits or trees a reflog leads to."""
    git = Git(common)
    for move in reversed(read_reflog(admin, "HEAD")[-_RECENT:]):
        if move.new in wanted or _tree_of(git, move.new) in wanted:
            yield from _between(_listing(git, move), {one.path: one for one in staged})


def _between(before: Mapping[bytes, Leaf], staged: Mapping[bytes, Leaf]) -> Iterator[Guess]:
    paths = sorted(before.keys() | staged.keys())
    differing = [path for path in paths if before.get(path) != staged.get(path)]
    if len(differing) > _MOST:
        return
    for choice in product((staged, before), repeat=len(differing)):
        chosen = dict(staged)
        for path, side in zip(differing, choice, strict=True):
            chosen.pop(path, None)
            if path in side:
                chosen[path] = side[path]
        root, trees = build_trees(chosen.values())
        yield root.hex(), trees


def _tree_of(git: Git, commit: str) -> str:
    answer = git.run("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}", accept=None)
    if answer.status == 0:
        return answer.text
    # The tree itself may be what is lost: then only the commit's own text still names it.
    text = git.run("cat-file", "commit", commit, accept=None).out
    return text[5:45].decode("ascii", "replace") if text.startswith(b"tree ") else ""


def _listing(git: Git, move: Move) -> dict[bytes, Leaf]:
    if move.old == NOBODY:
        return {}
    answer = git.run("ls-tree", "-r", "-z", move.old, accept=None)
    leaves = {}
    for line in answer.out.split(b"\0"):
        about, tab, path = line.partition(_TAB)
        if tab:
            mode, _, oid = about.split()
            leaves[path] = Leaf(path, mode, bytes.fromhex(oid.decode()))
    return leaves
