"""Gather what is in the object store and named by nothing, before `git gc` takes it away.

What was only staged in an index that is lost, and commits only a lost reflog knew, are among it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.mending.lost import DEADLINE
from unjam.adapters.git.room import clean_room
from unjam.adapters.git.status.index_file import DamagedIndexError, ForeignIndexError, read_index
from unjam.domain.snapshot import CommitId
from unjam.errors import UnjamError

_DANGLING = re.compile(r"^dangling (blob|tree|commit) ([0-9a-f]{40})$", re.MULTILINE)
_MODES = {"blob": "100644", "tree": "040000"}
_MOST = 5_000  # objects; beyond, somebody's repacking has left more than any index held
_DATE = "2000-01-01T00:00:00+0000"


def gather(common: Path) -> CommitId | None:
    """Make a commit that reaches all of it; the same for the same. None where there is nothing.

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
            yield from (one.blob.hex() for one in read_index(index).entries)
        except (DamagedIndexError, ForeignIndexError):
            continue


def _commit(common: Path, found: list[tuple[str, str]]) -> CommitId:
    kept = [(kind, oid) for kind, oid in found if kind in _MODES]
    listing = "".join(f"{_MODES[kind]} {kind} {oid}\t{oid}\0" for kind, oid in kept)
    parents = [word for kind, oid in found if kind == "commit" for word in ("-p", oid)]
    with clean_room(common) as room:
        tree = room.run("mktree", "-z", stdin=listing.encode()).text
        dated = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), _DATE)
        made = Git(room.git_dir, objects=room.objects, settings=room.settings, environment=dated)
        return CommitId(made.run("commit-tree", tree, *parents, "-m", "What nothing named").text)
