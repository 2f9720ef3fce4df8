"""Find branches whose ref is gone or unreadable while their reflog still tells where they stood."""

import os
from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.batches import resolve_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import COMMIT, NOBODY
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.refs import BRANCHES
from unjam.adapters.git.tips import Tips
from unjam.domain.damage import LostBranch
from unjam.domain.snapshot import CommitId

_DAMAGED = "it is damaged"


def find_lost_branches(common: Path, tips: Tips, *, thorough: bool) -> tuple[LostBranch, ...]:
    """Name unreadable branches; ``thorough``, also those of which only the reflog is left.

    Git removes a branch's reflog with the branch: one without the other was lost, not deleted.
    """
    lost = {
        ref
        for one in tips.unknown
        if one.because == _DAMAGED and (ref := one.what.removeprefix("ref ")).startswith(BRANCHES)
    }
    if thorough:
        lost |= {ref for ref in _logged(common) if ref not in tips.named}
    return tuple(LostBranch(ref, last_of(common, ref)) for ref in sorted(lost))


def last_of(common: Path, ref: str, admin: Path | None = None) -> CommitId | None:
    """Return the last commit, of those that are there, that a branch's reflog names.

    Without one, that of the checkout which is on it.
    """
    moves = read_reflog(common, ref) or (read_reflog(admin, "HEAD") if admin else ())
    named = sorted({one.new for one in moves if one.new != NOBODY and COMMIT.fullmatch(one.new)})
    there = resolve_objects(Git(common), named) if named else {}
    sound = {one for one, kind in there.items() if kind and kind[1] == "commit"}
    return next((CommitId(one.new) for one in reversed(moves) if one.new in sound), None)


def _logged(common: Path) -> Iterator[str]:
    top = common / "logs" / BRANCHES
    for directory, _, files in os.walk(top):
        for name in files:
            if not name.endswith(".lock"):
                yield BRANCHES + os.path.relpath(os.path.join(directory, name), top)  # noqa: PTH118 -- text
