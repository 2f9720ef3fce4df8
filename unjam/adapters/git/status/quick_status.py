"""Compare a worktree's files with its index: one ``lstat`` a file, a hash only on doubt.

Gives the answers of ``git status`` without a process, and some that Git hides: edits behind
``assume-unchanged`` and behind a sparse checkout, and files in a directory that has taken the
place of a tracked file.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from unjam.adapters.git.files import read_small
from unjam.adapters.git.index import Index, IndexEntry
from unjam.adapters.git.status.untracked import (
    UnreadableError,
    UntrackedPath,
    is_below,
    look_around,
    not_ignored,
)

_BLOCK = 1 << 20
_AS_A_PLACE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_LINK = 0o120000
_SUBMODULE = 0o160000
_EXECUTABLE = 0o100
_ALWAYS = re.compile(rb"filter|ident|working-tree-encoding")
_LINE_ENDS = re.compile(rb"text|eol|crlf")
_LIMIT = 1 << 24  # bytes
_ON = {"true", "input", "yes", "on", "1"}


class Conversion(IntEnum):
    """How much a file's bytes may differ from its blob."""

    NONE = 0
    LINE_ENDS = 1  # only where the file has a carriage return
    ANY = 2


class Attributes:
    """The attributes of one worktree, read only where somebody asks."""

    def __init__(self, root: bytes, shared: bytes, *, autocrlf: str = "") -> None:
        self._root = root
        self._known: dict[bytes, Conversion] = {}
        self._everywhere = _named_in(shared)
        if autocrlf.lower() in _ON:
            self._everywhere = max(self._everywhere, Conversion.LINE_ENDS)

    def conversion_in(self, directory: bytes) -> Conversion:
        """Return the most that any attribute in force below this directory could convert."""
        known = self._known.get(directory)
        if known is None:
            here = self._root + b"/" + directory if directory else self._root
            content = read_small(here + b"/.gitattributes", limit=_LIMIT)
            above = (
                self.conversion_in(directory.rpartition(b"/")[0]) if directory else self._everywhere
            )
            known = self._known[directory] = max(above, _named_in(content or b""))
        return known


class AskGitError(Exception):
    """Only Git itself can tell what changed here, and why that is so."""


class FilteredError(AskGitError):
    """Files may have gone through a filter, which is never run here."""


class Rules(NamedTuple):
    """What the repository's configuration says about comparing files."""

    file_mode: bool = True
    autocrlf: str = ""
    ignores: bytes = b""  # info/exclude
    attributes: bytes = b""  # info/attributes


@dataclass(slots=True)
class Changes:
    """Paths by what happened to them since they were staged."""

    modified: list[bytes] = field(default_factory=list)
    deleted: list[bytes] = field(default_factory=list)
    untracked: list[bytes] = field(default_factory=list)
    conflicted: list[bytes] = field(default_factory=list)


def compare_files(root: bytes, index: Index, rules: Rules) -> Changes:
    """Compare the files below ``root`` with the index.

    Raises AskGitError and OddPatternError where Git has to be asked, UnreadableError where
    nobody can tell.
    """
    return _Comparison(root, rules).carry_out(index)


