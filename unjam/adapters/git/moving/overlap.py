"""What a move from one commit to another would change in a checkout, and what is in the way.

Everything is worked out on copies of the index, so that a refusal has changed nothing.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import NOBODY
from unjam.adapters.git.moving.open_checkout import with_filter
from unjam.domain.world.identity import CommitId
from unjam.errors import RefusedError

_LINK, _SUBMODULE = "120000", "160000"
_NO_ENTRY = f"0 {NOBODY}"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file as a tree or an index has it."""

    mode: str
    blob: str

    @property
    def is_submodule(self) -> bool:
        """Tell a commit of another repository from a file."""
        return self.mode == _SUBMODULE


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that is not the same at both ends of the move; None where there is no such file."""

    path: str
    old: TreeEntry | None
    new: TreeEntry | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where each changed path stands."""

    changes: tuple[Changed, ...]
    settled: tuple[Changed, ...] = ()  # the index has the new side
    arrived: tuple[Changed, ...] = ()  # the file is the new side, the index has yet to say so
    unfinished: tuple[str, ...] = ()  # files that a killed attempt left half-written
    in_the_way: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()  # paths that a program of the repository converts
    edited: frozenset[str] = frozenset()  # files that differ from the index


def find_overlap(git: Git, old: CommitId, new: CommitId, *, resuming: bool) -> Overlap:
    """Look at every changed path; ``resuming`` tells that our own killed attempt may have been here."""
    changes = _changes(git, old, new)
    if not changes:
        return Overlap(())
    with tempfile.TemporaryDirectory(prefix="unjam-index-") as scratch:
        looking = _Looking(git, changes, Path(scratch), resuming=resuming)
        return looking.survey()


def bring_forward(git: Git, arrived: tuple[Changed, ...]) -> None:
    """Let the index say what is on disk already."""
    if arrived:
        git.run("update-index", "-z", "--replace", "--index-info", stdin=index_info(arrived))


def _changes(git: Git, old: CommitId, new: CommitId) -> tuple[Changed, ...]:
    listing = git.run("diff-tree", "-r", "-z", "--no-renames", "--raw", old, new).fields()
    changes = []
    for about, path in zip(listing[::2], listing[1::2], strict=True):
        old_mode, new_mode, old_blob, new_blob, _ = about.removeprefix(":").split(" ")
        changes.append(Changed(path, _entry(old_mode, old_blob), _entry(new_mode, new_blob)))
    return tuple(changes)


def _entry(mode: str, blob: str) -> TreeEntry | None:
    return TreeEntry(mode, blob) if set(blob) != {"0"} else None


def index_info(changes: tuple[Changed, ...]) -> bytes:
    """Write entries as update-index reads them: what goes away first, to make room."""
    gone = [f"{_NO_ENTRY}\t{one.path}\0" for one in changes if one.new is None]
    there = [f"{one.new.mode} {one.new.blob}\t{one.path}\0" for one in changes if one.new]
    return os.fsencode("".join((*gone, *there)))


