"""Which checkout of a repository a directory is in, by what the system says and not by name alone."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePath

from unjam.adapters.processes.table import Sketch

_UNREGISTERED = "\0"  # begins what is no worktree's name


def registered(name: str | None) -> str | None:
    """Return the name of a worktree, unless Git does not know it."""
    return None if name is None or name.startswith(_UNREGISTERED) else name


class Checkouts:
    """The worktrees of one repository; the primary has the name ``""``, and holds most others.

    Directories in ``nursery``, where worktrees are made, are told apart though Git knows nothing
    of them: their agents outlive them.
    """

    def __init__(
        self, repo: PurePath, worktrees: Mapping[str, PurePath], nursery: PurePath | None = None
    ) -> None:
        self._parents: dict[str, str] = {}
        self.repo = self._resolved(repo)
        self._nursery = None if nursery is None else self._resolved(nursery)
        self._roots = {self._resolved(path): name for name, path in worktrees.items()}
        self._roots.setdefault(self.repo, "")
        self._known: dict[str, str | None] = {}

    def of(self, entry: Sketch) -> str | None:
        """Name the checkout a process works in; None when it is elsewhere or will not say."""
        if entry.cwd is None:
            return None
        found = self.of_path(entry.cwd)
        return found if found is not None else self._of_stranger(entry.pid)

    def of_path(self, path: str) -> str | None:
        """Name the innermost checkout that holds a path."""
        if path not in self._known:
            self._known[path] = self._climb(path)
        return self._known[path]

    def mentioned(self, entry: Sketch) -> str | None:
        """Name the innermost checkout that a word of the command line points into."""
        paths = (word.partition("=")[2] or word for word in entry.command if os.sep in word)
        named = [self.of_path(os.path.normpath(path)) for path in paths if path.startswith(os.sep)]
        return next((one for one in (*filter(None, named), *named) if one is not None), None)

    def _climb(self, path: str) -> str | None:
        while path not in self._roots:
            above, name = os.path.split(path)
            if above == path:
                return None
            if above == self._nursery:
                return _UNREGISTERED + name
            path = above
        return self._roots[path]

    def _of_stranger(self, pid: int) -> str | None:
        """Place a process of a container, which has other names for the same directories."""
        try:
            # Only there is its directory itself asked: a dead network mount would hang us.
            if _mount_namespace(str(pid)) == self._own_namespace:
                return None
            there = os.stat(f"/proc/{pid}/cwd")  # noqa: PTH116 -- the link itself is a door
        except OSError:
            return None
        return self._by_inode.get((there.st_dev, there.st_ino))

    @cached_property
    def _own_namespace(self) -> str:
        return _mount_namespace("self")

    @cached_property
    def _by_inode(self) -> dict[tuple[int, int], str]:
        found = {}
        for path, name in self._roots.items():
            try:
                here = os.stat(path)  # noqa: PTH116 -- text; a thousand of them
            except OSError:
                continue
            found[here.st_dev, here.st_ino] = name
        return found

    def _resolved(self, path: PurePath) -> str:
        """Resolve a path; the directory that holds many of them only once."""
        above, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 -- a thousand of them
        if above not in self._parents:
            self._parents[above] = os.path.realpath(above)
        found = os.path.join(self._parents[above], name)  # noqa: PTH118 -- the same
        return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114 -- the same


def _mount_namespace(process: str) -> str:
    return os.readlink(f"/proc/{process}/ns/mnt")  # noqa: PTH115 -- a name, not a path
