"""Take one worktree in: everything a salvage is made of, computed; nothing written yet."""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.index import IndexEntry
from unjam.adapters.git.objects import ObjectHeader, Objects, open_objects
from unjam.adapters.git.taking import manifest, store
from unjam.adapters.git.taking.borrowed import below_trees, not_in_commit
from unjam.adapters.git.taking.capture import Captured, capture
from unjam.adapters.git.taking.ignored import IgnoredLimits, choose_skipped
from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.manifest import Manifest, decoded
from unjam.adapters.git.taking.pins import FIRST_DATE, HeadPosition, Pins, find_pins, position
from unjam.adapters.git.taking.staged_index import (
    SIDES,
    IndexState,
    StagedIndex,
    read_staged_index,
)
from unjam.adapters.git.taking.survey import Source, Survey, common_of, signature_of, survey
from unjam.adapters.git.taking.trees import (
    DIRECTORY,
    FILE,
    REPOSITORY,
    Leaf,
    build_trees,
    parse_tree,
    read_tree,
)
from unjam.adapters.git.taking.walk import WalkedEntry
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError

_STAMPS_FROM = 2_000  # files; fewer are read faster than they are reasoned about
_NEW_HASH = re.compile(rb"objectformat\s*=\s*sha256", re.IGNORECASE)
_CONVERTS = re.compile(rb"filter|working-tree-encoding", re.IGNORECASE)
_CONFIGURES = re.compile(rb"\[\s*filter|attributesfile|\[\s*include", re.IGNORECASE)
_CONFIGURES_GLOBALLY = re.compile(rb"attributesfile", re.IGNORECASE)
_ATTRIBUTES = b".gitattributes"
_EXECUTABLE, _SUBMODULE = 0o100755, 0o160000
_WORD = 0xFFFFFFFF
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What a salvage holds, and what it could not take; paths are below the worktree."""

    commit: CommitId
    tree: str
    signature: str
    tip: CommitId | None
    parents: tuple[CommitId, ...]
    limits: IgnoredLimits
    files: int
    bytes: int
    ignored_skipped: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    special: tuple[str, ...] = ()  # fifos, sockets and devices: they hold no bytes
    changed: tuple[str, ...] = ()  # files that changed while they were saved
    problems: tuple[str, ...] = ()
    vanished_share: float = 0.0  # of the tracked files, how many are not there

    @property
    def complete(self) -> bool:
        """Whether the worktree could go without anything being lost."""
        return not (self.ignored_skipped or self.unreadable or self.changed)


@dataclass(slots=True)
class Taken:
    """A salvage that is computed but perhaps not stored."""

    salvaged: Salvaged
    leaves: list[Leaf]
    trees: dict[bytes, bytes]
    trusted: set[bytes]  # blobs that were not read, because the file provably is its staged blob
    foreign: set[bytes]  # ids in the tree that are not objects of this repository
    unheld: set[bytes]  # objects of the repository that no commit holds which the salvage pins


@dataclass(slots=True)
class Shop:
    """What the salvages of one repository share: a clean room, and Git to ask about objects."""

    common: Path
    room: Git
    objects: Objects
    stamps_from: int = _STAMPS_FROM
    present: dict[bytes, ObjectHeader] = field(default_factory=dict)

    def listing(self, commit: str) -> Iterator[Leaf]:
        """Give every leaf of a commit's tree."""
        text = next(self.objects.contents([bytes.fromhex(commit)]))
        if not text.startswith(b"tree "):
            raise PermanentError(f"{commit} is no commit")
        root = bytes.fromhex(text[5:45].decode())
        return read_tree(root, self.objects.contents)

    def content(self, leaf: Leaf) -> bytes:
        """Return the bytes of one leaf."""
        return next(self.objects.contents([leaf.oid]))


@contextmanager
def open_shop(common: Path) -> Iterator[Shop]:
    """Open a shop over a repository; raises PermanentError for one with ids we cannot compute."""
    config = common / "config"
    if config.exists() and _NEW_HASH.search(config.read_bytes()):
        raise PermanentError(f"{common}: repositories with SHA-256 ids are not supported")
    with clean_room(common, objects=store.objects_of(common)) as room:
        for name in ("shallow", "info/exclude"):
            if (common / name).is_file():
                shutil.copyfile(common / name, room.git_dir / name)
        with open_objects(room) as objects:
            yield Shop(common, room, objects)


