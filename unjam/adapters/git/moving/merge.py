"""Merge without a checkout: nothing of the repository changes but its object store."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git, GitAnswer
from unjam.domain.scenarios.shared.conflict_sides import BRANCH_SIDE, TRUNK_SIDE, IndexStage
from unjam.domain.world.conflicts import CUT_OFF, DEEPEN
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError

_DURABLE = ("core.fsync=all",)
_LARGEST_LOOKED_AT = 4 << 20  # bytes; nobody leaves conflict markers in more
_AT_ONCE = 16  # blobs held in memory
_MARKERS = tuple(re.compile(one, re.MULTILINE) for one in (rb"^<{7} ", rb"^={7}\r?$", rb"^>{7} "))
_REGULAR = ("100644", "100755")
_CONFLICTED = 1  # exit status of merge-tree
_UNRELATED = "unrelated histories"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a commit names as author and committer."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge commit in the object store that no ref names yet."""

    commit: CommitId
    tree: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The two do not merge; kinds are Git's own: ``contents``, ``modify/delete``, …"""

    paths: tuple[str, ...]
    kinds: tuple[str, ...]
    messages: tuple[str, ...]
    stages: tuple[IndexStage, ...] = ()

    def between(self, trunk: str, branch: str) -> "Conflict":
        """Name the sides where Git names their commits: what is in conflict does not change with those.

        Git renames one of two that cannot both have a name: to ``a~<commit>``.
        """

        def plain(text: str, before: str = "") -> str:
            named = text.replace(f"{before}{trunk}", f"{before}{TRUNK_SIDE}")
            return named.replace(f"{before}{branch}", f"{before}{BRANCH_SIDE}")

        return replace(
            self,
            paths=tuple(plain(one, "~") for one in self.paths),
            messages=tuple(plain(one) for one in self.messages),
            stages=tuple(replace(one, path=plain(one.path, "~")) for one in self.stages),
        )

    @property
    def digest(self) -> str:
        """Stand for the conflict: the same while neither side changes what is in it."""
        text = repr((self.stages, self.kinds) if self.stages else self)
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Markers:
    """They merge, but the result holds conflict markers that somebody committed."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """The base has all of it already."""


def merge_onto(
    common: Path,
    sides: tuple[CommitId, CommitId],
    message: str,
    identity: Identity,
    when: datetime,
) -> Merged | Conflict | Markers | Nothing:
    """Merge a tip onto a base, given as (base, tip); the same arguments give the same commit."""
    base, tip = sides
    with merging_room(common, base) as room:
        answer = room.run("merge-tree", "--write-tree", "-z", base, tip, accept=None)
        if answer.status == _CONFLICTED:
            return conflict_in(answer).between(base, tip)
        if answer.status != 0:
            return _unmergeable(answer, common)
        tree = answer.fields()[0]
        if tree == room.run("rev-parse", "--verify", f"{base}^{{tree}}").text:
            return Nothing()
        marked = left_markers(room, base, tree)
        if marked:
            return Markers(marked)
        return Merged(commit_tree(room, tree, sides, message, authored(identity, when)), tree)


@contextmanager
def merging_room(common: Path, base: CommitId) -> Iterator[Git]:
    """Open a room in which the base's own attributes hold, as they would in a checkout of it."""
    with clean_room(common, exact=False) as bare:
        # merge-tree reads attributes from the work tree only; nothing else of it is looked at.
        work_tree = bare.git_dir.parent / "attributes"
        work_tree.mkdir()
        shallow = common / "shallow"
        known = {"GIT_SHALLOW_FILE": str(shallow)} if shallow.exists() else {}
        room = replace(
            bare.on(work_tree),
            settings=(*bare.settings, *_DURABLE),
            environment={**bare.environment, **known},
        )
        _lay_attributes(room, base, work_tree)
        yield room


