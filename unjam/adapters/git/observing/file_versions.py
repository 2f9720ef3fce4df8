"""How files of the trunk came to be what they are: each version of a few, or what differs from one to the next."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import read_objects
from unjam.adapters.git.command import Git
from unjam.domain.world.identity import CommitId

_MOST = 1000  # commits looked at; what is older came before all of them
_PATHS = 500
_FILES = ("100644", "100755")


class Version(NamedTuple):
    """A file as of one commit; removed ones are empty."""

    path: str
    commit: CommitId
    at: datetime
    content: bytes


class Differing(NamedTuple):
    """One file: the blob it was, and what it has become; None where it is not there."""

    was: str | None
    content: bytes | None


def versions(common: Path, tip: CommitId, paths: Sequence[str]) -> tuple[Version, ...]:
    """Return the versions of these files, of the newest commits that touched any of them."""
    git = Git(common)
    asked = [f":(top,literal){path}" for path in sorted(paths)[:_PATHS]]
    listing = git.run("rev-list", "--timestamp", f"--max-count={_MOST}", tip, "--", *asked)
    times = dict(_times(listing.text.splitlines()))
    if not times:
        return ()
    stdin = "".join(f"{commit}\n" for commit in reversed(times)).encode()
    told = git.run(
        "diff-tree", "--stdin", "--root", "-r", "-z", "--no-renames", "--", *asked, stdin=stdin
    )
    entries = list(_entries(told.out.split(b"\0")))
    contents = read_objects(git, sorted({blob for _, _, blob in entries if blob.strip(b"0")}))
    return tuple(
        Version(path, commit, times[commit], contents.get(blob) or b"")
        for commit, path, blob in entries
    )


def _times(lines: Iterable[str]) -> Iterator[tuple[CommitId, datetime]]:
    for line in lines:
        seconds, _, commit = line.partition(" ")
        yield CommitId(commit), datetime.fromtimestamp(int(seconds), UTC)


def _entries(fields: Sequence[bytes]) -> Iterator[tuple[CommitId, str, bytes]]:
    """Read what diff-tree says of each commit: its id, then a line and a path for each change."""
    commit = CommitId("")
    place = 0
    while place < len(fields) - 1:
        if not fields[place].startswith(b":"):
            commit = CommitId(os.fsdecode(fields[place]))
            place += 1
            continue
        yield commit, os.fsdecode(fields[place + 1]), fields[place].split(b" ")[3]
        place += 2


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
