"""Find what lies in a worktree and is not in its index, as ``git status`` lists it."""

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from unjam.adapters.git.status.ignore import Ignores


class UnreadableError(Exception):
    """Something in the worktree could not be looked at; the answer would be a guess."""


class UntrackedPath(NamedTuple):
    """Something on disk that is not tracked; perhaps it is ignored."""

    directory: bytes
    name: bytes
    is_directory: bool

    @property
    def path(self) -> bytes:
        """Its path below the worktree."""
        return self.directory + b"/" + self.name if self.directory else self.name


class Surroundings(NamedTuple):
    """What the tracked directories hold beside the tracked files."""

    candidates: list[UntrackedPath]
    hidden: set[bytes]  # tracked directories that are gone, or are something else now


def look_around(root: bytes, tracked: Collection[bytes]) -> Surroundings:
    """List every directory that holds tracked files; raises UnreadableError."""
    directories = _directories(tracked)
    found = Surroundings([], set())
    for directory in directories:
        prefix = directory + b"/" if directory else b""
        for one in _listed(root, directory, found.hidden):
            path = prefix + one.name
            if path in tracked or one.name == b".git":
                continue
            is_directory = one.is_dir(follow_symlinks=False)
            if path in directories:
                if is_directory:
                    continue
                found.hidden.add(path)
            if is_directory or _is_content(one):
                found.candidates.append(UntrackedPath(directory, one.name, is_directory))
    if not found.hidden:
        return found
    seen = [one for one in found.candidates if not is_below(one.path, found.hidden)]
    return Surroundings(seen, found.hidden)


def is_below(path: bytes, hidden: set[bytes]) -> bool:
    """Tell whether one of the directories above a path is among the hidden."""
    above = path.rpartition(b"/")[0]
    while above:
        if above in hidden:
            return True
        above = above.rpartition(b"/")[0]
    return False


def not_ignored(root: bytes, candidates: list[UntrackedPath], shared: bytes) -> Iterator[bytes]:
    """Drop what is ignored, and directories that hold nothing else; a directory ends in a slash.

    ``shared`` is the content of ``info/exclude``. Raises OddPatternError and UnreadableError.
    """
    if not candidates:
        return
    ignores = Ignores(root, shared)
    for one in candidates:
        if ignores.ignored(one.directory, one.name, is_directory=one.is_directory):
            continue
        if not one.is_directory:
            yield one.path
        elif _holds_something(root, one.path, ignores):
            yield one.path + b"/"


def _directories(tracked: Collection[bytes]) -> set[bytes]:
    found = {b""}
    for path in tracked:
        above = path.rpartition(b"/")[0]
        while above not in found:
            found.add(above)
            above = above.rpartition(b"/")[0]
    return found


def _listed(root: bytes, directory: bytes, hidden: set[bytes]) -> list[os.DirEntry[bytes]]:
    try:
        return list(os.scandir(root + b"/" + directory))
    except (FileNotFoundError, NotADirectoryError):
        hidden.add(directory)
        return []
    except OSError as error:
        raise UnreadableError(f"{os.fsdecode(directory)}: {error.strerror}") from error


def _is_content(one: os.DirEntry[bytes]) -> bool:
    # Pipes, sockets and devices are nothing to Git.
    return one.is_symlink() or one.is_file(follow_symlinks=False)


def _holds_something(root: bytes, directory: bytes, ignores: Ignores) -> bool:
    """Tell whether an untracked directory holds a file that is not ignored, or a repository."""
    found = _listed(root, directory, set())
    if any(one.name == b".git" for one in found):
        return True
    below = []
    for one in found:
        is_directory = one.is_dir(follow_symlinks=False)
        if ignores.ignored(directory, one.name, is_directory=is_directory):
            continue
        if is_directory:
            below.append(directory + b"/" + one.name)
        elif _is_content(one):
            return True
    return any(_holds_something(root, one, ignores) for one in below)
