"""Write many objects as one pack: durable, atomic, and one file whatever their number.

Git's own ways to store untracked files take five to twenty times as long for large files, and
leave small ones loose and not fsynced, which is where empty objects come from after power loss.
The format is Git's pack version 2 with index version 2; nothing in it is a delta.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import IO, NamedTuple

_KINDS = {b"commit": 1, b"tree": 2, b"blob": 3}
_COMPRESSED_BELOW = (
    64 << 10
)  # bytes; larger contents are stored as they are, which is ten times as fast
_LARGE_OFFSET = 1 << 31
OPEN, PRIVATE = 0o444, 0o400  # permissions: as Git has it, and for the owner alone


class StaleContentError(Exception):
    """The bytes to be written are no longer those that were hashed."""


class Content(NamedTuple):
    """One object to write; its pieces are read while it is written."""

    oid: bytes
    kind: bytes
    size: int
    pieces: Iterable[bytes]


class _Written(NamedTuple):
    oid: bytes
    checksum: int
    offset: int


def write_pack(folder: Path, contents: Iterable[Content], count: int, *, mode: int = OPEN) -> str:
    """Write the objects into a pack directory; they are durable when this returns. Returns its name.

    Raises StaleContentError, having written nothing, where a content is not what its id says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="tmp_pack_", delete=False) as pack:
        try:
            trailer, written = _write_objects(pack, contents, count)
            _make_durable(pack, mode)
            return _publish(folder, Path(pack.name), _index(trailer, written), trailer, mode)
        except BaseException:
            Path(pack.name).unlink(missing_ok=True)
            raise


def _publish(folder: Path, pack: Path, listing: bytes, trailer: bytes, mode: int) -> str:
    name = folder / f"pack-{trailer.hex()}"
    with tempfile.NamedTemporaryFile(dir=folder, prefix="tmp_idx_", delete=False) as index:
        index.write(listing)
        _make_durable(index, mode)
    # Git looks for indices: the pack has to be in place before its own.
    pack.replace(name.with_suffix(".pack"))
    Path(index.name).replace(name.with_suffix(".idx"))
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return name.name


def _make_durable(file: IO[bytes], mode: int) -> None:
    file.flush()
    os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())


def _write_objects(
    pack: IO[bytes], contents: Iterable[Content], count: int
) -> tuple[bytes, list[_Written]]:
    header = struct.pack(">4sII", b"PACK", 2, count)
    digest = hashlib.sha1(header)  # noqa: S324 -- Git's own hash
    offset = pack.write(header)
    written = []
    for content in contents:
        checksum = size = 0
        for piece in _packed(content):
            digest.update(piece)
            checksum = zlib.crc32(piece, checksum)
            size += pack.write(piece)
        written.append(_Written(content.oid, checksum, offset))
        offset += size
    assert len(written) == count  # noqa: S101 -- the caller counted what it gave
    pack.write(digest.digest())
    return digest.digest(), written


def _packed(content: Content) -> Iterator[bytes]:
    yield _object_header(_KINDS[content.kind], content.size)
    squeeze = zlib.compressobj(1 if content.size < _COMPRESSED_BELOW else 0)
    digest = hashlib.sha1(b"%b %d\0" % (content.kind, content.size))  # noqa: S324 -- Git's own hash
    seen = 0
    for piece in content.pieces:
        digest.update(piece)
        seen += len(piece)
        yield squeeze.compress(piece)
    if seen != content.size or digest.digest() != content.oid:
        raise StaleContentError
    yield squeeze.flush()


def _object_header(kind: int, size: int) -> bytes:
    """Kind and size as Git writes them: four bits of size first, then seven at a time."""
    header = bytearray()
    byte, size = (kind << 4) | (size & 15), size >> 4
    while size:
        header.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    header.append(byte)
    return bytes(header)


def _index(trailer: bytes, written: list[_Written]) -> bytes:
    ordered = sorted(written)
    fanout = [0] * 256
    for one in ordered:
        fanout[one.oid[0]] += 1
    large = [one.offset for one in ordered if one.offset >= _LARGE_OFFSET]
    places = iter(range(len(large)))
    offsets = [
        _LARGE_OFFSET | next(places) if one.offset >= _LARGE_OFFSET else one.offset
        for one in ordered
    ]
    body = b"".join(
        [
            b"\xfftOc\0\0\0\2",
            struct.pack(">256I", *accumulate(fanout)),
            *[one.oid for one in ordered],
            struct.pack(f">{len(ordered)}I", *[one.checksum for one in ordered]),
            struct.pack(f">{len(offsets)}I", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            trailer,
        ]
    )
    return body + hashlib.sha1(body).digest()  # noqa: S324 -- Git's own hash
