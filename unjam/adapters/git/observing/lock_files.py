"""Find Git's lock files; whether one is stale only its owner's process can tell."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.worktrees import Checkout


class LockFile(NamedTuple):
    """A lock file, whose worktree it is in ("" for the shared ones and the primary's), and its age."""

    path: Path
    worktree: str
    since: datetime


def read_locks(common: Path, checkouts: Iterable[Checkout]) -> list[LockFile]:
    """List the locks of the repository and of its worktrees."""
    found = [
        lock
        for one in checkouts
        for name in sorted(name for name in one.entries if name.endswith(".lock"))
        if (lock := _lock(one.admin / name, one.name))
    ]
    paths = _below(f"{common}/refs")
    return found + [lock for path in sorted(paths) if (lock := _lock(Path(path), ""))]


def _below(directory: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path)
        elif entry.name.endswith(".lock"):
            yield entry.path


def _lock(path: Path, worktree: str) -> LockFile | None:
    try:
        since = path.lstat().st_mtime
    except OSError:
        return None  # it was released just now
    return LockFile(path, worktree, datetime.fromtimestamp(since, UTC))
