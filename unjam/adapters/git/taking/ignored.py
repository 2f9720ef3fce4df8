"""Which ignored files are too large to be copied."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.taking.capture import all_entries
from unjam.adapters.git.taking.survey import Survey


@dataclass(frozen=True, slots=True)
class IgnoredLimits:
    """How much of what Git ignores is copied, in bytes; the rest keeps its place."""

    each: int = 50 << 20
    total: int = 1 << 30


def choose_skipped(
    found: Survey, tracked: Collection[bytes], limits: IgnoredLimits, room: Git
) -> dict[bytes, int]:
    """Return the ignored files that are not copied, with their sizes: the largest ones.

    Git is asked what is ignored only where the answer matters. A file that only the person's own
    excludes ignore counts as untracked, and is copied whatever its size.
    """
    sizes, asked = {}, {}
    for place, entry in all_entries(found):
        path = place.path + b"/" + entry.path if place.path else entry.path
        if path not in tracked:
            sizes[path] = entry.status.st_size
            # Rules do not reach into a Git directory: it goes with the repository it is of.
            raw = place.label.endswith("/git")
            asked[path] = place.path.removesuffix(b"/.git") if raw else path
    if sum(sizes.values()) <= limits.total and max(sizes.values(), default=0) <= limits.each:
        return {}
    ignored = ignored_paths(found.source.worktree, set(asked.values()), room)
    skipped, taken = {}, 0
    for path in sorted(sizes, key=lambda one: (sizes[one], one)):
        if asked[path] in ignored:
            if sizes[path] > limits.each or taken + sizes[path] > limits.total:
                skipped[path] = sizes[path]
            else:
                taken += sizes[path]
    return skipped


def ignored_paths(worktree: Path, paths: Iterable[bytes], room: Git) -> frozenset[bytes]:
    """Return those paths that the worktree's own rules ignore; the room has its exclude file."""
    question = b"".join([path + b"\0" for path in sorted(paths) if path])
    if not question:
        return frozenset()
    nothing = room.git_dir / "no-index"
    answer = room.on(worktree, index=nothing).run(
        "check-ignore", "--no-index", "-z", "--stdin", stdin=question, accept=(0, 1)
    )
    return frozenset(os.fsencode(path) for path in answer.fields())