@dataclass(slots=True)
class _Looking:
    """One survey at work."""

    git: Git
    changes: tuple[Changed, ...]
    scratch: Path
    resuming: bool
    entries: Mapping[str, list[tuple[str, TreeEntry]]] = field(
        init=False
    )  # by path: (stage, entry)
    hidden: frozenset[str] = field(init=False)  # left out of a sparse checkout
    edited: frozenset[str] = field(init=False)  # differ from the index
    differing: frozenset[str] = field(init=False)  # differ from the new side

    def survey(self) -> Overlap:
        current = self._copy_of(self.git.git_dir / "index", "current")
        self._read_entries(current)
        self.edited = modified(current)
        after = self._copy_of(self.scratch / "current", "after")
        info = index_info(self.changes)
        after.run("update-index", "-z", "--replace", "--index-info", stdin=info)
        self.differing = modified(after)
        settled, arrived = list[Changed](), list[Changed]()
        unfinished, in_the_way = list[str](), list[str]()
        for one in self.changes:
            if self._is_settled(one):
                settled.append(one)
            elif self._has_arrived(one):
                arrived.append(one)
            elif self._is_unfinished(one):
                unfinished.append(one.path)
            else:
                in_the_way.extend(self._obstacles(one))
        return Overlap(
            self.changes,
            tuple(settled),
            tuple(arrived),
            tuple(unfinished),
            tuple(dict.fromkeys(in_the_way)),
            self._filtered(current, after),
            self.edited,
        )

    def _copy_of(self, index: Path, name: str) -> Git:
        target = self.scratch / name
        try:
            shutil.copy2(index, target)  # with its mtime: Git's protection against races needs it
        except FileNotFoundError as error:
            raise RefusedError(f"{index} is missing; the checkout needs repair first") from error
        return self.git.on(index=target)

    def _read_entries(self, index: Git) -> None:
        entries: dict[str, list[tuple[str, TreeEntry]]] = {}
        hidden, masked = set(), []
        changed = {one.path for one in self.changes}
        for line in index.run("ls-files", "-s", "-v", "-z").fields():
            about, _, path = line.partition("\t")
            if path not in changed:
                continue
            tag, mode, blob, stage = about.split(" ")
            entries.setdefault(path, []).append((stage, TreeEntry(mode, blob)))
            if tag.upper() == "S" and not os.path.lexists(self._on_disk(path)):
                hidden.add(path)
            elif tag in ("S", "s") or tag.islower():
                masked.append(path)
        self.entries, self.hidden = entries, frozenset(hidden)
        names = os.fsencode("".join(f"{path}\0" for path in masked))
        for flag in ("--no-assume-unchanged", "--no-skip-worktree") if masked else ():
            index.run("update-index", "-z", flag, "--stdin", stdin=names)

    def _on_disk(self, path: str) -> Path:
        return Path(str(self.git.work_tree), path)

    def _index_has(self, path: str, entry: TreeEntry | None) -> bool:
        there = self.entries.get(path, [])
        return there == ([("0", entry)] if entry else [])

    def _is_settled(self, one: Changed) -> bool:
        return self._index_has(one.path, one.new)

    def _has_arrived(self, one: Changed) -> bool:
        if not self._index_has(one.path, one.old) or self._blocked_parent(one.path):
            return False
        if one.path in self.hidden:
            return False
        if one.new is None:
            return not os.path.lexists(self._on_disk(one.path))
        return not one.new.is_submodule and one.path not in self.differing

    def _is_unfinished(self, one: Changed) -> bool:
        """Recognise what a killed Git leaves: a file cut short. (A missing one it writes anyway.)"""
        if not self.resuming or one.new is None or one.new.mode in (_LINK, _SUBMODULE):
            return False
        place = self._on_disk(one.path)
        if self._blocked_parent(one.path) or not self._index_has(one.path, one.old):
            return False
        if not os.path.lexists(place) or not stat.S_ISREG(place.lstat().st_mode):
            return False
        if one.old is not None and one.path not in self.edited:
            return False
        whole = self.git.run("cat-file", "--filters", f"--path={one.path}", one.new.blob).out
        there = place.read_bytes()
        return len(there) < len(whole) and whole.startswith(there)

    def _obstacles(self, one: Changed) -> Iterator[str]:
        """Name what keeps the path from taking its new side; nothing, when it can."""
        place = self._on_disk(one.path)
        if not self._index_has(one.path, one.old):
            yield one.path
        elif one.path in self.hidden:
            return
        elif (blocked := self._blocked_parent(one.path)) is not None:
            yield blocked
        elif one.old is None:
            yield from self._untracked(one.path, place)
        elif not os.path.lexists(place):
            # Git would bring a file back that a person has deleted.
            if not self.resuming and not one.old.is_submodule:
                yield one.path
        elif one.path in self.edited or self._fills_submodule(one, place):
            yield one.path

    def _untracked(self, path: str, place: Path) -> Iterator[str]:
        """Name untracked files at a path that is to be written; Git would sacrifice ignored ones."""
        if not place.is_dir() or place.is_symlink():
            if os.path.lexists(place):
                yield path
            return
        leaving = {one.path for one in self.changes if one.new is None}
        top = Path(str(self.git.work_tree))
        for parent, directories, files in os.walk(place):
            links = [name for name in directories if Path(parent, name).is_symlink()]
            for name in (*files, *links):
                found = str(Path(parent, name).relative_to(top))
                if found not in leaving:
                    yield found

    def _blocked_parent(self, path: str) -> str | None:
        """Return the first directory of a path that is something else, unless it is to go."""
        leaving = {one.path for one in self.changes if one.new is None}
        parts = path.split("/")[:-1]
        for end in range(1, len(parts) + 1):
            parent = "/".join(parts[:end])
            place = self._on_disk(parent)
            if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
                return None if parent in leaving and parent not in self.edited else parent
        return None

    @staticmethod
    def _fills_submodule(one: Changed, place: Path) -> bool:
        """Tell where a file would have to take the place of another repository's checkout."""
        if one.old is None or one.old.is_submodule == (
            one.new is not None and one.new.is_submodule
        ):
            return False
        return place.is_dir() and any(place.iterdir())

    def _filtered(self, current: Git, after: Git) -> tuple[str, ...]:
        paths = [one.path for one in self.changes]
        # A move can bring attributes of its own: those of the new side count as well.
        found = (*with_filter(current, paths), *with_filter(after, paths, "--cached"))
        return tuple(dict.fromkeys(found))


def modified(index: Git) -> frozenset[str]:
    """Name files that differ from an index, which is refreshed: hand it a copy."""
    index.run("update-index", "-q", "--ignore-submodules", "--really-refresh", accept=None)
    listing = index.run("diff-files", "-z", "--name-only", "--ignore-submodules=all")
    return frozenset(listing.fields())
