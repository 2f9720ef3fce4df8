"""What the trunk's reflog still knows of merges that a rebase of the trunk has flattened since."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from unjam.adapters.git.batches import read_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.proving.history import History
from unjam.adapters.git.reflog import Move

_MERGE = re.compile(r"merge (?:refs/heads/)?([^:]+): (Fast-forward)?")
_KEEPS = re.compile(r"commit|merge|pull|rebase|cherry-pick|revert|am\b")
_PARENT = re.compile(rb"^parent ([0-9a-f]{40})$", re.MULTILINE)


class RecordedMerge(NamedTuple):
    """The last merge of a branch's tip into the trunk."""

    commit: str
    kept: bool  # nothing that the reflog shows since can have dropped it
    certain: bool  # False: the merge itself is gone, and what it merged with it


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
