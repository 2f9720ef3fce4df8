"""Tell from what is left what HEAD of a checkout was, and where its branch stood."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.all_refs import Tips
from unjam.adapters.git.files import COMMIT, read_line
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.refs import in_use
from unjam.domain.world.truth import Truth

_SWITCHED = re.compile(r"checkout: moving from \S+ to (\S+)")
_HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Clues:
    """Where to look: the repository, its refs, and the branches a checkout was perhaps made for."""

    common: Path
    tips: Tips
    usual: tuple[str, ...]


def lost_head_of(admin: Path, clues: Clues) -> str | None:
    """Return what HEAD must hold, without its line end; None where nothing tells.

    The branch the reflog or the orchestration's names tell, if it stands where HEAD last was; else
    any single branch that does; else the commit itself, or a branch that stands elsewhere.
    """
    linked = _linked(admin / "HEAD")
    if linked in clues.tips.sound:
        return f"ref: {linked}"
    last = _last(admin, clues.tips)
    if _is_detached_by_operation(admin):
        return last
    told = [ref for ref in _told(admin, clues.usual) if ref in clues.tips.sound]
    there = [ref for ref in told if clues.tips.sound[ref] == last]
    any_there = [ref for ref in _at(last, clues.tips) if _is_free(ref, clues)]
    for ref in (*there, *(any_there if len(any_there) == 1 else ()), *told):
        if _is_free(ref, clues):
            return f"ref: {ref}"
    return last


def _linked(head: Path) -> str:
    """Return what a HEAD that is a link says: Git once made them so, and still goes by its text."""
    return os.fspath(head.readlink()) if head.is_symlink() else ""


def _last(admin: Path, tips: Tips) -> str | None:
    moves = read_reflog(admin, "HEAD")
    if moves and COMMIT.fullmatch(moves[-1].new):
        return moves[-1].new
    started = read_line(admin / "ORIG_HEAD") or ""
    return started if started in tips.sound.values() else None


def _is_detached_by_operation(admin: Path) -> bool:
    return (admin / "rebase-merge").is_dir() or (admin / "rebase-apply").is_dir()


def _told(admin: Path, usual: tuple[str, ...]) -> Iterator[str]:
    switched = switched_to(admin)
    if switched is not None:
        yield _HEADS + switched
    else:
        yield from usual


def switched_to(admin: Path) -> str | None:
    """Return the branch or commit that was checked out last, as its reflog names it."""
    moves = reversed(read_reflog(admin, "HEAD"))
    found = (_SWITCHED.match(move.message) for move in moves)
    return next((one[1] for one in found if one), None)


def _at(commit: str | None, tips: Tips) -> list[str]:
    return [ref for ref, at in tips.sound.items() if at == commit and ref.startswith(_HEADS)]


def _is_free(ref: str, clues: Clues) -> bool:
    """Tell a branch that no readable checkout has; the one whose HEAD is asked for cannot be read."""
    used, _ = in_use(clues.common, ref)
    return used is not Truth.YES
