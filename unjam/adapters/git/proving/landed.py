"""Prove that branches' work is in the trunk, or that it was and has been taken back out."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import ask_in_batches, read_objects, resolve_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.proving.commit_graph import History
from unjam.adapters.git.proving.copies import Copies, CopyFinder, Work, whole_of
from unjam.adapters.git.proving.patches import Span, changed_paths
from unjam.adapters.git.proving.reverts import Reverts
from unjam.adapters.git.reflog import Move
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Proof
from unjam.domain.world.truth import Truth

_MERGE = re.compile(r"merge (?:refs/heads/)?([^:]+): (Fast-forward)?")
_KEEPS = re.compile(r"commit|merge|pull|rebase|cherry-pick|revert|am\b")
_PARENT = re.compile(rb"^parent ([0-9a-f]{40})$", re.MULTILINE)
_CLEAN = b"1"


class EmptyMerges(NamedTuple):
    """Tips whose merge would change nothing, and those of which that cannot be told."""

    empty: frozenset[str]
    damaged: frozenset[str]


class RecordedMerge(NamedTuple):
    """The last merge of a branch's tip into the trunk."""

    commit: str
    kept: bool  # nothing that the reflog shows since can have dropped it
    certain: bool  # False: the merge itself is gone, and what it merged with it


class LandedBranch(NamedTuple):
    """Whether a branch has landed, how that is known, and what took it back out."""

    landed: Truth
    proof: Proof | None = None
    reverted_by: CommitId | None = None
    holds_work: bool = True


NOT_LANDED = LandedBranch(Truth.NO)
_NOTHING_TO_LAND = LandedBranch(Truth.NO, holds_work=False)
CANNOT_TELL = LandedBranch(Truth.UNKNOWN)
_REACHED = LandedBranch(Truth.YES, Proof.ANCESTOR)


class Trunk(NamedTuple):
    """The trunk, as proofs need it."""

    tip: CommitId
    history: History
    moves: tuple[Move, ...]
    reverts: Reverts


def prove_reached(trunk: Trunk, own: Sequence[str], merges: Sequence[str]) -> LandedBranch:
    """Judge a branch with work of its own whose tip the trunk reaches."""
    if not trunk.reverts:
        return _REACHED
    for merge in merges:
        if revert := trunk.reverts.active(merge):
            return LandedBranch(Truth.NO, reverted_by=revert)
    patches = [one for one in own if not trunk.history.is_merge(one)]
    if patches and (undone := _undone(trunk, [(one,) for one in patches])):
        return LandedBranch(Truth.NO, reverted_by=undone)
    return _REACHED


def prove_beyond(git: Git, trunk: Trunk, works: dict[str, Work]) -> dict[str, LandedBranch]:
    """Judge branches (by ref) with work of their own whose tips the trunk does not reach.

    ``git`` has its drivers off.
    """
    tips = {ref: work.tip for ref, work in works.items()}
    recorded = recorded_merges(git, trunk.history, trunk.moves, tips)
    finder = CopyFinder(git, trunk.history)
    copies = finder.on_the_line(list(works.values()))
    found = _judged_by_copies(trunk, copies, works, recorded)
    # Elsewhere there may be another copy, or the only one: that is looked for where it matters.
    rest = {ref: work for ref, work in works.items() if not _settled(found[ref])}
    found |= _judged_by_copies(trunk, finder.everywhere(list(rest.values())), rest, recorded)
    undecided = {ref: work for ref, work in rest.items() if found[ref] is None}
    promising = _promising(git, trunk, finder, undecided)
    merges = changing_nothing(git.git_dir, trunk.tip, promising)
    hollow = {
        ref
        for ref, work in undecided.items()
        if work.tip in merges.empty and ref not in recorded and finder.changes_nothing(work)
    }
    landed = {
        ref: landing or _by_merge(trunk, merges, works[ref], recorded.get(ref))
        for ref, landing in found.items()
    }
    return landed | dict.fromkeys(hollow, _NOTHING_TO_LAND)


def _settled(landing: LandedBranch | None) -> bool:
    return landing is not None and landing.landed is Truth.YES


def _promising(git: Git, trunk: Trunk, finder: CopyFinder, works: Mapping[str, Work]) -> list[str]:
    """Leave out tips whose merge must change the trunk: of a path they change it still has the base's.

    Merging is what costs; this is one comparison of trees for each base.
    """
    line = trunk.history.line
    bases = {
        ref: line[work.base.place] for ref, work in works.items() if work.base.place < len(line)
    }
    spans = [Span(base, trunk.tip) for base in sorted(set(bases.values()))]
    since = {span.end: set(paths) for span, paths in changed_paths(git, spans).items()}
    tips = set()
    for ref, work in works.items():
        paths, moved = finder.paths_of(work), since.get(bases.get(ref, ""))
        if paths is None or moved is None or moved.issuperset(paths):
            tips.add(work.tip)
    return sorted(tips)


def _judged_by_copies(
    trunk: Trunk,
    copies: Copies,
    works: Mapping[str, Work],
    recorded: Mapping[str, RecordedMerge],
) -> dict[str, LandedBranch | None]:
    return {ref: _by_copies(trunk, copies, work, recorded.get(ref)) for ref, work in works.items()}


def _by_copies(
    trunk: Trunk, copies: Copies, work: Work, recorded: RecordedMerge | None
) -> LandedBranch | None:
    for spans in (_whole(trunk, work), _each(trunk, work)):
        groups = [copies.of(span, work.base) for span in spans]
        if groups and all(groups):
            undone = _undone(trunk, groups) or _undone_by_name(trunk, work, recorded)
            if undone:
                return LandedBranch(Truth.NO, reverted_by=undone)
            return LandedBranch(Truth.YES, Proof.PATCHES)
    return None


