"""Make the index of a pack anew, and take out of a damaged pack what can still be read."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.room import clean_room
from unjam.adapters.git.salvaging.pack import Content, write_pack
from unjam.errors import RefusedError

_LARGEST = 1 << 30  # bytes of a damaged pack that are read at once
_DEADLINE = 600.0  # seconds
_HEAD = re.compile(rb"([0-9a-f]{40}) (\w+) (\d+)\n")


def make_index(common: Path, pack: Path, made: Path) -> None:
    """Compute an index; raises PermanentError where the pack is not whole."""
    made.parent.mkdir(parents=True, exist_ok=True)
    made.unlink(missing_ok=True)  # half of one, of a run that was killed
    with clean_room(common) as room:
        room.run("index-pack", "--no-rev-index", "-o", str(made), str(pack), deadline=_DEADLINE)


def rescue(common: Path, pack: Path) -> int:
    """Write what can be read of a damaged pack into a new one, durably; returns how many objects."""
    if pack.stat().st_size > _LARGEST:
        raise RefusedError(
            f"{pack} is too large to be read at once; move it out of there, then: "
            f"git -C {common} unpack-objects -r < the moved file"
        )
    with tempfile.TemporaryDirectory(prefix="unjam-pack-") as scratch, clean_room(common) as room:
        apart = replace(room, objects=Path(scratch))
        # It stops where the pack does; what it wrote until then is there.
        apart.run(
            "unpack-objects",
            "-r",
            "-q",
            stdin=pack.read_bytes(),
            accept=None,
            deadline=_DEADLINE,
        )
        listing = ("cat-file", "--batch-all-objects", "--batch")
        found = list(_read(apart.run(*listing, accept=None, deadline=_DEADLINE).out))
        if found:
            write_pack(common / "objects/pack", found, len(found))
        return len(found)


def _read(out: bytes) -> Iterator[Content]:
    at = 0
    while (head := _HEAD.match(out, at)) is not None:
        start, size = head.end(), int(head[3])
        oid, kind = bytes.fromhex(head[1].decode()), head[2]
        yield Content(oid, kind, size, iter([out[start : start + size]]))
        at = start + size + 1
