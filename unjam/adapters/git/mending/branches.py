"""Find branches whose ref is gone or unreadable while their reflog still tells where they stood."""

import os
from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.refs import BRANCHES
from unjam.adapters.git.tips import Tips, last_of
from unjam.domain.world.damage import LostBranch

_REMOTE = "refs/remotes/"


def find_lost_branches(common: Path, tips: Tips, *, thorough: bool) -> tuple[LostBranch, ...]:
    """Name unreadable branches; ``thorough``, also those of which only the reflog is left.

    Git removes a branch's reflog with the branch: one without the other was lost, not deleted.
    """
    named = {one.what.removeprefix("ref ") for one in tips.unknown}
    lost = {ref for ref in named if ref.startswith(BRANCHES) and tips.is_damaged(ref)}
    if thorough:
        lost |= {ref for ref in _logged(common) if ref not in tips.named}
        lost -= {ref for ref in lost if ref.endswith("/HEAD")}  # of a remote: it names another ref
    return tuple(LostBranch(ref, last_of(common, ref)) for ref in sorted(lost))


def _logged(common: Path) -> Iterator[str]:
    for kind in (BRANCHES, _REMOTE):
        top = common / "logs" / kind
        for directory, _, files in os.walk(top):
            for name in files:
                if not name.endswith(".lock"):
                    yield kind + os.path.relpath(os.path.join(directory, name), top)  # noqa: PTH118 -- text
