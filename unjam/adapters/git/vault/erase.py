"""Erase objects from the repository's own store that provably only the vault needs; keep what is in doubt.

What any ref, reflog, index, HEAD or state file of any checkout leads to stays, and what somebody
touched since. Afterwards it is looked at once more, and what is needed by then is put back.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import read_small
from unjam.adapters.git.objects import open_objects
from unjam.adapters.git.restoring.given_back import give_back
from unjam.adapters.git.vault.packs import Pack, packed_again, packs_with, unlink_pack
from unjam.errors import UnjamError

_OID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_STATE = ("*", "rebase-merge/*", "rebase-apply/*", "sequencer/*")
_OWN_REFS = ("refs/bisect/*", "refs/worktree/**/*", "refs/rewritten/*")  # of one checkout
_NOT_STATE = ("index", "packed-refs", "config", "description", "gitdir", "commondir")


@dataclass(frozen=True, slots=True)
class Erased:
    """Which objects are gone from the repository's store, and why others are still there."""

    gone: frozenset[bytes] = frozenset()
    left: frozenset[bytes] = frozenset()  # a later look may find that they can go
    shared: frozenset[bytes] = frozenset()  # the repository needs them itself
    because: tuple[str, ...] = ()


def erase(common: Path, wanted: Collection[bytes], marker: Path) -> Erased:
    """Erase those of the objects that nothing but the vault leads to.

    ``marker`` is a file written just before: what was touched after it is somebody's.
    """
    if locks := sorted(_locks(common)):
        return _none(wanted, f"Git is at work, or was interrupted: {locks[0]} is there")
    try:
        still = reachable(common, wanted)
    except UnjamError as error:
        return _none(wanted, f"what the repository still needs could not be told: {error}")
    since = marker.stat().st_mtime_ns
    going = set(wanted) - still
    because = _erase_packed(common, going, since)
    _erase_loose(common, going, since)
    again = _needed_after_all(common, going)
    if again:  # somebody staged or committed the same bytes meanwhile
        give_back(common, [one.hex() for one in again])
        because.append(f"{len(again)} of them came into use meanwhile")
    _forget_in_graph(common, going)
    with open_objects(Git(common)) as there:
        left = frozenset(there.known(going))
    if left and not because:
        because.append(f"{len(left)} of them were touched meanwhile")
    return Erased(frozenset(going - left), left, frozenset(still), tuple(because))


def _needed_after_all(common: Path, gone: set[bytes]) -> set[bytes]:
    """Return what came into use since the first look; all of it where that cannot be told."""
    try:
        return reachable(common, gone, missing="--missing=print")
    except UnjamError:
        return gone


def _none(wanted: Collection[bytes], because: str) -> Erased:
    return Erased(left=frozenset(wanted), because=(because,))


def reachable(
    common: Path, wanted: Collection[bytes], *, missing: str = "--missing=error"
) -> set[bytes]:
    """Return those of the objects that something in the repository leads to; raises where it cannot tell."""
    if not wanted:
        return set()
    git = Git(common)
    with open_objects(git) as objects:
        named = objects.known(bytes.fromhex(one) for one in set(_named_by_state(common)))
    asked = "".join(f"{one.hex()}\n" for one in named).encode()
    listing = git.ask(
        "rev-list",
        "--objects",
        "--no-object-names",
        "--all",
        "--reflog",
        "--indexed-objects",
        missing,
        "--stdin",
        stdin=asked,
    )
    looked_for, rest = frozenset(wanted), b""
    found: set[bytes] = set()
    for piece in listing.pieces():
        *lines, rest = (rest + piece).split(b"\n")
        found.update(
            oid
            for line in lines
            if (oid := bytes.fromhex(line.removeprefix(b"?").decode())) in looked_for
        )
    return found


def _admins(common: Path) -> list[Path]:
    return [common, *sorted(one for one in (common / "worktrees").glob("*") if one.is_dir())]


def _named_by_state(common: Path) -> Iterator[str]:
    for admin in _admins(common):
        for path in (one for pattern in (*_STATE, *_OWN_REFS) for one in admin.glob(pattern)):
            text = None if path.name in _NOT_STATE else read_small(path, limit=1 << 20)
            yield from (one.decode() for one in _OID.findall(text or b""))


def _locks(common: Path) -> Iterator[Path]:
    for admin in _admins(common):
        yield from admin.glob("index.lock")
    yield from common.glob("gc.pid")


def _erase_packed(common: Path, going: set[bytes], since: int) -> list[str]:
    folder = common / "objects/pack"
    kept = []
    try:
        for pack in list(packs_with(folder, going)):
            why = _why_kept(pack, since)
            if why:
                kept.append(f"{pack.path.name} keeps {len(pack.oids & going)} of them: {why}")
                continue
            if left := pack.oids - going:
                packed_again(common, folder, left)
            if _touched(pack.ending(".pack"), since):
                kept.append(f"{pack.path.name} was touched meanwhile")
                continue
            unlink_pack(pack)
    except (UnjamError, OSError) as error:
        kept.append(f"packs could not be written without them: {error}")
    return kept


def _why_kept(pack: Pack, since: int) -> str:
    for suffix in (".keep", ".promisor"):
        if pack.ending(suffix).exists():
            return f"it has a {suffix} file"
    if (pack.path.parent / "multi-pack-index").exists():
        return "it is listed in a multi-pack-index; `git multi-pack-index` and `git gc` are yours to run"
    return "it was touched just now" if _touched(pack.ending(".pack"), since) else ""


def _touched(path: Path, since: int) -> bool:
    """Tell whether Git, or anybody, came by after: Git touches what it finds there already."""
    try:
        return path.stat().st_mtime_ns >= since
    except FileNotFoundError:
        return False


def _erase_loose(common: Path, going: Iterable[bytes], since: int) -> None:
    for oid in going:
        name = oid.hex()
        path = common / "objects" / name[:2] / name[2:]
        if os.path.lexists(path) and not _touched(path, since):
            path.unlink(missing_ok=True)


def _forget_in_graph(common: Path, gone: set[bytes]) -> None:
    """Write Git's own list of commits anew where it names one that is gone; `git fsck` reads it."""
    info = common / "objects/info"
    for path in (info / "commit-graph", *info.glob("commit-graphs/*.graph")):
        text = path.read_bytes() if path.is_file() else b""
        if any(oid in text for oid in gone):
            Git(common).run("commit-graph", "write", "--reachable", accept=None)
            return
