"""Tell which branches would change nothing if they were merged, all in one process."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unjam.adapters.git.batches import ask_in_batches
from unjam.adapters.git.command import Git
from unjam.domain.snapshot import CommitId

_CLEAN = b"1"


@dataclass(frozen=True, slots=True)
class EmptyMerges:
    """Tips whose merge would change nothing, and those of which that cannot be told."""

    empty: frozenset[str]
    damaged: frozenset[str]


def changing_nothing(
    git: Git, trunk: CommitId, trunk_tree: str, tips: Sequence[str]
) -> EmptyMerges:
    """Merge each tip into the trunk and compare the result with the trunk's own tree.

    ``git`` has its drivers off. The merged trees go into a scratch store: reading never writes.
    """
    if not tips:
        return EmptyMerges(frozenset(), frozenset())
    with tempfile.TemporaryDirectory(prefix="unjam-merges-") as scratch:
        info = Path(scratch, "info")
        info.mkdir()
        (info / "alternates").write_text(f"{git.git_dir / 'objects'}\n")
        apart = replace(git, objects=Path(scratch))
        answers, damaged = ask_in_batches(lambda some: _merge(apart, trunk, some), tips)
    trees = {tip: tree for answer in answers for tip, tree in answer.items()}
    empty = frozenset(tip for tip, tree in trees.items() if tree == trunk_tree)
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
