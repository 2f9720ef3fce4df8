"""Git trees from flat listings and back, computed here: no index, no checkout, no process."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

FILE, EXECUTABLE, LINK, DIRECTORY, REPOSITORY = (
    b"100644",
    b"100755",
    b"120000",
    b"40000",
    b"160000",
)


class Leaf(NamedTuple):
    """One path in a tree; the object id is binary."""

    path: bytes
    mode: bytes
    oid: bytes


def object_id(kind: bytes, content: bytes) -> bytes:
    """Return the binary id Git gives to this content."""
    return hashlib.sha1(b"%b %d\0" % (kind, len(content)) + content).digest()  # noqa: S324 -- Git's own hash


def build_trees(leaves: Iterable[Leaf]) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the id of the root and every tree's content by id; the same leaves give the same."""
    directories: defaultdict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for path, mode, oid in leaves:
        parent, _, name = path.rpartition(b"/")
        directories[parent].append((name, b"%b %b\0%b" % (mode, name, oid)))
    for path in list(directories):
        _add_ancestors(path, directories)
    trees: dict[bytes, bytes] = {}
    root = b""
    for path in sorted(directories, key=_depth, reverse=True):
        content = b"".join([line for _, line in sorted(directories[path])])
        root = object_id(b"tree", content)
        trees[root] = content
        if path:
            parent, _, name = path.rpartition(b"/")
            # Git sorts a directory as if its name ended in a slash.
            directories[parent].append((name + b"/", b"%b %b\0%b" % (DIRECTORY, name, root)))
    if not directories:
        root = object_id(b"tree", b"")
        trees[root] = b""
    return root, trees


def _add_ancestors(path: bytes, directories: defaultdict[bytes, list[tuple[bytes, bytes]]]) -> None:
    while path:
        path = path.rpartition(b"/")[0]
        if path in directories:
            return
        directories[path] = []


def _depth(path: bytes) -> int:
    return path.count(b"/") + 1 if path else 0


def parse_tree(content: bytes) -> Iterator[Leaf]:
    """Give the direct entries of one tree."""
    at = 0
    while at < len(content):
        space = content.index(b" ", at)
        end = content.index(b"\0", space)
        yield Leaf(content[space + 1 : end], content[at:space], content[end + 1 : end + 21])
        at = end + 21


def read_tree(root: bytes, read: Callable[[list[bytes]], Iterable[bytes]]) -> Iterator[Leaf]:
    """Give every leaf below a tree, level by level; ``read`` fetches the contents of trees."""
    level = [(b"", root)]
    while level:
        below = []
        for (prefix, _), content in zip(level, read([oid for _, oid in level]), strict=True):
            for leaf in parse_tree(content):
                if leaf.mode == DIRECTORY:
                    below.append((prefix + leaf.path + b"/", leaf.oid))
                else:
                    yield Leaf(prefix + leaf.path, leaf.mode, leaf.oid)
        level = below
