"""Compare many indices with the trees of their HEADs: what is staged, in one process for all.

An index remembers the trees of directories in which nothing was staged. Only the others are
looked at, and each of them only once however many worktrees have it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unjam.adapters.git.batches import read_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.index import Index
from unjam.adapters.git.status.quick_status import AskGitError
from unjam.adapters.git.status.untracked import UnreadableError

_TREE = 0o040000
_Names = dict[bytes, tuple[int, bytes]]  # name to mode and id


@dataclass(frozen=True, slots=True)
class HeadQuestion:
    """An index and the commit it is compared with."""

    index: Index
    head: str
    tree: bytes  # of that commit


def read_head_trees(git: Git, questions: Sequence[HeadQuestion]) -> dict[bytes, bytes | None]:
    """Read every directory in which something may be staged, for all questions at once."""
    names = {_name(one, directory) for one in questions for directory in _doubtful(one)}
    # A directory with a line end in its name cannot be asked for in this way.
    return read_objects(git, sorted(name for name in names if b"\n" not in name))


def staged_paths(question: HeadQuestion, trees: Mapping[bytes, bytes | None]) -> Iterator[bytes]:
    """List the paths that differ between the index and HEAD.

    Raises AskGitError where whole directories differ, UnreadableError where a tree is damaged.
    """
    doubtful = _doubtful(question)
    if not doubtful:
        return
    staged = _by_directory(question.index, doubtful)
    committed: dict[bytes, _Names] = {}
    for directory in doubtful:  # those above come first
        committed[directory] = _committed(question, directory, trees, committed)
        above = directory + b"/" if directory else b""
        subtrees = {name for name, (mode, _) in committed[directory].items() if mode == _TREE}
        for name in subtrees:
            _require_same(question, above + name, committed[directory][name][1], doubtful)
        _require_no_other(question, doubtful, directory, {above + name for name in subtrees})
        here, there = staged.get(directory, {}), committed[directory]
        for name in (here.keys() | there.keys()) - subtrees:
            if here.get(name) != there.get(name) and above + name not in question.index.conflicted:
                yield above + name


def _name(question: HeadQuestion, directory: bytes) -> bytes:
    return f"{question.head}:".encode() + directory


def _doubtful(question: HeadQuestion) -> dict[bytes, None]:
    """Directories of the index whose tree is not known to be that of HEAD, in order."""
    known = question.index.trees
    if known.get(b"") == question.tree:
        return {}
    found = {b""}
    for entry in question.index.entries:
        above = entry.path.rpartition(b"/")[0]
        while above not in found and above not in known:
            found.add(above)
            above = above.rpartition(b"/")[0]
    return dict.fromkeys(sorted(found))


def _by_directory(index: Index, doubtful: Mapping[bytes, None]) -> dict[bytes, _Names]:
    listed: dict[bytes, _Names] = {}
    for entry in index.entries:
        directory, _, name = entry.path.rpartition(b"/")
        if directory in doubtful and not entry.intended:
            listed.setdefault(directory, {})[name] = (entry.mode, entry.oid)
    return listed


def _committed(
    question: HeadQuestion,
    directory: bytes,
    trees: Mapping[bytes, bytes | None],
    above: Mapping[bytes, _Names],
) -> _Names:
    parent, _, name = directory.rpartition(b"/")
    if directory and above.get(parent, {}).get(name, (0,))[0] != _TREE:
        return {}
    asked = _name(question, directory)
    if asked not in trees:
        raise AskGitError("a directory's name has a line end")
    content = trees[asked]
    if content is None:
        raise UnreadableError(f"the tree of {os.fsdecode(directory) or 'HEAD'} cannot be read")
    return dict(_parse_tree(content))


def _require_same(
    question: HeadQuestion, directory: bytes, tree: bytes, doubtful: Mapping[bytes, None]
) -> None:
    if directory not in doubtful and question.index.trees.get(directory) != tree:
        raise AskGitError(f"all of {os.fsdecode(directory)} is staged otherwise")


def _require_no_other(
    question: HeadQuestion, doubtful: Mapping[bytes, None], directory: bytes, subtrees: set[bytes]
) -> None:
    for known in question.index.trees:
        if known and known.rpartition(b"/")[0] == directory and known not in subtrees | {*doubtful}:
            raise AskGitError(f"all of {os.fsdecode(known)} is staged")


def _parse_tree(content: bytes) -> Iterator[tuple[bytes, tuple[int, bytes]]]:
    at = 0
    while at < len(content):
        mode_end = content.index(b" ", at)
        name_end = content.index(b"\0", mode_end)
        at, start = name_end + 21, at
        mode = int(content[start:mode_end], 8)
        yield content[mode_end + 1 : name_end], (mode, content[name_end + 1 : at])
