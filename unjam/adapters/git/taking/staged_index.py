"""Read a Git index without trusting it: Git itself never verifies the checksum."""

import hashlib
import shutil
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.taking.trees import EXECUTABLE, FILE, LINK, REPOSITORY, Leaf
from unjam.errors import PermanentError

_HEADER = struct.Struct(">4sII")
_ENTRY = struct.Struct(">10I20sH")
_TRAILER = 20
SIDES = (b"index", b"stage0", b"stage1", b"stage2", b"stage3")  # the trees that hold an index
_EXTENDED, _LONG_NAME = 0x4000, 0xFFF
_SKIP_WORKTREE, _INTENT_TO_ADD = 0x4000, 0x2000  # in the extended flags


class IndexState(StrEnum):
    """Whether an index can be believed."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"  # not an index, cut short, or its checksum does not match


Stamp = tuple[int, ...]
"""What ``lstat`` said of a file when Git last found it equal to the staged blob.

Change time and modification time in seconds and nanoseconds, device, inode, mode, user, group, size.
"""


class Staged(NamedTuple):
    """One entry of an index."""

    path: bytes
    mode: bytes
    oid: bytes
    stage: int
    skipped: bool = False  # not wanted on disk: sparse checkout
    intended: bool = False  # `add --intent-to-add`: nothing is staged yet
    stamp: Stamp | None = None


@dataclass(slots=True)
class StagedIndex:
    """An index as it is on disk."""

    state: IndexState
    written_ns: int = 0  # its modification time
    entries: list[Staged] = field(default_factory=list)
    overwritten: list[bytes] = field(
        default_factory=list
    )  # conflict stages `resolve-undo` remembers

    def sides(self) -> dict[bytes, list[Leaf]]:
        """Return its content by name of the tree that holds it: ``index``, or one for each stage."""
        conflicted = any(entry.stage for entry in self.entries)
        sides: dict[bytes, list[Leaf]] = {}
        for entry in self.entries:
            if not entry.intended:
                side = b"stage%d" % entry.stage if conflicted else b"index"
                sides.setdefault(side, []).append(Leaf(entry.path, entry.mode, entry.oid))
        return sides

    def blobs(self) -> set[bytes]:
        """Return every object it needs in this repository."""
        staged = {one.oid for one in self.entries if one.mode != REPOSITORY and not one.intended}
        return staged.union(self.overwritten)


def read_staged_index(path: Path, room: Git) -> StagedIndex:
    """Read an index; versions that need more than a parser are read by Git, in the room."""
    try:
        raw = path.read_bytes()
        written_ns = path.stat().st_mtime_ns
    except FileNotFoundError:
        return StagedIndex(IndexState.MISSING)
    except OSError:
        return StagedIndex(IndexState.DAMAGED)
    if not _is_whole(raw):
        return StagedIndex(IndexState.DAMAGED)
    index = StagedIndex(IndexState.OK, written_ns)
    try:
        extensions = _extensions(raw, _read_entries(raw, index))
    except (struct.error, IndexError, ValueError):
        return StagedIndex(IndexState.DAMAGED)
    index.overwritten = _resolve_undo(extensions.get(b"REUC", b""))
    if b"link" in extensions or b"sdir" in extensions:
        return _read_by_git(path, room)
    return index


def _is_whole(raw: bytes) -> bool:
    if len(raw) < _HEADER.size + _TRAILER or raw[:4] != b"DIRC":
        return False
    # All zeros: `index.skipHash`.
    return raw[-_TRAILER:] in {bytes(_TRAILER), hashlib.sha1(raw[:-_TRAILER]).digest()}  # noqa: S324 -- Git's own hash


def _read_entries(raw: bytes, index: StagedIndex) -> int:
    _, version, count = _HEADER.unpack_from(raw)
    if version not in {2, 3, 4}:
        raise ValueError(version)
    at, name, add = _HEADER.size, b"", index.entries.append
    modes = {0o100644: FILE, 0o100755: EXECUTABLE, 0o120000: LINK}
    for _ in range(count):
        fields = _ENTRY.unpack_from(raw, at)
        flags, start, more = fields[11], at + _ENTRY.size, 0
        if flags & _EXTENDED:
            more = int.from_bytes(raw[start : start + 2], "big")
            start += 2
        if version == 4:  # noqa: PLR2004 -- names share prefixes from this version on
            strip, start = _offset(raw, start)
            end = raw.index(b"\0", start)
            name, at = name[: len(name) - strip] + raw[start:end], end + 1
        else:
            length = flags & _LONG_NAME
            end = raw.index(b"\0", start) if length == _LONG_NAME else start + length
            name = raw[start:end]
            at += (end - at + 8) & ~7
        skipped, intended = bool(more & _SKIP_WORKTREE), bool(more & _INTENT_TO_ADD)
        mode = modes.get(fields[6]) or b"%o" % fields[6]
        stage = (flags >> 12) & 3
        add(Staged(name, mode, fields[10], stage, skipped, intended, fields))
    return at


def _offset(raw: bytes, at: int) -> tuple[int, int]:
    """Read one number of variable length, as in pack offsets."""
    value = raw[at] & 0x7F
    while raw[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (raw[at] & 0x7F)
    return value, at + 1


def _extensions(raw: bytes, at: int) -> dict[bytes, bytes]:
    found = {}
    while at + 8 <= len(raw) - _TRAILER:
        name, size = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "big")
        found[name] = raw[at + 8 : at + 8 + size]
        at += 8 + size
    return found


def _resolve_undo(raw: bytes) -> list[bytes]:
    """Return the blobs of conflicts that were resolved; only this extension still names them."""
    blobs, at = [], 0
    while at < len(raw):
        at = raw.index(b"\0", at) + 1
        modes = []
        for _ in range(3):
            end = raw.index(b"\0", at)
            modes.append(raw[at:end])
            at = end + 1
        for mode in modes:
            if mode != b"0":
                blobs.append(raw[at : at + 20])
                at += 20
    return blobs


def _read_by_git(path: Path, room: Git) -> StagedIndex:
    """Split and sparse indices refer to other files and objects; no stamp of theirs is used."""
    copy = room.git_dir / "borrowed-index"
    shutil.copyfile(path, copy)
    for shared in path.parent.glob("sharedindex.*"):
        shutil.copyfile(shared, room.git_dir / shared.name)
    try:
        answer = room.on(index=copy).run("ls-files", "--stage", "-t", "-z")
    except PermanentError:
        return StagedIndex(IndexState.DAMAGED)
    index = StagedIndex(IndexState.OK)
    for line in answer.out.split(b"\0"):
        about, tab, name = line.partition(b"\t")
        if tab:
            tag, mode, oid, stage = about.split()
            entry = Staged(name, mode, bytes.fromhex(oid.decode()), int(stage), tag == b"S")
            index.entries.append(entry)
    return index
