"""Look closely at what looks broken, and at nothing else: a sound repository pays for one directory."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.all_refs import Tips, last_of
from unjam.adapters.git.mending.examine import INITIALIZING, Examiner
from unjam.adapters.git.mending.lost_objects import find_lost_objects
from unjam.adapters.git.mending.replacements import only_staged
from unjam.adapters.git.mending.shared_files import find_lenders, find_packs
from unjam.adapters.git.mending.stray_directories import find_moved, read_strays
from unjam.adapters.git.observing.branches import Compared
from unjam.adapters.git.observing.config import is_on, redirected
from unjam.adapters.git.observing.facts import ObserveRequest
from unjam.adapters.git.observing.start import StartedReading
from unjam.adapters.git.refs import BRANCHES
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.damage import Damage, DamagedFile, LostBranch, LostObject
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Stray, Worktree
from unjam.domain.world.truth import Truth, Unknown

_NO_COMMIT = "its HEAD names no commit"
_REMOTE = "refs/remotes/"


class Broken(NamedTuple):
    """The worktrees with what is wrong with them, the primary first; strays; and lost objects."""

    worktrees: tuple[Worktree, ...]
    strays: tuple[Stray, ...]
    lost: tuple[LostObject, ...]
    shared: tuple[DamagedFile, ...]
    branches: tuple[LostBranch, ...]
    trunk_damaged: bool
    unknown: tuple[Unknown, ...]


def look_at_broken(
    repository: Repository,
    request: ObserveRequest,
    begun: StartedReading,
    against: tuple[tuple[str, CommitId], Compared],
    found: list[Worktree],
) -> Broken:
    """Name the damage of every worktree that has a problem or could not be read."""
    trunk, compared = against
    checkouts = {one.name: one for one in begun.around.answer().checkouts}
    is_ours = Examiner(repository, begun.tips, lambda ref: request.owner(ref) is not None)
    damages = {
        one.name: is_ours.examine(checkouts[one.name])
        for one in found
        if _looks_broken(one, request)
    }
    if is_on(begun.config, "core.bare"):
        damages[""] = (Damage.BARE, *damages.get("", ()))
    told = {
        one.name: f"core.worktree is {said}"
        for one, said in redirected(begun.config, repository.common, checkouts.values())
    }
    damages |= {name: (Damage.REDIRECTED, *damages.get(name, ())) for name in told}
    found = [replace(one, problem=one.problem or told.get(one.name, "")) for one in found]
    strays = _strays(repository, request, list(checkouts.values()))
    moved = find_moved(damages, {name: one.admin for name, one in checkouts.items()}, strays)
    doubtful = _is_doubtful(request, begun, compared, found)
    lost, unknown = _lost(repository, found) if doubtful else ((), ())
    packs = find_packs(repository.common) if doubtful else ()
    worktrees = [
        _with_damage(one, damages[one.name], moved.places.get(one.name), repository.common)
        if one.name in damages
        else one
        for one in found
    ]
    held = {one.branch for one in found if Damage.BRANCH in damages.get(one.name, ())}
    thorough = bool(damages or strays or begun.tips.unknown or request.objects)
    thorough = thorough or trunk[0] not in begun.tips.named
    gone = find_lost_branches(repository.common, begun.tips, thorough=thorough)
    return Broken(
        worktrees=tuple(worktrees),
        strays=moved.strays,
        lost=lost,
        shared=(*packs, *(find_lenders(repository.common) if lost else ())),
        branches=tuple(one for one in gone if one.ref not in held - {trunk[0]}),
        trunk_damaged=not _is_whole(trunk, begun, compared, lost),
        unknown=unknown,
    )


def _is_whole(
    trunk: tuple[str, CommitId],
    begun: StartedReading,
    compared: Compared,
    lost: tuple[LostObject, ...],
) -> bool:
    """Tell whether the trunk can be relied on: its ref, its history, and where trees are lost its own."""
    if trunk[0] not in begun.tips.sound or not compared.history.knows(trunk[1]):
        return False
    return not lost or begun.git.run("ls-tree", "-r", trunk[1], accept=None).status == 0


def _looks_broken(one: Worktree, request: ObserveRequest) -> bool:
    unread = request.looks_at(one.name) and one.unsaved.known is not Truth.YES
    return bool(one.problem) or unread or one.lock_reason == INITIALIZING


def _strays(
    repository: Repository, request: ObserveRequest, checkouts: list[Checkout]
) -> tuple[Stray, ...]:
    return read_strays(request.nursery, repository, checkouts) if request.nursery else ()


def _with_damage(
    one: Worktree, damage: tuple[Damage, ...], place: Path | None, common: Path
) -> Worktree:
    if place is not None:
        at_its_place = (Damage.GONE, Damage.DOT_GIT)
        left = tuple(each for each in damage if each not in at_its_place)
        return replace(one, damage=(Damage.MOVED, *left), moved_to=place)
    if Damage.GONE in damage and Damage.INDEX not in damage:
        return replace(one, damage=damage, only_staged=only_staged(common, Path(one.admin), one))
    return replace(one, damage=damage)


def _is_doubtful(
    request: ObserveRequest, begun: StartedReading, compared: Compared, found: list[Worktree]
) -> bool:
    """Tell whether to look for lost objects: where asked to, or where something names what is not there."""
    tips = begun.tips
    missed = len(tips.sound) < len(tips.named) or bool(compared.unknown)
    missed = missed or any(_NO_COMMIT in one.unsaved.because for one in found)
    return request.objects or (request.only is None and missed)


def _lost(
    repository: Repository, found: list[Worktree]
) -> tuple[tuple[LostObject, ...], tuple[Unknown, ...]]:
    lost = find_lost_objects(repository, [Path(one.admin) for one in found])
    if lost.complete:
        return lost.objects, ()
    return lost.objects, (Unknown("objects", "not all of them could be looked at in time"),)


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
