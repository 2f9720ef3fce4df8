"""Find what is wrong with the files that all checkouts share: HEAD, configuration, refs, packs.

The small ones are looked at each time. Packs are durable when Git writes them, so they are looked
at where something is missing, or on request; then their checksums are computed, bounded in time.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.files import COMMIT, HASH_SIZE, read_line, read_small
from unjam.domain.world.damage import DamagedFile, SharedDamage

_READING = 10.0  # seconds, for checksums; of what is left only the ends are compared
_SETTLED = 60.0  # seconds; Git publishes the index of a pack a moment after the pack
_PIECE = 1 << 20
_LARGE = 1 << 30  # bytes
_LENDERS = 5  # how far Git itself follows one that borrows in its turn
_SHALLOW = re.compile(rb"(?:[0-9a-f]{40}\n)*")


def find_damaged_files(common: Path) -> tuple[DamagedFile, ...]:
    """Look at the small files without which Git sees no repository, no refs or no history."""
    found = (
        ("HEAD", SharedDamage.HEAD, _is_head(common / "HEAD")),
        ("config", SharedDamage.CONFIG, _is_config(common / "config")),
        ("refs", SharedDamage.REFS, (common / "refs").is_dir()),
        ("packed-refs", SharedDamage.PACKED_REFS, _is_list(common / "packed-refs")),
        ("shallow", SharedDamage.SHALLOW, _is_shallow(common / "shallow")),
    )
    return tuple(DamagedFile(common / name, damage) for name, damage, sound in found if not sound)


def kept_config(common: Path) -> Path:
    """Name where a copy of the sound configuration is kept."""
    return common / "unjam/config.kept"


def find_packs(common: Path) -> tuple[DamagedFile, ...]:
    """Look at packs, at their indices, and at what Git computes from them to be faster."""
    objects, until = common / "objects", time.monotonic() + _READING
    packs = sorted((objects / "pack").glob("pack-*.pack"))
    alone = [
        one for one in sorted((objects / "pack").glob("pack-*.idx")) if not _pack(one).exists()
    ]
    found = [one for pack in packs if (one := _of_pack(pack, until)) is not None]
    found += [DamagedFile(one, SharedDamage.PACK) for one in alone]
    found += [DamagedFile(one, SharedDamage.DERIVED) for one in _derived(objects, until)]
    return tuple(found)


def find_lenders(common: Path) -> Iterator[DamagedFile]:
    """Name the object stores that are borrowed from, directly or through another, and are not there.

    It says something only where objects are missing: a place that lends nothing any more is in nobody's way.
    """
    yield from _gone_below(common / "objects", _LENDERS)


def _gone_below(objects: Path, depth: int) -> Iterator[DamagedFile]:
    file = objects / "info/alternates"
    for line in (read_small(file) or b"").split(b"\n"):
        if not line or line.startswith((b"#", b'"')):  # a quoted one is seldom, and not read
            continue
        lender = Path(os.path.normpath(objects / os.fsdecode(line)))
        if not lender.is_dir():
            yield DamagedFile(file, SharedDamage.LENDER, lender)
        elif depth:
            yield from _gone_below(lender, depth - 1)


def _derived(objects: Path, until: float) -> Iterator[Path]:
    for one in (objects / "info/commit-graph", objects / "pack/multi-pack-index"):
        if one.exists() and not _is_whole(one, until):
            yield one
    layers = objects / "info/commit-graphs"
    if not all(_is_whole(one, until) for one in layers.glob("*.graph")):
        yield layers


def sound_lines(content: bytes) -> bytes:
    """Keep the lines of a list of packed refs that are whole; the one that was cut is none."""
    kept: list[bytes] = []
    after_ref = False
    for line in content.split(b"\n")[:-1]:
        is_ref = re.fullmatch(rb"[0-9a-f]{40} refs/[^\s\0]+", line) is not None
        is_peeled = after_ref and re.fullmatch(rb"\^[0-9a-f]{40}", line) is not None
        if is_ref or is_peeled or (not kept and line.startswith(b"# ") and b"\0" not in line):
            kept.append(line + b"\n")
        after_ref = is_ref
    return b"".join(kept)


def _is_head(path: Path) -> bool:
    if path.is_symlink():  # Git once made them so, and still goes by what the link says
        return os.fspath(path.readlink()).startswith("refs/")
    line = read_line(path) or ""
    return (line.startswith("ref: refs/") and "\0" not in line) or bool(COMMIT.fullmatch(line))


def _is_config(path: Path) -> bool:
    """Tell a configuration from one that a power cut emptied: Git always writes something there."""
    if path.is_symlink():
        return True  # somebody's own arrangement
    content = read_small(path, limit=_LARGE) or b""
    return bool(content.strip()) and b"\0" not in content


def _is_list(path: Path) -> bool:
    if not os.path.lexists(path):
        return True
    content = read_small(path, limit=_LARGE)
    if content is None:
        return path.is_symlink() or not path.is_file()
    return content.endswith(b"\n") and b"\0" not in content


def _is_shallow(path: Path) -> bool:
    content = read_small(path, limit=_LARGE) if os.path.lexists(path) else b""
    return content is None or _SHALLOW.fullmatch(content) is not None


def _of_pack(pack: Path, until: float) -> DamagedFile | None:
    index = pack.with_suffix(".idx")
    if not index.exists():
        settled = time.time() - pack.stat().st_mtime > _SETTLED
        return DamagedFile(index, SharedDamage.PACK_INDEX) if settled else None
    if not _starts_with(pack, b"PACK") or not _is_whole(pack, until):
        return DamagedFile(pack, SharedDamage.PACK)
    if not _is_whole(index, until):
        return DamagedFile(index, SharedDamage.PACK_INDEX)
    # The index names the pack it is of by its checksum.
    if _end(index, 2 * HASH_SIZE)[:HASH_SIZE] != _end(pack, HASH_SIZE):
        return DamagedFile(pack, SharedDamage.PACK)
    return None


def _pack(index: Path) -> Path:
    return index.with_suffix(".pack")


def _starts_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _is_whole(path: Path, until: float) -> bool:
    """Compute the checksum at the end of a file; when time is up, believe it."""
    import hashlib  # seldom needed, and what comes before Git is at work is waited for

    digest, left = hashlib.sha1(), path.stat().st_size - HASH_SIZE  # noqa: S324 -- Git's own hash
    if left <= 0:
        return False
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
            if time.monotonic() > until:
                return True
        return digest.digest() == file.read(HASH_SIZE)


def _end(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(-count, os.SEEK_END)
        return file.read(count)
