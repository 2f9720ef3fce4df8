"""Look up what a person needs to settle a conflict: lines, modes, and who changed what."""

import os
import re
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.merge import Conflict
from unjam.domain.scenarios.shared.conflict_sides import Contested, Hunk, IndexStage, Lines, places
from unjam.domain.world.identity import CommitId

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_REGULAR = ("100644", "100755")
_MOST = 5  # commits named for each side of a path
_MOST_PATHS = 50  # looked at in depth


def conflict_details(
    common: Path, trunk: CommitId, tip: CommitId, conflict: Conflict
) -> tuple[Contested, ...]:
    """Describe every path of a conflict; of very many, the first ones in depth."""
    git = Git(common).without_drivers()
    base = git.run("merge-base", trunk, tip, accept=(0, 1)).text
    found = []
    for number, path in enumerate(conflict.paths):
        stages = tuple(one for one in conflict.stages if one.path == path)
        if number >= _MOST_PATHS:
            found.append(Contested(path, stages))
            continue
        hunks = _hunks(git, stages)
        name = Contested(path, stages).known_as
        found.append(
            Contested(
                path,
                stages,
                tuple(places(*hunks)) if hunks else (),
                binary=hunks is None and _are_files(stages),
                trunk_commits=_commits(git, base, trunk, name),
                branch_commits=_commits(git, base, tip, name),
            )
        )
    return tuple(found)


def _are_files(stages: tuple[IndexStage, ...]) -> bool:
    return {one.side for one in stages} >= {2, 3} and all(one.mode in _REGULAR for one in stages)


def _hunks(git: Git, stages: tuple[IndexStage, ...]) -> tuple[list[Hunk], list[Hunk]] | None:
    """Return what each side changed; None where there are no lines to tell of."""
    if not _are_files(stages):
        return None
    blobs = {one.side: one.blob for one in stages}
    if 1 not in blobs:  # both added it: each line that differs is contested
        changed = _diff(git, blobs[2], blobs[3])
        if changed is None:
            return None
        return [Hunk(one.before, one.before) for one in changed], changed
    trunk, branch = _diff(git, blobs[1], blobs[2]), _diff(git, blobs[1], blobs[3])
    return None if trunk is None or branch is None else (trunk, branch)


def _diff(git: Git, before: str, after: str) -> list[Hunk] | None:
    out = git.run("diff", "--no-ext-diff", "--no-textconv", "--no-color", "-U0", before, after).out
    if b"\nBinary files " in out:
        return None
    found = ([None if one is None else int(one) for one in each] for each in _fields(out))
    return [Hunk(_lines(start, count), _lines(new, many)) for start, count, new, many in found]


def _fields(out: bytes) -> list[tuple[bytes | None, ...]]:
    return [one.groups() for one in _HUNK.finditer(out)]


def _lines(start: int | None, count: int | None) -> Lines:
    """Read Git's count: without one it is a line, and none begins behind the line it names."""
    first, many = start or 0, 1 if count is None else count
    return Lines(first + 1, first) if many == 0 else Lines(first, first + many - 1)


def _commits(git: Git, base: str, tip: CommitId, path: str) -> tuple[str, ...]:
    since = (f"^{base}",) if base else ()
    answer = git.run(
        "log",
        f"--max-count={_MOST}",
        "--no-merges",
        "--format=%h %an: %s",
        "-z",
        tip,
        *since,
        "--",
        f":(literal,top){path}",
    )
    return tuple(os.fsdecode(one) for one in answer.out.split(b"\0") if one)
