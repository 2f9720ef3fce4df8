"""What an index stages, as the trees that a salvage keeps of it."""

import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.index import (
    DamagedIndexError,
    ForeignIndexError,
    IndexEntry,
    MissingIndexError,
    read_index,
    staged_flags,
)
from unjam.adapters.git.taking.trees import Leaf
from unjam.errors import PermanentError

SIDES = (b"index", b"stage0", b"stage1", b"stage2", b"stage3")  # the trees that hold an index
_SUBMODULE = 0o160000
_UNSEEN = IndexEntry(0, 0, 0, 0, 0, 0, 0, 0, b"", 0, b"", intended=False, skipped=False)


class IndexState(StrEnum):
    """Whether an index can be believed."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"  # not an index, cut short, or its checksum does not match


@dataclass(slots=True)
class StagedIndex:
    """An index as it is on disk."""

    state: IndexState
    written_ns: int = 0  # its modification time
    entries: list[IndexEntry] = field(default_factory=list)
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
                sides.setdefault(side, []).append(Leaf(entry.path, b"%o" % entry.mode, entry.oid))
        return sides

    def blobs(self) -> set[bytes]:
        """Return every object it needs in this repository."""
        staged = {one.oid for one in self.entries if one.mode != _SUBMODULE and not one.intended}
        return staged.union(self.overwritten)


def read_staged_index(path: Path, room: Git) -> StagedIndex:
    """Read an index; kinds that need more than a parser are read by Git, in the room."""
    try:
        index = read_index(path)
    except MissingIndexError:
        return StagedIndex(IndexState.MISSING)
    except DamagedIndexError:
        return StagedIndex(IndexState.DAMAGED)
    except ForeignIndexError:
        return _read_by_git(path, room)
    return StagedIndex(IndexState.OK, index.written_ns, index.entries, index.overwritten)


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
            index.entries.append(
                _UNSEEN._replace(
                    path=name,
                    mode=int(mode, 8),
                    oid=bytes.fromhex(oid.decode()),
                    flags=staged_flags(int(stage)),
                    skipped=tag == b"S",
                )
            )
    return index