def take(shop: Shop, source: Source, limits: IgnoredLimits, intake: Intake) -> Taken:
    """Read everything of one source into ``intake`` and compute its salvage."""
    first_change = len(intake.changed)
    scene = _look(shop, source, limits)
    captured = _capture(shop, scene, intake)
    pins = _pins(shop, scene)
    staged, lost = _staged(shop, scene, intake)
    leaves = [*captured.leaves, *staged, *_pinned(shop, scene, pins)]
    facts = _manifest(scene, captured, (*scene.found.problems, *lost))
    leaves.append(Leaf(manifest.NAME, FILE, intake.keep(b"blob", facts.to_json())))
    root, trees = build_trees(leaves)
    for content in trees.values():
        intake.keep(b"tree", content)
    commit = intake.keep(b"commit", _commit(root, pins, source))
    salvaged = Salvaged(
        commit=CommitId(commit.hex()),
        tree=root.hex(),
        signature=signature_of(scene.found, scene.own_tip, captured.admin),
        tip=CommitId(facts.tip) if facts.tip else None,
        parents=tuple(CommitId(one.hex()) for one in pins.parents),
        limits=limits,
        files=len(captured.leaves),
        bytes=captured.bytes,
        ignored_skipped=decoded(sorted(scene.skipped)),
        unreadable=decoded(sorted(captured.unreadable)),
        special=decoded(sorted(captured.special)),
        changed=decoded(intake.changed[first_change:]),
        problems=facts.problems,
        vanished_share=_vanished(scene),
    )
    foreign = {leaf.oid for leaf in leaves if leaf.mode in {REPOSITORY, DIRECTORY}}
    unheld = _unheld(shop, scene, leaves, (root, trees), pins) - set(intake.everything())
    return Taken(salvaged, leaves, trees, captured.trusted, foreign, unheld)


@dataclass(frozen=True, slots=True)
class _Scene:
    """One source, listed; its files are not read yet."""

    found: Survey
    index: StagedIndex
    blobs: set[bytes]  # that the index needs
    where: HeadPosition
    own_tip: str | None  # as ``signature`` sees it, which does not know the repository
    tracked: frozenset[bytes]
    skipped: dict[bytes, int]
    limits: IgnoredLimits


def _look(shop: Shop, source: Source, limits: IgnoredLimits) -> _Scene:
    found = survey(shop.common, source)
    index = read_staged_index((source.admin or shop.room.git_dir / "none") / "index", shop.room)
    blobs = index.blobs()
    shop.present |= shop.objects.known(blobs - shop.present.keys())
    where = position(shop.common, source.admin)
    tracked = _tracked(shop, index, where)
    return _Scene(
        found=found,
        index=index,
        blobs=blobs,
        where=where,
        own_tip=position(common_of(source), source.admin).tip,
        tracked=tracked,
        skipped=choose_skipped(found, tracked, limits, shop.room),
        limits=limits,
    )


def _tracked(shop: Shop, index: StagedIndex, where: HeadPosition) -> frozenset[bytes]:
    """Return the paths that should be on disk: of the index, or of the tip where that is damaged."""
    if index.state is not IndexState.OK and where.tip is not None:
        try:
            leaves = list(shop.listing(where.tip))
        except PermanentError:
            return frozenset()
        return frozenset(leaf.path for leaf in leaves if leaf.mode != REPOSITORY)
    return frozenset(
        one.path for one in index.entries if not one.skipped and one.mode != _SUBMODULE
    )


def _capture(shop: Shop, scene: _Scene, intake: Intake) -> Captured:
    many = len(scene.found.worktree.files) >= shop.stamps_from
    stamps = stampable(scene.found, scene.index, shop.common) if many else {}

    def trust(entry: WalkedEntry) -> bytes | None:
        staged = stamps.get(entry.path)
        if staged and is_unchanged(staged, entry.status, scene.index, shop.present):
            return staged.oid
        return None

    return capture(scene.found, intake, shop.present, trust=trust, skipped=scene.skipped)


def _staged(shop: Shop, scene: _Scene, intake: Intake) -> tuple[list[Leaf], list[str]]:
    """Return the leaves of the index, and what it names that is nowhere any more."""
    leaves, lost = [], []
    for side, entries in scene.index.sides().items():
        for path, mode, oid in entries:
            if mode != REPOSITORY and oid not in shop.present and not intake.holds(oid):
                lost.append(f"{os.fsdecode(path)}: what was staged is not in the object store")
            else:
                leaves.append(Leaf(b"%b/%b" % (side, path), mode, oid))
    walked = scene.found.worktree
    places = {*walked.repositories, *walked.empty}
    leaves += [
        Leaf(b"worktree/" + one.path, REPOSITORY, one.oid)
        for one in scene.index.entries
        if one.mode == _SUBMODULE and one.stage == 0 and one.path in places
    ]
    return leaves, lost


def _pins(shop: Shop, scene: _Scene) -> Pins:
    admin = scene.found.source.admin
    if admin is None:
        return Pins((), (), FIRST_DATE)
    return find_pins(scene.where, scene.found.admin_files(), admin, shop.objects, shop.room)


def _pinned(shop: Shop, scene: _Scene, pins: Pins) -> list[Leaf]:
    blobs = [(b"blob", oid) for oid in scene.index.overwritten if oid in shop.present]
    modes = {b"blob": FILE, b"tree": DIRECTORY}
    return [
        Leaf(b"pinned/" + oid.hex().encode(), modes[kind], oid)
        for kind, oid in sorted({*pins.other, *blobs})
    ]