def _by_merge(
    trunk: Trunk, merges: EmptyMerges, work: Work, recorded: RecordedMerge | None
) -> LandedBranch:
    if work.tip in merges.empty:
        return LandedBranch(Truth.YES, Proof.CONTENT)
    if recorded and recorded.kept:
        undone = _undone_by_name(trunk, work, recorded)
        if undone:
            return LandedBranch(Truth.NO, reverted_by=undone)
        return LandedBranch(Truth.YES, Proof.REFLOG) if recorded.certain else CANNOT_TELL
    return CANNOT_TELL if work.tip in merges.damaged else NOT_LANDED


def _whole(trunk: Trunk, work: Work) -> list[Span]:
    whole = whole_of(work, trunk.history)
    return [whole] if whole else []


def _each(trunk: Trunk, work: Work) -> list[Span]:
    # A merge may hold work of its own, which no patch of the others shows.
    if any(trunk.history.is_merge(one) for one in work.own):
        return []
    return [Span(one) for one in work.own]


def _undone(trunk: Trunk, groups: Sequence[Sequence[str]]) -> CommitId | None:
    """Return a revert if every patch was reverted in all its copies."""
    first = None
    for revert in (trunk.reverts.active(copy) for copies in groups for copy in copies):
        if revert is None:
            return None
        first = first or revert
    return first


def _undone_by_name(trunk: Trunk, work: Work, recorded: RecordedMerge | None) -> CommitId | None:
    """Return a revert of what was landed before a rebase of the trunk gave it other names."""
    if recorded and (revert := trunk.reverts.active(recorded.commit)):
        return revert
    patches = [one for one in work.own if not trunk.history.is_merge(one)]
    return _undone(trunk, [(one,) for one in patches]) if patches else None


def recorded_merges(
    git: Git, history: History, moves: tuple[Move, ...], tips: Mapping[str, str]
) -> dict[str, RecordedMerge]:
    """Find for branches (ref to tip) the recorded merge of just this tip."""
    last = _last_merges(moves, tips)
    unread = {moves[at].new for at, _ in last.values() if not history.knows(moves[at].new)}
    objects = read_objects(git, [name.encode() for name in sorted(unread)])
    dropped_at = max((at for at, move in enumerate(moves) if not _keeps(move)), default=-1)
    found = {}
    for ref, (at, forward) in last.items():
        merge = moves[at].new
        merged = (merge,) if forward else _parents(merge, history, objects)
        if merged is None or tips[ref] in merged:
            found[ref] = RecordedMerge(merge, kept=dropped_at < at, certain=merged is not None)
    return found


def _last_merges(moves: tuple[Move, ...], tips: Mapping[str, str]) -> dict[str, tuple[int, bool]]:
    last = {}
    for at, move in enumerate(moves):
        found = _MERGE.match(move.message)
        if found and (ref := f"refs/heads/{found[1]}") in tips:
            last[ref] = (at, bool(found[2]))
    return last


def _keeps(move: Move) -> bool:
    return move.creates or _KEEPS.match(move.message) is not None


def _parents(
    merge: str, history: History, objects: Mapping[bytes, bytes | None]
) -> tuple[str, ...] | None:
    """Return what was merged; None if the merge cannot be read any more."""
    if history.knows(merge):
        return history.parents(merge)[1:]
    content = objects.get(merge.encode())
    if content is None:
        return None
    head = content.partition(b"\n\n")[0]
    return tuple(name.decode("ascii") for name in _PARENT.findall(head))[1:]


def changing_nothing(common: Path, trunk: CommitId, tips: Sequence[str]) -> EmptyMerges:
    """Merge each tip into the trunk and compare the result with the trunk's own tree.

    It is done in a clean room: with the repository's own merge drivers merely emptied, Git fails
    wherever it would have run one. The merged trees go into a scratch store of the room.
    """
    if not tips:
        return EmptyMerges(frozenset(), frozenset())
    import shutil

    from unjam.adapters.git.clean_room import clean_room

    with clean_room(common, exact=False) as room:
        store = room.git_dir / "objects"
        (store / "info").mkdir()
        (store / "info/alternates").write_bytes(os.fsencode(common / "objects") + b"\n")
        if (common / "shallow").is_file():
            shutil.copyfile(common / "shallow", room.git_dir / "shallow")
        apart = replace(room, objects=store)
        answers, damaged = ask_in_batches(lambda some: _merge(apart, trunk, some), tips)
        (trunks,) = resolve_objects(apart, [f"{trunk}^{{tree}}"]).values()
    trees = {tip: tree for answer in answers for tip, tree in answer.items()}
    empty = frozenset(tip for tip, tree in trees.items() if trunks and tree == trunks[0])
    return EmptyMerges(empty, frozenset(damaged))


def _merge(git: Git, trunk: CommitId, tips: Sequence[str]) -> dict[str, str | None]:
    lines = "".join(f"{trunk} {tip}\n" for tip in tips).encode()
    answer = git.run(
        "merge-tree",
        "--write-tree",
        "--no-messages",
        "--name-only",
        "--allow-unrelated-histories",
        "--stdin",
        stdin=lines,
        accept=(0, 1),
    )
    return dict(zip(tips, _trees(answer.out), strict=True))


def _trees(out: bytes) -> Iterator[str | None]:
    """Read ``<clean> NUL <tree> NUL (<path> NUL)* NUL`` for each merge; None where it conflicts."""
    fields = iter(out.split(b"\0"))
    for clean in fields:
        if not clean:
            return
        tree = next(fields).decode("ascii")
        yield tree if clean == _CLEAN else None
        while next(fields, b""):
            pass
