"""Read an index of any version without Git, which never verifies its checksum.

With a flipped bit Git answers nonsense with status 0. What needs other files or objects (split
and sparse indices) is said to be, and left to Git.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from unjam.adapters.git.files import HASH_SIZE

_HEADER = 12
_VERSIONS = (2, 3, 4)
_SHARED_PREFIXES = 4  # from this version on, a name leaves out what it shares with the one before
_UNCHECKED = bytes(HASH_SIZE)  # written with index.skipHash
_NEED_MORE = frozenset((b"link", b"sdir"))  # split and sparse indices
_LONG_NAME = 0xFFF
_STAGE, _STAGE_BITS = 0x3000, 12
_EXTENDED = _SKIPPED = 0x4000
_INTENDED = 0x2000
_FIELDS = struct.Struct(f">4I4xIIQI{HASH_SIZE}sH")  # without the device, as Git compares it


class IndexEntry(NamedTuple):
    """One path of the index, with what ``lstat`` said when Git last found it equal to its blob."""

    ctime: int
    ctime_ns: int
    mtime: int
    mtime_ns: int
    inode: int
    mode: int
    owners: int  # the user's number, and below it 32 bits of the group's
    size: int
    oid: bytes
    flags: int
    path: bytes
    intended: bool  # `git add -N`: a path without content
    skipped: bool  # outside a sparse checkout

    @property
    def stage(self) -> int:
        """Which side of a conflict it is; 0 where there is none."""
        return (self.flags & _STAGE) >> _STAGE_BITS


class Index(NamedTuple):
    """What is staged, and what else an index remembers."""

    written_ns: int
    entries: list[IndexEntry]
    conflicted: set[bytes]  # the paths that have stages
    trees: dict[bytes, bytes]  # directory to tree, where nothing below changed since
    overwritten: list[bytes]  # blobs of conflicts that were resolved, named nowhere else


class DamagedIndexError(Exception):
    """The index is not what was written."""


class MissingIndexError(DamagedIndexError):
    """There is no index."""


class ForeignIndexError(Exception):
    """The index is sound, and of a kind that only Git reads."""


def read_index(path: Path) -> Index:
    """Read an index file; raises DamagedIndexError or ForeignIndexError."""
    try:
        with path.open("rb") as file:
            content = file.read()
            written = os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError as error:
        raise MissingIndexError("its index is missing") from error
    except OSError as error:
        raise DamagedIndexError(f"its index cannot be read: {error.strerror}") from error
    version = _verified_version(content)
    if version not in _VERSIONS:
        raise ForeignIndexError(f"index version {version}")
    try:
        return _read(content, version, written)
    except (struct.error, IndexError, ValueError) as error:  # it was written without a checksum
        raise DamagedIndexError("its index is damaged: not as long as it says") from error


def staged_flags(stage: int) -> int:
    """Return the flags of an entry that is this side of a conflict."""
    return stage << _STAGE_BITS


def _verified_version(content: bytes) -> int:
    if len(content) < _HEADER + HASH_SIZE or content[:4] != b"DIRC":
        raise DamagedIndexError("its index is damaged: not an index")
    told = content[-HASH_SIZE:]
    if told not in (_UNCHECKED, hashlib.sha1(content[:-HASH_SIZE]).digest()):  # noqa: S324 -- Git's format
        raise DamagedIndexError("its index is damaged: wrong checksum")
    return int.from_bytes(content[4:8], "big")


def _read(content: bytes, version: int, written: int) -> Index:
    index = Index(written, [], set(), {}, [])
    end = _read_entries(content, version, index)
    for kind, data in _extensions(content, end):
        if kind in _NEED_MORE:
            raise ForeignIndexError("split or sparse index")
        if kind == b"TREE":
            _read_tree(data, 0, b"", index.trees)
        elif kind == b"REUC":
            index.overwritten.extend(_resolve_undo(data))
    return index


def _read_entries(content: bytes, version: int, index: Index) -> int:
    make: Callable[[tuple[Any, ...]], IndexEntry]
    make = partial(tuple.__new__, IndexEntry)  # what `_make` does, in half the time
    fields_at, add, fixed = _FIELDS.unpack_from, index.entries.append, _FIELDS.size
    compressed = version >= _SHARED_PREFIXES
    at, path = _HEADER, b""
    for _ in range(int.from_bytes(content[8:12], "big")):
        fields = fields_at(content, at)
        flags = fields[9]
        start, intended, skipped = at + fixed, False, False
        if flags & _EXTENDED:
            more = int.from_bytes(content[start : start + 2], "big")
            intended, skipped, start = bool(more & _INTENDED), bool(more & _SKIPPED), start + 2
        if compressed:
            kept, start = _shared_length(content, start, len(path))
            end = content.index(b"\0", start)
            path, at = path[:kept] + content[start:end], end + 1
        else:
            length = flags & _LONG_NAME
            end = start + length if length < _LONG_NAME else content.index(b"\0", start)
            path = content[start:end]
            at += (end - at + 8) & ~7
        if flags & _STAGE:
            index.conflicted.add(path)
        add(make(fields + (path, intended, skipped)))  # noqa: RUF005 -- no list on the way: faster
    return at


def _shared_length(content: bytes, at: int, before: int) -> tuple[int, int]:
    """Tell how much of the name before goes on; the number is written as in pack offsets."""
    byte = content[at]
    dropped = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = content[at]
        dropped = ((dropped + 1) << 7) | (byte & 0x7F)
    if dropped > before:
        raise ValueError("it drops more than there is")
    return before - dropped, at + 1


def _extensions(content: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= len(content) - HASH_SIZE:
        size = int.from_bytes(content[at + 4 : at + 8], "big")
        yield content[at : at + 4], content[at + 8 : at + 8 + size]
        at += 8 + size


def _read_tree(data: bytes, at: int, above: bytes, trees: dict[bytes, bytes]) -> int:
    """Read one node and those below it; a directory without a valid tree is left out."""
    name_end = data.index(b"\0", at)
    line_end = data.index(b"\n", name_end)
    count, subtrees = data[name_end + 1 : line_end].split(b" ")
    directory = above + data[at:name_end]
    at = line_end + 1
    if not count.startswith(b"-"):
        trees[directory] = data[at : at + HASH_SIZE]
        at += HASH_SIZE
    for _ in range(int(subtrees)):
        at = _read_tree(data, at, directory + b"/" if directory else b"", trees)
    return at


def _resolve_undo(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        at = data.index(b"\0", at) + 1
        modes = []
        for _ in range(3):
            end = data.index(b"\0", at)
            modes.append(data[at:end])
            at = end + 1
        for mode in modes:
            if mode != b"0":
                yield data[at : at + HASH_SIZE]
                at += HASH_SIZE