def _unheld(
    shop: Shop,
    scene: _Scene,
    leaves: list[Leaf],
    tree: tuple[bytes, dict[bytes, bytes]],
    pins: Pins,
) -> set[bytes]:
    """Return what the repository has and may collect one day: what is staged and not committed, mostly."""
    root, trees = tree
    sides = [one.oid for one in parse_tree(trees[root]) if one.path in SIDES]
    tip = scene.where.tip if pins.parents else None
    unheld = not_in_commit(shop.room, tip, sides, trees)
    unheld.update(oid for oid in scene.index.overwritten if oid in shop.present)
    unheld.update(oid for kind, oid in pins.other if kind == b"blob")
    unheld |= below_trees(shop.room, [oid for kind, oid in pins.other if kind == b"tree"], tip)
    elsewhere = shop.present.keys() - scene.blobs  # what other worktrees have staged
    return unheld.union(one.oid for one in leaves if one.oid in elsewhere) if elsewhere else unheld


def _manifest(scene: _Scene, captured: Captured, problems: tuple[str, ...]) -> Manifest:
    source = scene.found.source
    admin = next((one.walked for one in scene.found.places if one.label == "admin"), None)
    return Manifest(
        worktree=str(source.worktree),
        admin=str(source.admin) if source.admin else None,
        present=scene.found.worktree.present,
        registered=admin is not None and admin.present,
        head=scene.where.head,
        tip=scene.where.tip,
        index=scene.index.state,
        areas=tuple(captured.areas),
        skipped={os.fsdecode(path): size for path, size in scene.skipped.items()},
        ignored_left=scene.limits.total == 0,
        others=decoded(scene.found.others),
        without=tuple(str(one) for one in source.without),
        problems=problems,
    )


def _commit(root: bytes, pins: Pins, source: Source) -> bytes:
    who = f"unjam <unjam@localhost> {pins.date} +0000"
    lines = [
        f"tree {root.hex()}",
        *(f"parent {one.hex()}" for one in pins.parents),
        f"author {who}",
        f"committer {who}",
        "",
        f"Salvage of {source.worktree.name!a}",
        "",
    ]
    return "\n".join(lines).encode()


def _vanished(scene: _Scene) -> float:
    walked = scene.found.worktree
    there = {one.path for one in walked.files}
    there.update(one.path for one in walked.links)
    # Inside a nested repository nothing of ours is tracked, whatever the index says.
    return len(scene.tracked - there) / len(scene.tracked) if scene.tracked else 0.0


def stampable(found: Survey, index: StagedIndex, common: Path) -> dict[bytes, IndexEntry]:
    """Return the entries whose stat data may be believed; none where a conversion is possible."""
    if not index.written_ns or _may_convert(found, index, common):
        return {}
    return {one.path: one for one in index.entries if one.stage == 0}


def is_unchanged(
    entry: IndexEntry,
    status: os.stat_result,
    index: StagedIndex,
    known: Mapping[bytes, ObjectHeader],
) -> bool:
    """Tell whether this file certainly holds the bytes of its staged blob."""
    modified = status.st_mtime_ns
    blob = known.get(entry.oid)
    return (
        blob is not None
        and blob.size == status.st_size
        and modified < index.written_ns  # else it may have changed in the same tick
        and entry.mtime * _SECOND + entry.mtime_ns == modified
        and entry.ctime * _SECOND + entry.ctime_ns == status.st_ctime_ns
        and entry.inode == status.st_ino & _WORD
        and entry.size == status.st_size & _WORD
        and entry.owners == (status.st_uid & _WORD) << 32 | status.st_gid & _WORD
        and (entry.mode == _EXECUTABLE) == bool(status.st_mode & stat.S_IXUSR)
    )


def _may_convert(found: Survey, index: StagedIndex, common: Path) -> bool:
    on_disk = {one[0] for one in found.worktree.files if one[0].endswith(_ATTRIBUTES)}
    staged = {one.path for one in index.entries if one.path.endswith(_ATTRIBUTES)}
    if staged - on_disk:
        return True
    attributes = [Path(os.fsdecode(found.worktree.absolute(path))) for path in on_disk]
    home = Path.home()
    attributes += [common / "info/attributes", home / ".config/git/attributes"]
    admin = found.source.admin or common
    configurations = (common / "config", common / "config.worktree", admin / "config.worktree")
    return (
        _any(attributes, _CONVERTS)
        or _any(configurations, _CONFIGURES)
        or _any((home / ".gitconfig", home / ".config/git/config"), _CONFIGURES_GLOBALLY)
    )


def _any(paths: Iterable[Path], pattern: re.Pattern[bytes]) -> bool:
    for path in paths:
        try:
            if pattern.search(path.read_bytes()):
                return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False
