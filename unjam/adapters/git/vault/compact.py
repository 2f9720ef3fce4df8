"""Erase from the vault's packs what none of its refs leads to: dropping a ref erases nothing by itself."""

import shutil
from pathlib import Path

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.objects import open_objects
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.borrowed import copies
from unjam.adapters.git.taking.pack import PRIVATE, write_pack
from unjam.adapters.git.vault.packs import all_packs, unlink_pack
from unjam.adapters.git.vault.pins import drop_pin
from unjam.errors import PermanentError


def compact(common: Path) -> int:
    """Write packs without what is not needed, and remove the old ones; returns how many objects went.

    The caller holds the lease. Raises PermanentError, with nothing erased, where what is needed
    cannot be told.
    """
    if not store.is_there(common):
        return 0
    vault = store.place(common)
    needed, folder, gone = _needed(vault), vault / "objects/pack", set[bytes]()
    for pack in all_packs(folder):
        dead = pack.oids - needed
        if dead:
            with open_objects(Git(vault)) as objects:
                if left := objects.known(pack.oids & needed):
                    write_pack(folder, copies(objects, left), len(left), mode=PRIVATE)
            unlink_pack(pack)
            gone |= dead
    _clear_leftovers(vault / "objects")
    for name, _ in refs.refs_below(Git(common), store.NAMESPACE):
        ref = store.pinned_by(name)
        if ref is not None and store.resolve(common, ref) is None:
            drop_pin(common, ref)
    return len(gone)


def _needed(vault: Path) -> set[bytes]:
    commits = sorted({commit for _, commit in refs.refs_below(Git(vault), "refs")})
    if not commits:
        return set()
    listed = Git(vault).run(
        "rev-list",
        "--objects",
        "--no-object-names",
        "--no-walk",
        "--missing=print",
        "--stdin",
        stdin="".join(f"{one}\n" for one in commits).encode(),
    )
    lines = listed.text.split()
    if missing := next((one for one in lines if one.startswith("?")), None):
        raise PermanentError(f"the vault lacks object {missing[1:]}: what it needs cannot be told")
    return {bytes.fromhex(one) for one in lines}


def _clear_leftovers(objects: Path) -> None:
    """Remove what a killed salvage had half written."""
    for path in (*objects.glob("pack/tmp_*"), *objects.glob("tmp_obj*")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for pack in objects.glob("pack/*.pack"):
        if not pack.with_suffix(".idx").exists():
            pack.unlink()
