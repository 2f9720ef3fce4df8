"""Find what a power cut took from the object store: empty or spoilt files, and what is missing.

Bounded in time and bytes. Objects in packs are durable when they are written, so only their being
there is asked; loose ones are not, so each is read and its id computed.
"""

import hashlib
import os
import re
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import NOBODY
from unjam.adapters.git.index import DamagedIndexError, ForeignIndexError, read_index
from unjam.adapters.git.repository import Repository
from unjam.domain.world.damage import LostObject
from unjam.errors import UnjamError

DEADLINE = 60.0  # seconds, for the walk through everything that is reachable
_READING = 10.0  # seconds, for the contents of loose objects; the rest is only measured
_PIECE = 1 << 20
_LOOSE = re.compile(r"[0-9a-f]{38}")
_MISSING = re.compile(r"^missing (\w+) ([0-9a-f]{40})(?: \((.*)\))?$", re.MULTILINE)
_DANGLING_REF = re.compile(r"^error: (\S+): invalid sha1 pointer ([0-9a-f]{40})$", re.MULTILINE)
_GITLINK = 0o160000  # what it names is in another repository


class LostObjects(NamedTuple):
    """What is missing or spoilt, and whether everything could be looked at in time."""

    objects: tuple[LostObject, ...]
    complete: bool


def find_lost_objects(repository: Repository, admins: Iterable[Path]) -> LostObjects:
    """Look for objects that refs, HEADs and the indices of these admin directories need."""
    spoilt = dict(_spoilt(repository.common / "objects"))
    missing, complete = _missing(repository.common, spoilt)
    for oid, name in _staged(admins).items():
        missing.setdefault(oid, ("blob", name))
    missing = _really(repository.common, missing, spoilt)
    names = sorted(spoilt.keys() | missing.keys())
    objects = [LostObject(one, *_about(one, missing, spoilt)) for one in names]
    return LostObjects(tuple(objects), complete)


def _about(
    oid: str, missing: dict[str, tuple[str, str]], spoilt: dict[str, Path]
) -> tuple[str, Path | None, str]:
    kind, named = missing.get(oid, ("", ""))
    return kind, spoilt.get(oid), named


def _spoilt(objects: Path) -> Iterator[tuple[str, Path]]:
    """Find loose objects whose files do not hold them; when time is up, only the empty ones."""
    until = time.monotonic() + _READING
    for folder in sorted(objects.glob("[0-9a-f][0-9a-f]")):
        for entry in sorted(os.scandir(folder), key=lambda one: one.name):
            if not _LOOSE.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            oid = folder.name + entry.name
            empty = entry.stat(follow_symlinks=False).st_size == 0
            if empty or (time.monotonic() < until and not _holds(Path(entry.path), oid)):
                yield oid, Path(entry.path)


def _holds(path: Path, oid: str) -> bool:
    digest, inflate = hashlib.sha1(), zlib.decompressobj()  # noqa: S324 -- Git's own hash
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(inflate.decompress(piece))
    except (OSError, zlib.error):
        return not os.access(path, os.R_OK)  # what we may not read is not judged
    return inflate.eof and digest.hexdigest() == oid


def _missing(common: Path, spoilt: dict[str, Path]) -> tuple[dict[str, tuple[str, str]], bool]:
    """Walk everything reachable, as if the spoilt objects were not there: at one Git gives up."""
    with tempfile.TemporaryDirectory(prefix="unjam-objects-") as scratch:
        git = Git(common)
        if spoilt:
            view = Path(scratch)
            _make_view(common / "objects", view, set(spoilt.values()))
            git = replace(git, objects=view)
        try:
            answer = git.run(
                "fsck",
                "--connectivity-only",
                "--name-objects",
                "--no-dangling",
                "--no-progress",
                accept=None,
                deadline=DEADLINE,
            )
        except UnjamError:
            return {}, False
    found = {oid: (kind, name) for kind, oid, name in _MISSING.findall(answer.text)}
    for ref, oid in _DANGLING_REF.findall(answer.err):
        if oid != NOBODY:
            found.setdefault(oid, ("commit", ref))
    return found, "fatal:" not in answer.err


def _make_view(objects: Path, view: Path, without: set[Path]) -> None:
    """Show an object store through links, without some of its files."""
    holed = {path.parent.name for path in without}
    for folder in objects.iterdir():
        if folder.name not in holed:
            (view / folder.name).symlink_to(folder)
            continue
        (view / folder.name).mkdir()
        for file in folder.iterdir():
            if file not in without:
                (view / folder.name / file.name).symlink_to(file)


def _staged(admins: Iterable[Path]) -> dict[str, str]:
    """Name the blobs of every index: Git looks only at that of the primary."""
    found = {}
    for admin in admins:
        try:
            entries = read_index(admin / "index").entries
        except (DamagedIndexError, ForeignIndexError):
            continue
        for one in entries:
            if one.mode != _GITLINK and not one.intended:
                found[one.oid.hex()] = f"staged in {admin.name}: {os.fsdecode(one.path)}"
    return found


def _really(
    common: Path, named: dict[str, tuple[str, str]], spoilt: dict[str, Path]
) -> dict[str, tuple[str, str]]:
    """Leave out what is there after all; a spoilt file may have a sound twin in a pack."""
    asked = sorted(named)
    if not asked:
        return {}
    stdin = "".join(f"{one}\n" for one in asked).encode()
    lines = Git(common).run("cat-file", "--batch-check", stdin=stdin, accept=None).text.split("\n")
    gone = {line.split(" ")[0] for line in lines if line.endswith(" missing")}
    return {one: about for one, about in named.items() if one in gone or one in spoilt}
