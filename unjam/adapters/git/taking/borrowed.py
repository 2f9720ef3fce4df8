"""What a salvage needs of the repository's objects and no commit holds that it pins: it is copied.

A blob that is only staged, or that only a state file names, is the repository's to collect.
"""

from collections.abc import Iterator, Mapping

from unjam.adapters.git.command import Git
from unjam.adapters.git.objects import ObjectHeader, Objects, open_objects
from unjam.adapters.git.taking.pack import Content
from unjam.adapters.git.taking.trees import DIRECTORY, REPOSITORY, parse_tree
from unjam.errors import PermanentError

_MISSING = "--missing=allow-any"


def not_in_commit(
    room: Git, tip: str | None, sides: list[bytes], trees: Mapping[bytes, bytes]
) -> set[bytes]:
    """Return the blobs of these trees that the tree of a commit does not hold at the same place."""
    theirs = _tree_of(room, tip)
    different = [one for one in sides if one != theirs]
    if not different:
        return set()
    # A process of its own: an answer that breaks off spoils the ones after it.
    with open_objects(room) as objects:
        try:
            return set(_differing([(one, theirs) for one in different], trees, objects))
        except PermanentError:
            pass
    return set(_differing([(one, None) for one in different], trees, None))


def _tree_of(room: Git, tip: str | None) -> bytes | None:
    if tip is None:
        return None
    found = room.run("cat-file", "commit", tip, accept=None)
    return bytes.fromhex(found.out[5:45].decode()) if found.status == 0 else None


def _differing(
    level: list[tuple[bytes, bytes | None]], trees: Mapping[bytes, bytes], objects: Objects | None
) -> Iterator[bytes]:
    while level:
        asked = list(dict.fromkeys(theirs for _, theirs in level if theirs is not None))
        texts = dict(zip(asked, objects.contents(asked), strict=True)) if objects else {}
        below: list[tuple[bytes, bytes | None]] = []
        for ours, theirs in level:
            there = list(parse_tree(texts[theirs])) if theirs in texts else []
            held = {one.oid for one in there}
            folders = {one.path: one.oid for one in there if one.mode == DIRECTORY}
            for one in parse_tree(trees[ours]):
                if one.oid in held or one.mode == REPOSITORY:
                    continue
                if one.mode == DIRECTORY:
                    below.append((one.oid, folders.get(one.path)))
                else:
                    yield one.oid
        level = below


def below_trees(room: Git, tops: list[bytes], tip: str | None) -> set[bytes]:
    """Return everything that these trees hold, they themselves included, and the commit does not."""
    if not tops:
        return set()
    asked = [one.hex() for one in tops] + ([f"^{tip}"] if tip else [])
    answer = room.run(
        "rev-list",
        "--objects",
        "--no-object-names",
        _MISSING,
        "--stdin",
        stdin="".join(f"{one}\n" for one in asked).encode(),
        accept=None,
    )
    listed = answer.text.split() if answer.status == 0 else []
    return {*tops, *(bytes.fromhex(one) for one in listed)}


def copies(objects: Objects, wanted: Mapping[bytes, ObjectHeader]) -> Iterator[Content]:
    """Give objects of the repository to be written once more."""
    for oid, known in wanted.items():
        yield Content(oid, known.kind, known.size, objects.pieces(oid))