def _lay_attributes(room: Git, base: CommitId, work_tree: Path) -> None:
    listing = room.run("ls-tree", "-r", "-z", "--full-tree", base)
    for line in listing.out.split(b"\0"):
        about, _, path = line.partition(b"\t")
        if path.rpartition(b"/")[2] != b".gitattributes":
            continue
        mode, _, blob = os.fsdecode(about).split(" ")
        if mode in _REGULAR:
            target = work_tree / os.fsdecode(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(room.run("cat-file", "blob", blob).out)


def conflict_in(answer: GitAnswer) -> Conflict:
    """Read why merge-tree could not merge."""
    files, _, told = answer.out.partition(b"\0\0")
    return contested(files.split(b"\0")[1:], [os.fsdecode(one) for one in told.split(b"\0")])


def contested(files: Sequence[bytes], told: Sequence[str]) -> Conflict:
    """Put together a conflict from the files Git lists, ``<mode> <blob> <side> TAB <path>``, and its words."""
    stages = []
    for one in files:
        about, tab, path = one.partition(b"\t")
        if tab:
            mode, blob, side = os.fsdecode(about).split(" ")
            stages.append(IndexStage(os.fsdecode(path), int(side), mode, blob))
    kinds, messages = _told(told)
    paths = dict.fromkeys(one.path for one in stages)
    return Conflict(tuple(paths), kinds, messages, tuple(stages))


def _told(fields: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read what merge-tree says: groups of a count, so many paths, a kind and a sentence."""
    kinds, messages = dict[str, None](), []
    place = 0
    while place < len(fields) and fields[place].isdigit():
        place += 1 + int(fields[place])
        kind, message = fields[place : place + 2]
        if kind.startswith("CONFLICT"):
            kinds[kind.removeprefix("CONFLICT (").removesuffix(")")] = None
            messages.append(message.strip())
        place += 2
    return tuple(kinds), tuple(messages)


def without_base(common: Path) -> Conflict:
    """Say what it means that two commits share none: in a shallow clone, only that it is not here."""
    if (common / "shallow").is_file():
        return Conflict((), (CUT_OFF,), (DEEPEN,))
    return Conflict((), (_UNRELATED,), ("it shares no commit with the trunk",))


def _unmergeable(answer: GitAnswer, common: Path) -> Conflict:
    if _UNRELATED in answer.err:
        return without_base(common)
    raise PermanentError(f"git merge-tree: {answer.err or answer.status}")


def authored(identity: Identity, when: datetime) -> dict[str, str]:
    """Say to Git who makes a commit, and when."""
    moment = f"{int(when.timestamp())} {when.strftime('%z') or '+0000'}"
    return {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", identity.name), ("EMAIL", identity.email), ("DATE", moment))
    }


def commit_tree(
    room: Git, tree: str, parents: Sequence[CommitId], message: str, by: dict[str, str]
) -> CommitId:
    """Make a commit that no ref names yet; the same arguments make the same commit."""
    named = [part for parent in parents for part in ("-p", parent)]
    committing = replace(room, environment={**room.environment, **by})
    made = committing.run(
        "commit-tree", tree, *named, "-F", "-", stdin=message.encode("utf-8", "surrogateescape")
    )
    return CommitId(made.text)


def left_markers(room: Git, base: CommitId, tree: str) -> tuple[str, ...]:
    """Name the files in which a tree has conflict markers that the base has not."""
    fields = room.run("diff-tree", "-r", "-z", "--no-renames", base, tree).fields()
    changed = {}
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, mode, old, new, _ = about.removeprefix(":").split(" ")
        if mode in _REGULAR:
            changed[path] = (old if old_mode in _REGULAR else None, new)
    marked = _marked(room, {new for _, new in changed.values()})
    before = _marked(room, {old for old, new in changed.values() if old and new in marked})
    return tuple(
        path for path, (old, new) in changed.items() if new in marked and old not in before
    )


def _marked(room: Git, blobs: set[str]) -> set[str]:
    """Return those of these blobs that hold all three conflict markers."""
    small = []
    for line in _batch(room, "--batch-check", sorted(blobs)).decode().splitlines():
        blob, _, size = line.partition(" ")[0], *line.rpartition(" ")[1:]
        if size.isdigit() and int(size) <= _LARGEST_LOOKED_AT:  # else it is missing
            small.append(blob)
    marked = set()
    for start in range(0, len(small), _AT_ONCE):
        contents = _batch(room, "--batch", small[start : start + _AT_ONCE])
        while contents:
            about, _, rest = contents.partition(b"\n")
            blob, _, size = about.decode().split(" ")
            body, contents = rest[: int(size)], rest[int(size) + 1 :]
            if all(marker.search(body) for marker in _MARKERS):
                marked.add(blob)
    return marked


def _batch(room: Git, how: str, names: Sequence[str]) -> bytes:
    if not names:
        return b""
    return room.run("cat-file", how, stdin="".join(f"{one}\n" for one in names).encode()).out


OURS = Identity("unjam", "unjam@localhost")
