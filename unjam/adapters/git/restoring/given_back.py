"""Give objects back to the repository that only the vault has: what an index stages, or a branch holds.

The repository's own ``gc`` may have taken a staged blob since it was saved; a checkout that comes back
needs it there.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import read_small
from unjam.adapters.git.objects import open_objects
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.borrowed import below_trees, copies
from unjam.adapters.git.taking.pack import write_pack
from unjam.adapters.git.taking.staged_index import read_staged_index

_OID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_LARGEST = 1 << 20  # bytes of a state file


def give_back(common: Path, oids: Iterable[str]) -> None:
    """Copy these objects, and all that the trees among them hold, as far as the repository lacks them."""
    if not store.is_there(common):
        return
    vault = store.reader(common)
    with open_objects(vault) as kept:
        known = kept.known(bytes.fromhex(one) for one in oids)
        trees = [oid for oid, one in known.items() if one.kind == b"tree"]
        wanted = {oid for oid, one in known.items() if one.kind != b"commit"}
        wanted |= below_trees(vault, trees, None)
        with open_objects(Git(common)) as there:
            missing = kept.known(wanted - there.known(wanted).keys())
        if missing:
            write_pack(common / "objects/pack", copies(kept, missing), len(missing))


def give_back_staged(common: Path, admin: Path) -> None:
    """Do it for the index and the state files of a checkout, before Git sees them again."""
    if not store.is_there(common) or not (admin / "index").is_file():
        return
    with clean_room(common, objects=store.objects_of(common)) as room:
        staged = {oid.hex() for oid in read_staged_index(admin / "index", room).blobs()}
    give_back(common, staged.union(_named_by_state(admin)))


def _named_by_state(admin: Path) -> Iterable[str]:
    for path in sorted(admin.iterdir()):
        text = read_small(path, limit=_LARGEST) if not path.name.startswith("index") else None
        yield from (one.decode() for one in _OID.findall(text or b""))
