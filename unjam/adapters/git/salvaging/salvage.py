"""Save everything of a worktree into one commit, and touch nothing of it.

The commit's tree holds ``worktree/``, ``index/`` or ``stage0..3/``, ``admin/``, ``nested/``,
``pinned/`` (objects only state files name), ``odd/`` (what no tree may hold under its own name) and
``meta.json``. Its parents hold every commit that the checkout's state files and reflogs name. No
ref is written: the caller names the commit, and until then it is as safe as any fresh object.
"""

import gc
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from unjam.adapters.git.salvaging.ignored import IgnoredLimits
from unjam.adapters.git.salvaging.intake import Intake
from unjam.adapters.git.salvaging.pack import StaleContentError, write_pack
from unjam.adapters.git.salvaging.pins import position
from unjam.adapters.git.salvaging.survey import Source, common_of, signature_of, survey
from unjam.adapters.git.salvaging.take import Salvaged, Shop, Taken, open_shop, take
from unjam.adapters.git.salvaging.walk import Entry
from unjam.errors import PermanentError, TransientError, UnjamError

__all__ = [
    "IgnoredLimits",
    "Salvaged",
    "Source",
    "read_back",
    "salvage",
    "salvage_all",
    "signature",
]

_DEFAULT = IgnoredLimits()


def salvage(common: Path, source: Source, limits: IgnoredLimits = _DEFAULT) -> Salvaged:
    """Save one worktree; the same content gives the same commit.

    Raises RefusedError for a worktree that is a symbolic link.
    """
    (saved,) = salvage_all(common, [source], limits)
    if isinstance(saved, UnjamError):
        raise saved
    return saved


def salvage_all(
    common: Path, sources: Sequence[Source], limits: IgnoredLimits = _DEFAULT
) -> tuple[Salvaged | UnjamError, ...]:
    """Save many worktrees into one pack; what could not be saved is its error, in its place."""
    with _uncollected(), open_shop(common) as shop:
        try:
            return _save(shop, sources, limits, Intake())
        except StaleContentError:
            # A large file does not keep still: read each into a copy of our own first.
            with _spool(common) as spool:
                return _save(shop, sources, limits, Intake(spool))


def _save(
    shop: Shop, sources: Sequence[Source], limits: IgnoredLimits, intake: Intake
) -> tuple[Salvaged | UnjamError, ...]:
    results: list[Salvaged | UnjamError] = []
    taken: list[Taken] = []
    for source in sources:
        try:
            one = take(shop, source, limits, intake)
        except UnjamError as error:
            results.append(error)
        else:
            taken.append(one)
            results.append(one.salvaged)
    _store(shop, taken, intake)
    return tuple(results)


def _store(shop: Shop, taken: Sequence[Taken], intake: Intake) -> None:
    """Write what the object store does not have."""
    again = [one for one in taken if shop.objects.known([bytes.fromhex(one.salvaged.commit)])]
    # To ask for what is not there costs Git a look through its packs: ask where it may be there.
    asked = intake.everything() if len(again) == len(taken) else intake.large()
    there = shop.objects.known(asked).keys() | shop.present.keys()
    wanted = {oid for oid in intake.everything() if oid not in there}
    if not wanted:
        return
    try:
        write_pack(shop.common / "objects/pack", intake.contents(wanted), len(wanted))
    except OSError as error:
        raise TransientError(f"the vault could not be written: {error.strerror}") from error


def signature(source: Source) -> str:
    """Fingerprint a worktree from ``lstat``: the same as when it was saved if nothing changed."""
    common = common_of(source)
    found = survey(common, source)
    intake = Intake()
    admin = {
        entry.path: _content_id(os.fsencode(source.admin) + b"/" + entry.path, entry, intake)
        for entry in found.admin_files()
        if source.admin is not None
    }
    return signature_of(found, position(common, source.admin).tip, admin)


def _content_id(path: bytes, entry: Entry, intake: Intake) -> bytes:
    try:
        return intake.read(path, entry.status, ())
    except OSError:
        return b"?"


def read_back(common: Path, salvaged: Salvaged, source: Source) -> None:
    """Prove that the commit holds what is on disk, to the last byte.

    Everything is read again: the worktree as if it were saved anew, and every object of the salvage
    from the object store. Raises PermanentError with the path that differs.
    """
    with _uncollected(), open_shop(common) as shop:
        intake = Intake()
        again = take(shop, source, salvaged.limits, intake)
        if again.salvaged.commit != salvaged.commit:
            raise PermanentError(_difference(shop, salvaged, again))
        _prove(shop, again)


def _prove(shop: Shop, again: Taken) -> None:
    """Read every object; those that provably are what the worktree holds, by their header alone."""
    read = [leaf.oid for leaf in again.leaves if leaf.oid not in again.trusted]
    blobs = dict.fromkeys(oid for oid in read if oid not in again.foreign)
    commit = bytes.fromhex(again.salvaged.commit)
    try:
        shop.objects.prove([*again.trees, *blobs, commit])
    except PermanentError as error:
        names = {leaf.oid.hex(): os.fsdecode(leaf.path) for leaf in again.leaves}
        named = next((name for oid, name in names.items() if oid in str(error)), "its tree")
        raise PermanentError(f"the salvage does not hold {named}: {error}") from error
    missing = again.trusted - shop.objects.known(again.trusted).keys()
    if missing:
        raise PermanentError(f"the salvage does not hold object {missing.pop().hex()}")


def _difference(shop: Shop, salvaged: Salvaged, again: Taken) -> str:
    saved = {leaf.path: leaf for leaf in shop.listing(salvaged.commit)}
    now = {leaf.path: leaf for leaf in again.leaves}
    for path in sorted(saved.keys() | now.keys()):
        if saved.get(path) != now.get(path):
            return f"{os.fsdecode(path)} is not what was saved: it changed, save it again"
    return "what HEAD or the reflog names is not what was saved: save it again"


@contextmanager
def _spool(common: Path) -> Iterator[Path]:
    (common / "objects/pack").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=common / "objects", prefix="tmp_objdir-unjam-") as folder:
        yield Path(folder)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the collector of cycles: with millions of small tuples and no cycle it only costs."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
