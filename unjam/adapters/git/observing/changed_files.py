"""What a directory holds otherwise in one commit than in another."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import read_objects
from unjam.adapters.git.command import Git
from unjam.domain.world.identity import CommitId

_FILES = ("100644", "100755")


class Differing(NamedTuple):
    """One file: the blob it was, and what it has become; None where it is not there."""

    was: str | None
    content: bytes | None


def differing_files(
    common: Path, directory: str, old: CommitId, new: CommitId
) -> Mapping[str, Differing]:
    """List by path the regular files of a directory that are not the same in two commits."""
    git = Git(common)
    plain = ("-r", "-z", "--raw", "--no-renames", "--no-abbrev")
    fields = git.run("diff-tree", *plain, old, new, "--", f":(literal){directory}").fields()
    entries = [
        (path, *about.removeprefix(":").split(" "))
        for about, path in zip(fields[::2], fields[1::2], strict=True)
    ]
    blobs = {one[4] for one in entries if one[2] in _FILES}
    contents = read_objects(git, [blob.encode() for blob in sorted(blobs)])
    return {
        path: Differing(
            was if before in _FILES else None,
            contents.get(now.encode()) if after in _FILES else None,
        )
        for path, before, after, was, now, _ in entries
    }
