"""One pass over a directory: everything that is in it, nothing followed, nothing opened."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from unjam.errors import RefusedError

Admit = Callable[[bytes], bool]


class WalkedEntry(NamedTuple):
    """A path relative to the root of the walk, and what ``lstat`` said of it."""

    path: bytes
    status: os.stat_result


@dataclass(slots=True)
class Walked:
    """What a directory holds, by kind."""

    root: bytes
    present: bool = False
    files: list[WalkedEntry] = field(default_factory=list)
    links: list[WalkedEntry] = field(default_factory=list)
    special: list[WalkedEntry] = field(default_factory=list)  # fifos, sockets, devices
    directories: list[WalkedEntry] = field(default_factory=list)  # the root itself is ``b""``
    empty: list[bytes] = field(default_factory=list)  # directories in which nothing was admitted
    unreadable: list[bytes] = field(default_factory=list)
    repositories: list[bytes] = field(default_factory=list)  # left alone: they have a ``.git``
    git_directories: list[bytes] = field(default_factory=list)  # left alone: they are a ``.git``

    def absolute(self, path: bytes) -> bytes:
        """Where a path of this walk is on disk."""
        return self.root + b"/" + path if path else self.root


def walk(root: bytes, *, admit: Admit | None = None, across_repositories: bool = False) -> Walked:
    """List a directory; nested repositories and ``.git`` directories are named, not entered.

    ``admit`` is asked for every path before anything else. ``across_repositories`` enters them
    too. What cannot be listed is in ``unreadable``. Raises RefusedError for a symbolic link.
    """
    found = Walked(root)
    try:
        status = os.lstat(root)
    except (FileNotFoundError, NotADirectoryError):
        return found
    if stat.S_ISLNK(status.st_mode):
        raise RefusedError(f"{os.fsdecode(root)} is a symbolic link: look at where it leads first")
    found.present = stat.S_ISDIR(status.st_mode)
    pending = [WalkedEntry(b"", status)] if found.present else []
    while pending:
        here = pending.pop()
        pending += _list(here, found, admit, across_repositories=across_repositories)
    for listing in (found.files, found.links, found.special, found.directories):
        listing.sort()
    for paths in (found.empty, found.unreadable, found.repositories, found.git_directories):
        paths.sort()
    return found


def _list(
    here: WalkedEntry, found: Walked, admit: Admit | None, *, across_repositories: bool
) -> list[WalkedEntry]:
    """Sort the entries of one directory into ``found``; return the directories to enter."""
    try:
        with os.scandir(found.absolute(here.path)) as listing:
            entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in listing]
    except OSError:
        found.unreadable.append(here.path)
        found.directories.append(here)
        return []
    if here.path and not across_repositories and any(name == b".git" for name, _ in entries):
        found.repositories.append(here.path)
        return []
    found.directories.append(here)
    prefix = here.path + b"/" if here.path else b""
    if admit is None:
        admitted = [WalkedEntry(prefix + name, status) for name, status in entries]
    else:
        admitted = [
            WalkedEntry(prefix + name, stat_) for name, stat_ in entries if admit(prefix + name)
        ]
    if not admitted:
        found.empty.append(here.path)
    return _sort_in(admitted, found, across_repositories=across_repositories)


def _sort_in(
    entries: list[WalkedEntry], found: Walked, *, across_repositories: bool
) -> list[WalkedEntry]:
    enter = []
    for entry in entries:
        kind = stat.S_IFMT(entry.status.st_mode)
        if kind == stat.S_IFREG:
            found.files.append(entry)
        elif kind == stat.S_IFLNK:
            found.links.append(entry)
        elif kind != stat.S_IFDIR:
            found.special.append(entry)
        elif not across_repositories and entry.path.rpartition(b"/")[2] == b".git":
            found.git_directories.append(entry.path)
        else:
            enter.append(entry)
    return enter
