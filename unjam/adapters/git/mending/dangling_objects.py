"""Gather what is in the object store and named by nothing, before `git gc` takes it away.

What was only staged in an index that is lost, and commits only a lost reflog knew, are among it. It
is copied into the vault; the commits stay where they are.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.index import DamagedIndexError, ForeignIndexError, read_index
from unjam.adapters.git.mending.lost_objects import DEADLINE
from unjam.adapters.git.objects import open_objects
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.borrowed import below_trees, copies
from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.pack import PRIVATE, write_pack
from unjam.adapters.git.taking.pins import FIRST_DATE
from unjam.adapters.git.taking.trees import DIRECTORY, FILE, Leaf, build_trees
from unjam.domain.world.identity import CommitId
from unjam.errors import UnjamError

_DANGLING = re.compile(r"^dangling (blob|tree|commit) ([0-9a-f]{40})$", re.MULTILINE)
_MODES = {"blob": FILE, "tree": DIRECTORY}
_MOST = 5_000  # objects; beyond, somebody's repacking has left more than any index held
_WHO = f"unjam <unjam@localhost> {FIRST_DATE} +0000"


def gather(common: Path) -> CommitId | None:
    """Save all of it as a commit; the same for the same. None where there is nothing.

    A walk that takes too long, or stops at damage, gathers what it has seen.
    """
    try:
        walk = Git(common).run(
            "fsck",
            "--connectivity-only",
            "--dangling",
            "--no-progress",
            accept=None,
            deadline=DEADLINE,
        )
    except UnjamError:
        return None
    staged = set(_staged(common))  # of worktrees: Git looks only at the index of the primary
    found = [(kind, oid) for kind, oid in _DANGLING.findall(walk.text) if oid not in staged]
    if not found:
        return None
    return _commit(common, sorted(found)[:_MOST])


def _staged(common: Path) -> Iterator[str]:
    for index in common.glob("worktrees/*/index"):
        try:
            yield from (one.oid.hex() for one in read_index(index).entries)
        except (DamagedIndexError, ForeignIndexError):
            continue


def _commit(common: Path, found: list[tuple[str, str]]) -> CommitId:
    kept = [(kind, bytes.fromhex(oid)) for kind, oid in found if kind in _MODES]
    root, trees = build_trees(Leaf(oid.hex().encode(), _MODES[kind], oid) for kind, oid in kept)
    lines = (
        f"tree {root.hex()}",
        *(f"parent {oid}" for kind, oid in found if kind == "commit"),
        f"author {_WHO}",
        f"committer {_WHO}",
        "",
        "What nothing named",
        "",
    )
    intake = Intake()
    commit = intake.keep(b"commit", "\n".join(lines).encode())
    intake.keep(b"tree", trees[root])
    folder = store.make(common) / "objects/pack"
    with clean_room(common, objects=store.objects_of(common)) as room:
        below = below_trees(room, [oid for kind, oid in kept if kind == "tree"], None)
        with open_objects(room) as objects:
            borrowed = objects.known(below.union(oid for kind, oid in kept if kind == "blob"))
            own = set(intake.everything())
            contents = chain(intake.contents(own), copies(objects, borrowed))
            write_pack(folder, contents, len(own) + len(borrowed), mode=PRIVATE)
    return CommitId(commit.hex())
