"""Change one file of a commit without a checkout: nothing of the repository changes but its objects."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.merge import Identity, authored, commit_tree
from unjam.domain.world.identity import CommitId

_REGULAR = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Committed:
    """A file as a commit has it."""

    path: str
    mode: str
    content: bytes

    @property
    def is_regular(self) -> bool:
        """Tell a file from a link or a submodule."""
        return self.mode in _REGULAR


def file_in(common: Path, commit: CommitId, path: str) -> Committed | None:
    """Read a file of a commit; None if it has nothing of that path."""
    git = Git(common)
    listing = git.run("ls-tree", "-z", "--full-tree", commit, "--", path)
    about, _, name = listing.out.removesuffix(b"\0").partition(b"\t")
    if os.fsdecode(name) != path:
        return None
    mode, kind, blob = os.fsdecode(about).split(" ")
    content = git.run("cat-file", "blob", blob).out if kind == "blob" else b""
    return Committed(path, mode, content)


def commit_edit(
    common: Path, base: CommitId, edited: Committed, message: str, by: tuple[Identity, datetime]
) -> CommitId:
    """Make a commit onto the base with this file in it; the same arguments make the same commit."""
    with clean_room(common) as room:
        room.run("read-tree", base)
        blob = room.run("hash-object", "-w", "--no-filters", "--stdin", stdin=edited.content).text
        entry = f"{edited.mode} {blob}\t{edited.path}\0".encode("utf-8", "surrogateescape")
        room.run("update-index", "-z", "--index-info", stdin=entry)
        tree = room.run("write-tree").text
        return commit_tree(room, tree, (base,), message, authored(*by))