class _Comparison:
    def __init__(self, root: bytes, rules: Rules) -> None:
        self._root = root
        self._rules = rules
        self._attributes = Attributes(root, rules.attributes, autocrlf=rules.autocrlf)
        self._changes = Changes()
        self._candidates: list[UntrackedPath] = []
        self._here = -1

    def carry_out(self, index: Index) -> Changes:
        tracked = {entry.path for entry in index.entries}
        self._candidates, hidden = look_around(self._root, tracked)
        entries = index.entries
        if index.conflicted:
            entries = [entry for entry in entries if not entry.stage]
            self._changes.conflicted += index.conflicted
            self._leave_directories_to_git(index.conflicted)
        if hidden:
            gone = [entry for entry in entries if is_below(entry.path, hidden)]
            self._changes.deleted += [entry.path for entry in gone if not entry.skipped]
            entries = [entry for entry in entries if not is_below(entry.path, hidden)]
        with self._opened():
            self._compare(entries, index.written_ns)
        self._changes.untracked += not_ignored(self._root, self._candidates, self._rules.ignores)
        return self._changes

    def _leave_directories_to_git(self, conflicted: set[bytes]) -> None:
        for path in conflicted:
            if os.path.isdir(self._root + b"/" + path):  # noqa: PTH112 -- a path in bytes
                raise AskGitError("a directory is where files conflict")

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Hold the directory open: its own path is then walked once, not for every file."""
        try:
            self._here = os.open(self._root, _AS_A_PLACE)
        except OSError as error:
            raise UnreadableError(f"{os.fsdecode(self._root)}: {error.strerror}") from error
        try:
            yield
        finally:
            os.close(self._here)

    def _compare(self, entries: list[IndexEntry], written_ns: int) -> None:
        look = os.lstat
        for entry in entries:
            try:
                found = look(entry.path, dir_fd=self._here)
            except FileNotFoundError:
                if not entry.skipped:
                    self._changes.deleted.append(entry.path)
                continue
            except OSError as error:
                raise UnreadableError(f"{os.fsdecode(entry.path)}: {error.strerror}") from error
            if not (
                found.st_mtime_ns == entry.mtime * 1_000_000_000 + entry.mtime_ns
                and found.st_size == entry.size
                and found.st_ctime_ns == entry.ctime * 1_000_000_000 + entry.ctime_ns
                and found.st_ino & 0xFFFFFFFF == entry.inode
                and found.st_mtime_ns
                < written_ns  # else it may have changed since, in the same instant
                and not entry.intended
            ):
                self._judge(entry, found)

    def _judge(self, entry: IndexEntry, found: os.stat_result) -> None:
        path = self._root + b"/" + entry.path
        if entry.mode == _SUBMODULE:
            self._judge_submodule(path, entry, found)
        elif stat.S_ISDIR(found.st_mode):
            directory, _, name = entry.path.rpartition(b"/")
            self._changes.deleted.append(entry.path)
            self._candidates.append(UntrackedPath(directory, name, is_directory=True))
        elif entry.intended or self._differs(path, entry, found):
            self._changes.modified.append(entry.path)

    def _judge_submodule(self, path: bytes, entry: IndexEntry, found: os.stat_result) -> None:
        if not stat.S_ISDIR(found.st_mode):
            self._changes.modified.append(entry.path)
        elif any(os.scandir(path)):
            raise UnreadableError(f"submodule {os.fsdecode(entry.path)} was not looked into")

    def _differs(self, path: bytes, entry: IndexEntry, found: os.stat_result) -> bool:
        if self._kind_differs(entry, found):
            return True
        if stat.S_ISLNK(found.st_mode):
            return _blob(os.readlink(path)) != entry.oid  # noqa: PTH115 -- a path in bytes
        if entry.size not in (0, found.st_size):
            return True
        conversion = self._attributes.conversion_in(entry.path.rpartition(b"/")[0])
        if conversion is Conversion.ANY:
            raise FilteredError("attributes convert its files")
        blob, has_return = _blob_of_file(path, found.st_size)
        if conversion is Conversion.LINE_ENDS and has_return:
            raise AskGitError("attributes convert its line ends")
        return blob != entry.oid

    def _kind_differs(self, entry: IndexEntry, found: os.stat_result) -> bool:
        if not stat.S_ISREG(found.st_mode):
            return not (stat.S_ISLNK(found.st_mode) and entry.mode == _LINK)
        if entry.mode == _LINK:
            return True
        changed = (found.st_mode ^ entry.mode) & _EXECUTABLE
        return self._rules.file_mode and bool(changed)


def _blob(content: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).digest()  # noqa: S324 -- Git's format


def _blob_of_file(path: bytes, size: int) -> tuple[bytes, bool]:
    """Hash a file as Git would, and tell whether it has a carriage return."""
    digest = hashlib.sha1(b"blob %d\0" % size)  # noqa: S324 -- Git's format
    has_return = False
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 -- a path in bytes
            while block := file.read(_BLOCK):
                digest.update(block)
                has_return = has_return or b"\r" in block
    except OSError as error:
        raise UnreadableError(f"{os.fsdecode(path)}: {error.strerror}") from error
    return digest.digest(), has_return


def _named_in(content: bytes) -> Conversion:
    if _ALWAYS.search(content):
        return Conversion.ANY
    return Conversion.LINE_ENDS if _LINE_ENDS.search(content) else Conversion.NONE
