"""Bring a directory to what it should be; whatever is in the way is moved aside, never deleted.

Every step can be repeated: killed in the middle and run again, it reaches the same end. Directories
are opened one below the other, so that no symbolic link is ever followed.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from unjam.adapters.git.objects import Objects
from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.trees import object_id
from unjam.adapters.git.taking.walk import Admit, walk
from unjam.errors import PermanentError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PERMISSIONS = 0o7777
_OWNER_WRITES = 0o700


@dataclass(frozen=True, slots=True)
class WantedFile:
    """One file or link as it should be; a link has no mode."""

    oid: bytes
    mode: int | None
    content: bytes | None = None  # where it is not in the object store

    @classmethod
    def text(cls, content: bytes, mode: int) -> "WantedFile":
        """Want a file with this content."""
        return cls(object_id(b"blob", content), mode, content)


@dataclass(slots=True)
class Goal:
    """What should be below one root."""

    files: dict[bytes, WantedFile] = field(default_factory=dict)
    directories: dict[bytes, int] = field(default_factory=dict)  # with their permissions
    kept: set[bytes] = field(default_factory=set)  # left as they are, and so is all below them


def converge(
    root: Path, goal: Goal, objects: Objects, aside: Path, admit: Admit | None = None
) -> None:
    """Make ``root`` hold exactly the goal, as far as ``admit`` lets it look.

    What was there and should not be is below ``aside`` afterwards. Raises PermanentError, having
    changed nothing, where that is another file system; RefusedError where the root is a link.
    """
    root.mkdir(parents=True, exist_ok=True)
    aside.mkdir(parents=True, exist_ok=True)
    if root.lstat().st_dev != aside.stat().st_dev:
        raise PermanentError(f"{aside} must be on the file system of {root}")
    _Convergence(root, goal, objects, aside).run(admit)


def is_met(root: Path, goal: Goal, admit: Admit | None = None) -> bool:
    """Tell whether ``root`` holds exactly the goal, as far as ``admit`` lets it look; permissions of directories aside."""
    there, folders = _look(root, goal, admit)
    if there.keys() != goal.files.keys() or folders - goal.directories.keys() - _above(goal):
        return False
    return all(_is(root, path, there[path], wanted) for path, wanted in goal.files.items())


_Found = tuple[dict[bytes, os.stat_result], set[bytes]]


def _look(root: Path, goal: Goal, admit: Admit | None) -> _Found:
    """Return the files and the directories that are there, but for what is kept."""

    def look(path: bytes) -> bool:
        return path not in goal.kept and (admit is None or admit(path))

    found = walk(os.fsencode(root), admit=look, across_repositories=True)
    there = dict((*found.files, *found.links, *found.special))
    return there, {path for path, _ in found.directories if path}


def _above(goal: Goal) -> set[bytes]:
    return {above for path in goal.kept for above in ancestors(path)}


def _is(root: Path, path: bytes, status: os.stat_result, wanted: WantedFile) -> bool:
    """Tell whether a path already is as it should be."""
    full = os.fsencode(root) + b"/" + path
    if wanted.mode is None:
        is_link = stat.S_ISLNK(status.st_mode)
        return is_link and object_id(b"blob", os.readlink(full)) == wanted.oid  # noqa: PTH115 -- bytes
    if not stat.S_ISREG(status.st_mode) or status.st_mode & _PERMISSIONS != wanted.mode:
        return False
    try:
        return Intake().read(full, status, ()) == wanted.oid
    except OSError:
        return False


class _Convergence:
    def __init__(self, root: Path, goal: Goal, objects: Objects, aside: Path) -> None:
        self._root, self._goal, self._objects = root, goal, objects
        self._aside = aside
        self._incoming = aside / ".incoming"
        self._above_kept = _above(goal)

    def run(self, admit: Admit | None) -> None:
        there, folders = _look(self._root, self._goal, admit)
        self._clear(there, folders)
        self._incoming.mkdir(exist_ok=True)
        for path in sorted(self._goal.directories.keys() - folders - {b""}):
            self._make_directory(path)
        for path, wanted in sorted(self._goal.files.items()):
            if path not in there or not _is(self._root, path, there[path], wanted):
                self._replace(path, wanted)
        self._set_directory_modes()
        self._forget_incoming()

    def _clear(self, there: dict[bytes, os.stat_result], folders: set[bytes]) -> None:
        """Move away what should not be there, whole directories at once."""
        gone: set[bytes] = set()
        for path in sorted(folders - self._goal.directories.keys() - self._above_kept):
            if not any(above in gone for above in ancestors(path)):
                self._put_aside(path)
                gone.add(path)
        for path in sorted(there.keys() - self._goal.files.keys()):
            if not any(above in gone for above in ancestors(path)):
                self._put_aside(path)
                del there[path]
        if gone:
            folders -= {one for one in folders if one in gone or gone.intersection(ancestors(one))}

    def _replace(self, path: bytes, wanted: WantedFile) -> None:
        """Write beside, move the old one aside, move the new one in."""
        new = self._written(wanted)
        with self._parent(path) as (parent, name):
            if _exists(name, parent):
                self._put_aside(path)
            os.rename(new, name, dst_dir_fd=parent)

    def _written(self, wanted: WantedFile) -> bytes:
        pieces = (
            [wanted.content] if wanted.content is not None else self._objects.pieces(wanted.oid)
        )
        descriptor, name = tempfile.mkstemp(dir=os.fsencode(self._incoming))
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            if wanted.mode is not None:
                os.fchmod(file.fileno(), wanted.mode)
                return name
        target = Path(os.fsdecode(name)).read_bytes()
        os.symlink(target, name + b".link")  # noqa: PTH211 -- bytes
        return name + b".link"

    def _put_aside(self, path: bytes) -> None:
        kept = self._free_place(path)
        with self._parent(path) as (parent, name):
            try:
                os.rename(name, kept, src_dir_fd=parent)
            except OSError as error:
                there = os.fsdecode(os.fsencode(self._root) + b"/" + path)
                raise PermanentError(
                    f"{there} could not be moved to {self._aside}: {error.strerror}"
                ) from error

    def _free_place(self, path: bytes) -> bytes:
        """Return a place that holds nothing: of an earlier, interrupted run there may be one."""
        for number in count():
            top = os.fsencode(self._aside) + b"/%d/" % number
            # Of what was moved there before, nothing may lead this one elsewhere.
            if any(_leads_astray(top + above) for above in ancestors(path)):
                continue
            kept = Path(os.fsdecode(top + path))
            if not os.path.lexists(kept):
                kept.parent.mkdir(parents=True, exist_ok=True)
                return os.fsencode(kept)
        raise AssertionError

    def _make_directory(self, path: bytes) -> None:
        with self._parent(path) as (parent, name):
            if not _exists(name, parent):
                os.mkdir(name, dir_fd=parent)

    @contextmanager
    def _parent(self, path: bytes) -> Iterator[tuple[int, bytes]]:
        """Open the directory a path is in, one step after the other, following no link."""
        *folders, name = path.split(b"/")
        here = os.open(self._root, _DIRECTORY)
        try:
            for folder in folders:
                below = os.open(folder, _DIRECTORY, dir_fd=here)
                os.close(here)
                here = below
            mode = os.fstat(here).st_mode & _PERMISSIONS
            if mode & _OWNER_WRITES != _OWNER_WRITES:
                os.fchmod(here, mode | _OWNER_WRITES)  # its own mode comes back at the end
            yield here, name
        finally:
            os.close(here)

    def _set_directory_modes(self) -> None:
        """Deepest first: a directory may be closed to its owner."""
        for path in sorted(self._goal.directories, reverse=True):
            mode = self._goal.directories[path]
            with self._parent(path or b".") as (parent, name):
                descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
                try:
                    if os.fstat(descriptor).st_mode & _PERMISSIONS != mode:
                        os.fchmod(descriptor, mode)
                finally:
                    os.close(descriptor)

    def _forget_incoming(self) -> None:
        """Remove our own half-written copies; a run that was killed leaves some."""
        for one in self._incoming.iterdir():
            one.unlink()
        self._incoming.rmdir()


def ancestors(path: bytes) -> Iterator[bytes]:
    """Give the directories a path is below, without the root."""
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _leads_astray(path: bytes) -> bool:
    here = Path(os.fsdecode(path))
    return here.is_symlink() or (here.exists() and not here.is_dir())


def _exists(name: bytes, parent: int) -> bool:
    try:
        os.lstat(name, dir_fd=parent)
    except FileNotFoundError:
        return False
    return True
