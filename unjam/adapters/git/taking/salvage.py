"""Save everything of a worktree into one commit, and touch nothing of it.

The commit's tree holds ``worktree/``, ``index/`` or ``stage0..3/``, ``admin/``, ``nested/``,
``pinned/`` (objects only state files name), ``odd/`` (what no tree may hold under its own name) and
``meta.json``. Its parents hold every commit that the checkout's state files and reflogs name. It
is written into the store of our own; no ref is: the caller names the commit.
"""

import gc
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.objects import Objects, open_objects
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.borrowed import copies
from unjam.adapters.git.taking.ignored import IgnoredLimits
from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.pack import PRIVATE, StaleContentError, write_pack
from unjam.adapters.git.taking.pins import position
from unjam.adapters.git.taking.survey import Source, common_of, signature_of, survey
from unjam.adapters.git.taking.take import Salvaged, Shop, Taken, open_shop, take
from unjam.adapters.git.taking.walk import WalkedEntry
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
    store.make(common)
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
    """Write what the vault does not have itself, though the repository may have it today."""
    unheld = set().union(*(one.unheld for one in taken)) - set(intake.everything())
    with open_own(shop.common, shop.room) as own:
        again = [one for one in taken if own.known([bytes.fromhex(one.salvaged.commit)])]
        # To ask for what is not there costs Git a look through its packs: ask where it may be there.
        asked = intake.everything() if len(again) == len(taken) else intake.large()
        there = own.known(asked).keys()
        wanted = set(intake.everything()) - shop.present.keys() - there
        borrowed = shop.objects.known(unheld - own.known(unheld).keys())
    if not wanted and not borrowed:
        return
    contents = chain(intake.contents(wanted), copies(shop.objects, borrowed))
    folder = store.place(shop.common) / "objects/pack"
    try:
        write_pack(folder, contents, len(wanted) + len(borrowed), mode=PRIVATE)
    except OSError as error:
        raise TransientError(f"the vault could not be written: {error.strerror}") from error


@contextmanager
def open_own(common: Path, room: Git) -> Iterator[Objects]:
    """Ask about the packs of the vault alone, without what it borrows."""
    apart = room.git_dir / "own-objects"
    apart.mkdir(exist_ok=True)
    link = apart / "pack"
    if not link.is_symlink():
        link.symlink_to(store.place(common) / "objects/pack")
    with open_objects(Git(room.git_dir, objects=apart)) as own:
        yield own


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


def _content_id(path: bytes, entry: WalkedEntry, intake: Intake) -> bytes:
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
    with open_own(shop.common, shop.room) as own:
        missing = again.unheld - own.known(again.unheld).keys()
    missing |= again.trusted - shop.objects.known(again.trusted).keys()
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
    objects = store.place(common) / "objects"
    with tempfile.TemporaryDirectory(dir=objects, prefix="tmp_objdir-unjam-") as folder:
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
