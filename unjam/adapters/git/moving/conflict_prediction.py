"""Tell which branches would conflict with the trunk if they were merged now, all in one process.

It is the same merge as a landing's, under the trunk's own attributes, without any checkout: the
merged trees go into a scratch store that is gone afterwards.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.batches import ask_in_batches
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.merge import Conflict, contested, merging_room, without_base
from unjam.domain.world.identity import CommitId

_CLEAN = b"1"


def predicted(common: Path, trunk: CommitId, tips: Sequence[str]) -> dict[str, Conflict]:
    """Merge each tip into the trunk; return what conflicts. What cannot be merged for damage is left out."""
    if not tips:
        return {}
    with merging_room(common, trunk) as room:
        store = room.git_dir / "objects"
        (store / "info").mkdir(exist_ok=True)
        (store / "info/alternates").write_bytes(os.fsencode(common / "objects") + b"\n")
        apart, left, cut_off = replace(room, objects=store), sorted(set(tips)), list[str]()
        if (common / "shallow").is_file():
            shutil.copyfile(common / "shallow", room.git_dir / "shallow")
            cut_off = [one for one in left if not _shares_a_commit(apart, trunk, one)]
            left = [one for one in left if one not in cut_off]
        answers, _ = ask_in_batches(lambda some: _merge(apart, trunk, some), left)
    found = {tip: one for answer in answers for tip, one in answer.items() if one is not None}
    return found | dict.fromkeys(cut_off, without_base(common))


def _shares_a_commit(git: Git, trunk: CommitId, tip: str) -> bool:
    return git.run("merge-base", trunk, tip, accept=None).status != 1


def _merge(git: Git, trunk: CommitId, tips: Sequence[str]) -> dict[str, Conflict | None]:
    lines = "".join(f"{trunk} {tip}\n" for tip in tips).encode()
    answer = git.run(
        "merge-tree",
        "--write-tree",
        "--messages",
        "--allow-unrelated-histories",
        "--stdin",
        stdin=lines,
        accept=(0, 1),
    )
    found = zip(tips, _conflicts(answer.out), strict=True)
    return {tip: one.between(trunk, tip) if one else None for tip, one in found}


def _conflicts(out: bytes) -> Iterator[Conflict | None]:
    """Read what Git says of each merge: clean or not, the tree, the files, then what it tells."""
    fields = iter(out.split(b"\0"))
    for clean in fields:
        if not clean:
            return
        next(fields)  # the tree
        files = list(iter(lambda: next(fields, b""), b""))
        messages = list(_messages(fields))
        yield None if clean == _CLEAN else contested(files, messages)


def _messages(fields: Iterator[bytes]) -> Iterator[str]:
    """Yield groups of a count, so many paths, a kind and a sentence, up to what is no count.

    That is an empty field, into which Git 2.39 writes advice where a submodule conflicts.
    """
    for count in fields:
        if not count.isdigit():
            return
        yield os.fsdecode(count)
        for _ in range(int(count) + 2):
            yield os.fsdecode(next(fields))
