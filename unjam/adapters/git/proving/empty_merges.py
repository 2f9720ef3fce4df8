"""Tell which branches would change nothing if they were merged, all in one process."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import ask_in_batches, resolve_objects
from unjam.adapters.git.command import Git
from unjam.domain.world.identity import CommitId

_CLEAN = b"1"


class EmptyMerges(NamedTuple):
    """Tips whose merge would change nothing, and those of which that cannot be told."""

    empty: frozenset[str]
    damaged: frozenset[str]


def changing_nothing(common: Path, trunk: CommitId, tips: Sequence[str]) -> EmptyMerges:
    """Merge each tip into the trunk and compare the result with the trunk's own tree.

    It is done in a clean room: with the repository's own merge drivers merely emptied, Git fails
    wherever it would have run one. The merged trees go into a scratch store of the room.
    """
    if not tips:
        return EmptyMerges(frozenset(), frozenset())
    import shutil

    from unjam.adapters.git.room import clean_room

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
