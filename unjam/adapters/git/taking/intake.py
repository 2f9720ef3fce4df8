"""Read files once, without following or trusting anything, and remember how to write them."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unjam.adapters.git.taking.pack import Content
from unjam.adapters.git.taking.trees import object_id

_HELD_EACH = 256 << 10  # bytes
_HELD_IN_ALL = 256 << 20
_PIECE = 1 << 20
# NONBLOCK: somebody may put a fifo where the file was.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Held:
    kind: bytes
    size: int
    content: bytes  # the bytes themselves
    path: bytes = b""  # or where they are


@dataclass(slots=True)
class Intake:
    """What was read and is not known to be in the object store.

    With a ``spool`` directory, large contents are copied there first: for files that do not keep
    still between being hashed and being written.
    """

    spool: Path | None = None
    changed: list[bytes] = field(default_factory=list)  # files that changed while they were read
    _held: dict[bytes, _Held] = field(default_factory=dict)
    _room: int = _HELD_IN_ALL

    def keep(self, kind: bytes, content: bytes) -> bytes:
        """Take an object as it is; returns its id."""
        oid = object_id(kind, content)
        self._hold(oid, kind, content)
        return oid

    def read(self, path: bytes, seen: os.stat_result, present: Collection[bytes]) -> bytes:
        """Read a file that ``lstat`` saw as ``seen``; returns the id of its blob.

        Nothing is held of what is ``present`` in the object store. Raises OSError.
        """
        descriptor = os.open(path, _OPEN)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise OSError(f"{os.fsdecode(path)} is no longer a file")
            if before.st_size <= _HELD_EACH and before.st_size <= self._room:
                oid = self._read_small(descriptor, before.st_size, present)
            else:
                oid = self._read_large(descriptor, path, before.st_size, present)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if _moves(seen) != _moves(after) or _moves(before) != _moves(after):
            self.changed.append(path)
        return oid

    def _read_small(self, descriptor: int, size: int, present: Collection[bytes]) -> bytes:
        content = os.read(descriptor, size + 1)
        while piece := os.read(descriptor, _PIECE) if content else b"":
            content += piece
        oid = object_id(b"blob", content)
        if oid not in present:
            self._hold(oid, b"blob", content)
        return oid

    def _read_large(
        self, descriptor: int, path: bytes, size: int, present: Collection[bytes]
    ) -> bytes:
        if self.spool is not None:
            path, size = _copied(descriptor, self.spool)
            descriptor = os.open(path, _OPEN)
        try:
            digest, read = hashlib.sha1(b"blob %d\0" % size), 0  # noqa: S324 -- Git's own hash
            # A file that grows is saved as long as it was; read_back tells that it grew.
            while read < size and (piece := os.read(descriptor, min(_PIECE, size - read))):
                digest.update(piece)
                read += len(piece)
        finally:
            if self.spool is not None:
                os.close(descriptor)
        if read != size:
            raise OSError(f"{os.fsdecode(path)} became shorter while it was read")
        oid = digest.digest()
        if oid not in present:
            self._held.setdefault(oid, _Held(b"blob", size, b"", path))
        return oid

    def _hold(self, oid: bytes, kind: bytes, content: bytes) -> None:
        if oid not in self._held:
            self._held[oid] = _Held(kind, len(content), content)
            self._room -= len(content)

    def holds(self, oid: bytes) -> bool:
        """Tell whether this object can be written."""
        return oid in self._held

    def large(self) -> list[bytes]:
        """Return the objects worth a question before they are written once more."""
        return [oid for oid, held in self._held.items() if held.size > _HELD_EACH]

    def everything(self) -> list[bytes]:
        """Return all objects that were taken in."""
        return list(self._held)

    def contents(self, wanted: Collection[bytes]) -> Iterator[Content]:
        """Give objects to write, in the order they were taken in."""
        for oid, held in self._held.items():
            if oid in wanted:
                pieces = _pieces(held.path, held.size) if held.path else iter([held.content])
                yield Content(oid, held.kind, held.size, pieces)


def _moves(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when somebody writes to a file."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _copied(descriptor: int, spool: Path) -> tuple[bytes, int]:
    with (
        tempfile.NamedTemporaryFile(dir=spool, prefix="tmp_obj_", delete=False) as copy,
        os.fdopen(os.dup(descriptor), "rb") as original,
    ):
        shutil.copyfileobj(original, copy, _PIECE)
        return os.fsencode(copy.name), copy.tell()


def _pieces(path: bytes, size: int) -> Iterator[bytes]:
    """Give the first ``size`` bytes of a file; fewer where it is gone or shorter."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        return
    try:
        while size and (piece := os.read(descriptor, min(_PIECE, size))):
            size -= len(piece)
            yield piece
    finally:
        os.close(descriptor)
