"""Parse an index (versions 2 and 3), after verifying its checksum, which Git itself does not.

With a flipped bit Git answers nonsense with status 0. What is beyond this parser (version 4,
split and sparse indices, conflict stages, very long names) is said to be, and left to Git.
"""

import hashlib
import os
from functools import partial
from pathlib import Path
from struct import Struct
from typing import NamedTuple

_HEADER = 12
_CHECKSUM = 20
_FIXED = 62
_VERSIONS = (2, 3)
_UNCHECKED = bytes(_CHECKSUM)  # written with index.skipHash
_BEYOND_US = frozenset((b"link", b"sdir"))  # split and sparse indices
_LONG_NAME = 0xFFF
_STAGE = 0x3000
_EXTENDED = 0x4000
_INTENT_TO_ADD = 0x2000
_fields = Struct(">IIII4xII8xI20sH").unpack_from


class IndexEntry(NamedTuple):
    """One path of the index, with the stat data Git saw last."""

    ctime: int
    ctime_ns: int
    mtime: int
    mtime_ns: int
    inode: int
    mode: int
    size: int
    blob: bytes
    flags: int
    path: bytes
    intended: bool  # `git add -N`: a path without content
    skipped: bool  # outside a sparse checkout


class Index(NamedTuple):
    """What is staged, and which whole directories have a tree already."""

    written_ns: int
    entries: list[IndexEntry]
    trees: dict[
        bytes, bytes
    ]  # directory to tree, where nothing below changed since it was computed


class DamagedIndexError(Exception):
    """The index is not there or not what was written."""


class ForeignIndexError(Exception):
    """The index is sound, and of a kind that only Git reads."""


def read_index(path: Path) -> Index:
    """Read an index file; raises DamagedIndexError or ForeignIndexError."""
    try:
        with path.open("rb") as file:
            content = file.read()
            written = os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError as error:
        raise DamagedIndexError("its index is missing") from error
    except OSError as error:
        raise DamagedIndexError(f"its index cannot be read: {error.strerror}") from error
    version = _verified_version(content)
    if version not in _VERSIONS:
        raise ForeignIndexError(f"index version {version}")
    entries, end = _read_entries(content)
    return Index(written, entries, _read_trees(content, end))


def _verified_version(content: bytes) -> int:
    if len(content) < _HEADER + _CHECKSUM or content[:4] != b"DIRC":
        raise DamagedIndexError("its index is damaged: not an index")
    told = content[-_CHECKSUM:]
    if told not in (_UNCHECKED, hashlib.sha1(content[:-_CHECKSUM]).digest()):  # noqa: S324 -- Git's format
        raise DamagedIndexError("its index is damaged: wrong checksum")
    return int.from_bytes(content[4:8], "big")


def _read_entries(content: bytes) -> tuple[list[IndexEntry], int]:
    entries = []
    make = partial(tuple.__new__, IndexEntry)  # what `_make` does, in half the time
    at = _HEADER
    for _ in range(int.from_bytes(content[8:12], "big")):
        fields = _fields(content, at)
        flags = fields[8]
        length = flags & _LONG_NAME
        if flags & _STAGE or length == _LONG_NAME:
            raise ForeignIndexError("conflict stages or long names")
        start, intended, skipped = at + _FIXED, False, False
        if flags & _EXTENDED:
            more = int.from_bytes(content[start : start + 2], "big")
            intended, skipped = bool(more & _INTENT_TO_ADD), bool(more & _EXTENDED)
            start += 2
        end = start + length
        entries.append(make((*fields, content[start:end], intended, skipped)))
        at += (end - at + 8) & ~7
    return entries, at


def _read_trees(content: bytes, at: int) -> dict[bytes, bytes]:
    trees: dict[bytes, bytes] = {}
    while at < len(content) - _CHECKSUM:
        kind, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        if kind in _BEYOND_US:
            raise ForeignIndexError("split or sparse index")
        if kind == b"TREE":
            _read_tree(content[at + 8 : at + 8 + length], 0, b"", trees)
        at += 8 + length
    return trees


def _read_tree(data: bytes, at: int, above: bytes, trees: dict[bytes, bytes]) -> int:
    """Read one node and those below it; a directory without a valid tree is left out."""
    name_end = data.index(b"\0", at)
    line_end = data.index(b"\n", name_end)
    count, subtrees = data[name_end + 1 : line_end].split(b" ")
    directory = above + data[at:name_end]
    at = line_end + 1
    if not count.startswith(b"-"):
        trees[directory] = data[at : at + 20]
        at += 20
    for _ in range(int(subtrees)):
        at = _read_tree(data, at, directory + b"/" if directory else b"", trees)
    return at
