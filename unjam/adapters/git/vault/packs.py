"""What is in the packs of one store, and packs without what is to go."""

import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import HASH_SIZE
from unjam.errors import PermanentError

_HEADER, _FANOUT = 8, 1024
_DURABLE = ("core.fsync=all",)
_BESIDE = (".idx", ".rev", ".bitmap", ".mtimes", ".pack")  # the index first: nobody looks in then


class Pack(NamedTuple):
    """One pack: its path without an ending, and the ids in it."""

    path: Path
    oids: frozenset[bytes]

    def ending(self, suffix: str) -> Path:
        """Name one of its files."""
        return self.path.with_name(self.path.name + suffix)


def packs_with(folder: Path, oids: Collection[bytes]) -> Iterator[Pack]:
    """Give the packs that hold any of these objects; raises PermanentError for one that cannot be read."""
    for index in sorted(folder.glob("*.idx")):
        found = Pack(index.with_suffix(""), _listed(index))
        if not found.oids.isdisjoint(oids):
            yield found


def all_packs(folder: Path) -> list[Pack]:
    """Read the index of every pack."""
    return [Pack(one.with_suffix(""), _listed(one)) for one in sorted(folder.glob("*.idx"))]


def _listed(index: Path) -> frozenset[bytes]:
    raw = index.read_bytes()
    if raw[:_HEADER] != b"\xfftOc\0\0\0\2":
        raise PermanentError(f"{index} is of a kind that is not known")
    (count,) = struct.unpack_from(">I", raw, _HEADER + _FANOUT - 4)
    start = _HEADER + _FANOUT
    if len(raw) < start + HASH_SIZE * count:
        raise PermanentError(f"{index} is damaged")
    return frozenset(
        raw[at : at + HASH_SIZE] for at in range(start, start + HASH_SIZE * count, HASH_SIZE)
    )


def unlink_pack(pack: Pack) -> None:
    """Remove a pack for good; whoever has it open reads on until he closes it."""
    for suffix in _BESIDE:
        pack.ending(suffix).unlink(missing_ok=True)
    handle = os.open(pack.path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def packed_again(git_dir: Path, folder: Path, oids: Collection[bytes]) -> None:
    """Let Git write a pack of exactly these objects, as compact as they are; it is proven to hold them."""
    git = Git(git_dir, settings=_DURABLE)
    asked = "".join(f"{one.hex()}\n" for one in sorted(oids)).encode()
    name = git.run("pack-objects", "--quiet", str(folder / "pack"), stdin=asked).text.split()[-1]
    made = _listed(folder / f"pack-{name}.idx")
    if made != frozenset(oids):
        raise PermanentError(f"{folder}/pack-{name} does not hold what it should")
    git.run("verify-pack", str(folder / f"pack-{name}.idx"))
