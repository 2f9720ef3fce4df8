"""Find lost objects again: in files, in indices, in what reflogs tell of commits, on the remote."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.mending.guessed import guess_trees
from unjam.adapters.git.salvaging.pack import Content, write_pack
from unjam.adapters.git.salvaging.trees import Leaf, build_trees, object_id
from unjam.adapters.git.status.index_file import DamagedIndexError, ForeignIndexError, read_index

_LARGEST = 256 << 20  # bytes of a file that is read to see whether it is the one
_MODES = {0o100644: b"100644", 0o100755: b"100755", 0o120000: b"120000", 0o160000: b"160000"}
_LOGGED = re.compile(
    rb"^([0-9a-f]{40}) ([0-9a-f]{40}) (.*> \d+ [-+]\d{4})\tcommit(?: \(initial\))?: (.*)$",
    re.MULTILINE,
)
_NOBODY = b"0" * 40


@dataclass(frozen=True, slots=True)
class Places:
    """Where copies may be: directories with files, and admin directories with indices and reflogs."""

    common: Path
    files: tuple[Path, ...]
    admins: tuple[Path, ...]


@dataclass(slots=True)
class Copies:
    """What was found: kind and content by id."""

    wanted: frozenset[str]
    found: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)

    @property
    def left(self) -> bool:
        """Whether something is still looked for."""
        return bool(self.wanted - self.found.keys())

    def offer(self, kind: bytes, content: bytes) -> None:
        """Take an object if it is one of the lost."""
        oid = object_id(kind, content).hex()
        if oid in self.wanted:
            self.found.setdefault(oid, (kind, content))


def find_here(places: Places, wanted: Iterable[str]) -> Copies:
    """Look for copies in this repository and its checkouts."""
    copies = Copies(frozenset(wanted))
    roots = _offer_trees(places, copies)
    if copies.left:
        _offer_commits(places, roots, copies)
    if copies.left:
        _offer_files(places.files, copies)
    return copies


def take_from(apart: Git, copies: Copies) -> None:
    """Look for what is still missing in another repository, such as a fresh copy of the remote."""
    for oid in sorted(copies.wanted - copies.found.keys()):
        kind = apart.run("cat-file", "-t", oid, accept=None)
        if kind.status == 0:
            content = apart.run("cat-file", kind.text, oid, accept=None)
            if content.status == 0:
                copies.offer(kind.text.encode(), content.out)


def put_back(common: Path, copies: Copies) -> None:
    """Write what was found into a pack; whole and durable, or not at all."""
    contents = [
        Content(bytes.fromhex(oid), kind, len(content), iter([content]))
        for oid, (kind, content) in sorted(copies.found.items())
    ]
    if contents:
        write_pack(common / "objects/pack", contents, len(contents))


def _offer_trees(places: Places, copies: Copies) -> tuple[str, ...]:
    """Compute the trees of every index; returns those that a whole commit may have had."""
    roots = []
    for admin in places.admins:
        leaves = _staged(admin)
        roots.append(_offer_tree(*build_trees(leaves), copies))
        if copies.left:
            for root, trees in guess_trees(places.common, admin, leaves, copies.wanted):
                roots.append(_offer_tree(bytes.fromhex(root), trees, copies))
    return tuple(dict.fromkeys(roots))


def _staged(admin: Path) -> list[Leaf]:
    try:
        entries = read_index(admin / "index").entries
    except (DamagedIndexError, ForeignIndexError):
        return []
    return [
        Leaf(one.path, _MODES.get(one.mode, b"%o" % one.mode), one.blob)
        for one in entries
        if not one.intended
    ]


def _offer_tree(root: bytes, trees: Mapping[bytes, bytes], copies: Copies) -> str:
    for content in trees.values():
        copies.offer(b"tree", content)
    return root.hex()


def _offer_commits(places: Places, roots: tuple[str, ...], copies: Copies) -> None:
    """Write lost commits again as their reflog tells them: plain commits of one line, one parent."""
    logs = [*(one / "logs/HEAD" for one in places.admins)]
    logs += sorted((places.common / "logs/refs").rglob("*"))
    for log in logs:
        try:
            text = log.read_bytes() if log.is_file() and not log.is_symlink() else b""
        except OSError:
            continue
        for old, new, who, subject in _LOGGED.findall(text):
            if new.decode() in copies.wanted:
                _offer_commit(copies, roots, (old, who, subject))


def _offer_commit(copies: Copies, roots: tuple[str, ...], told: tuple[bytes, bytes, bytes]) -> None:
    old, who, subject = told
    parent = b"" if old == _NOBODY else b"parent %b\n" % old
    for root in roots:
        head = b"tree %b\n%bauthor %b\ncommitter %b\n" % (root.encode(), parent, who, who)
        copies.offer(b"commit", head + b"\n" + subject + b"\n")


def _offer_files(roots: Iterable[Path], copies: Copies) -> None:
    for path in _files(roots):
        if not copies.left:
            return
        content = _content(path)
        if content is not None:
            copies.offer(b"blob", content)


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        for directory, names, files in os.walk(root):
            names[:] = [one for one in names if one != ".git"]
            yield from (Path(directory, one) for one in files)


def _content(path: Path) -> bytes | None:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return os.fsencode(path.readlink())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        return path.read_bytes()
    except OSError:
        return None
