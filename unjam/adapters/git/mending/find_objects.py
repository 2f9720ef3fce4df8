"""Find lost objects again: in files, in indices, in what reflogs tell of commits, on the remote."""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import NOBODY
from unjam.adapters.git.index import DamagedIndexError, ForeignIndexError, read_index
from unjam.adapters.git.reflog import Move, read_reflog
from unjam.adapters.git.taking.pack import Content, write_pack
from unjam.adapters.git.taking.trees import Leaf, build_trees, object_id

_LARGEST = 256 << 20  # bytes of a file that is read to see whether it is the one
_MODES = {0o100644: b"100644", 0o100755: b"100755", 0o120000: b"120000", 0o160000: b"160000"}
_LOGGED = re.compile(
    rb"^([0-9a-f]{40}) ([0-9a-f]{40}) (.*> \d+ [-+]\d{4})\tcommit(?: \(initial\))?: (.*)$",
    re.MULTILINE,
)
_NOBODY = NOBODY.encode()
_MOST = 10  # paths that may be either way: a thousand guesses
_RECENT = 20  # moves of HEAD
_TAB = b"\t"
Guess = tuple[str, Mapping[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class SearchPlaces:
    """Where copies may be: directories with files, and admin directories with indices and reflogs."""

    common: Path
    files: tuple[Path, ...]
    admins: tuple[Path, ...]


@dataclass(slots=True)
class FoundObjects:
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


def find_here(places: SearchPlaces, wanted: Iterable[str]) -> FoundObjects:
    """Look for copies in this repository and its checkouts."""
    copies = FoundObjects(frozenset(wanted))
    roots = _offer_trees(places, copies)
    if copies.left:
        _offer_commits(places, roots, copies)
    if copies.left:
        _offer_files(places.files, copies)
    return copies


def take_from(apart: Git, copies: FoundObjects) -> None:
    """Look for what is still missing in another repository, such as a fresh copy of the remote."""
    for oid in sorted(copies.wanted - copies.found.keys()):
        kind = apart.run("cat-file", "-t", oid, accept=None)
        if kind.status == 0:
            content = apart.run("cat-file", kind.text, oid, accept=None)
            if content.status == 0:
                copies.offer(kind.text.encode(), content.out)


def put_back(common: Path, copies: FoundObjects) -> None:
    """Write what was found into a pack; whole and durable, or not at all."""
    contents = [
        Content(bytes.fromhex(oid), kind, len(content), iter([content]))
        for oid, (kind, content) in sorted(copies.found.items())
    ]
    if contents:
        write_pack(common / "objects/pack", contents, len(contents))


def _offer_trees(places: SearchPlaces, copies: FoundObjects) -> tuple[str, ...]:
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
        Leaf(one.path, _MODES.get(one.mode, b"%o" % one.mode), one.oid)
        for one in entries
        if not one.intended and not one.stage
    ]


def _offer_tree(root: bytes, trees: Mapping[bytes, bytes], copies: FoundObjects) -> str:
    for content in trees.values():
        copies.offer(b"tree", content)
    return root.hex()


def _offer_commits(places: SearchPlaces, roots: tuple[str, ...], copies: FoundObjects) -> None:
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


def _offer_commit(
    copies: FoundObjects, roots: tuple[str, ...], told: tuple[bytes, bytes, bytes]
) -> None:
    old, who, subject = told
    parent = b"" if old == _NOBODY else b"parent %b\n" % old
    for root in roots:
        head = b"tree %b\n%bauthor %b\ncommitter %b\n" % (root.encode(), parent, who, who)
        copies.offer(b"commit", head + b"\n" + subject + b"\n")


def _offer_files(roots: Iterable[Path], copies: FoundObjects) -> None:
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


def guess_trees(
    common: Path, admin: Path, staged: Collection[Leaf], wanted: Collection[str]
) -> Iterator[Guess]:
    """Give roots, each with all trees below it, for the lost commits or trees a reflog leads to."""
    git = Git(common)
    for move in reversed(read_reflog(admin, "HEAD")[-_RECENT:]):
        if move.new in wanted or _tree_of(git, move.new) in wanted:
            yield from _between(_listing(git, move), {one.path: one for one in staged})


def _between(before: Mapping[bytes, Leaf], staged: Mapping[bytes, Leaf]) -> Iterator[Guess]:
    paths = sorted(before.keys() | staged.keys())
    differing = [path for path in paths if before.get(path) != staged.get(path)]
    if len(differing) > _MOST:
        return
    for choice in product((staged, before), repeat=len(differing)):
        chosen = dict(staged)
        for path, side in zip(differing, choice, strict=True):
            chosen.pop(path, None)
            if path in side:
                chosen[path] = side[path]
        root, trees = build_trees(chosen.values())
        yield root.hex(), trees


def _tree_of(git: Git, commit: str) -> str:
    answer = git.run("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}", accept=None)
    if answer.status == 0:
        return answer.text
    # The tree itself may be what is lost: then only the commit's own text still names it.
    text = git.run("cat-file", "commit", commit, accept=None).out
    return text[5:45].decode("ascii", "replace") if text.startswith(b"tree ") else ""


def _listing(git: Git, move: Move) -> dict[bytes, Leaf]:
    if move.old == NOBODY:
        return {}
    answer = git.run("ls-tree", "-r", "-z", move.old, accept=None)
    leaves = {}
    for line in answer.out.split(b"\0"):
        about, tab, path = line.partition(_TAB)
        if tab:
            mode, _, oid = about.split()
            leaves[path] = Leaf(path, mode, bytes.fromhex(oid.decode()))
    return leaves
