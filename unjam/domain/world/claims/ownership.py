"""Whose a worktree is: two independent proofs have to agree before anything is done to it.

One proof alone is a mistake waiting to happen. The links of a copied repository name the original's
worktrees; a damaged link can name somebody's own repository; a path that is not here may be one of
another system's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING

from unjam.domain.world.damage import StrayKind

if TYPE_CHECKING:
    from unjam.domain.world.snapshot import Snapshot, Stray, Worktree


class Whose(StrEnum):
    """What the proofs say of a worktree's directory."""

    OURS = "it is a worktree of this repository"
    RELOCATED = "it was moved together with its repository"
    VIEWED = "one of its links names a path that is not here, as another system may"
    ELSEWHERE = "its links name paths that are not here: another system's, or a disk's that is away"
    ANOTHERS = "its directory belongs to another repository, of which this may be a copy"
    ALIAS = "its links name this repository by another path: use unjam there"
    UNPROVEN = "its gitdir file names a directory that nothing else says is this worktree"


# What may be saved, landed and moved; of these, which links may be written again.
TAKEN = frozenset({Whose.OURS, Whose.RELOCATED, Whose.VIEWED})
LINKED = frozenset({Whose.OURS, Whose.RELOCATED})
# What is wrong wherever it is seen; another system's names are right over there.
WRONG = frozenset({Whose.ANOTHERS, Whose.ALIAS, Whose.UNPROVEN})


class Leads(StrEnum):
    """Where the ``.git`` of a directory leads."""

    HERE = "this administrative directory"
    ALIAS = "this administrative directory, by another path"
    SIBLING = "another of this repository"
    ABROAD = "another repository, which is there"
    NOWHERE = "an administrative directory that is not there"
    REPOSITORY = "itself: it is a directory"
    NOTHING = "nothing that can be read"


@dataclass(frozen=True, slots=True)
class Links:
    """The two links of a worktree as they are written, and what is there of what they name."""

    common: PurePath  # of this repository
    name: str  # of the administrative directory
    forward: str | None  # the directory it names; None where its gitdir file is damaged
    is_there: bool  # something has that name here
    place: PurePath  # where the directory is, or would be
    leads: Leads
    back: str | None = None  # what the ``.git`` at that place names
    is_inside: bool = False  # the place is below the primary checkout
    old_home_is_there: bool = False  # the repository that ``back`` names
    is_known_here: bool = True  # the paths that are not here begin as this system's do
    files_agree: bool | None = None  # they are those of its index; None: cannot be told


def whose(links: Links) -> Whose:
    """Judge by both links, by place and name, and by files: one proof alone convinces nobody."""
    if links.forward is not None and not links.is_there:
        return _of_missing(links)
    match links.leads:
        case Leads.ALIAS:
            return Whose.ALIAS
        case Leads.ABROAD:
            return Whose.ANOTHERS
        case Leads.HERE | Leads.SIBLING:  # of which of ours it is, its damage tells
            return Whose.OURS
        case Leads.NOWHERE:
            return _of_lost(links)
        case Leads.REPOSITORY | Leads.NOTHING:
            return Whose.OURS if _is_proven_otherwise(links) else Whose.UNPROVEN


def _is_proven_otherwise(links: Links) -> bool:
    """Tell by files, place and name that a directory is one whose own link is gone."""
    if links.leads is Leads.REPOSITORY and links.files_agree is not None:
        return links.files_agree  # an agent's `git init` leaves them; a clone brings its own
    return _is_in_its_place(links) or bool(links.files_agree)


def _of_missing(links: Links) -> Whose:
    """Judge where the directory that the gitdir file names is not here."""
    if links.leads is Leads.NOWHERE and is_same_elsewhere(links):
        return Whose.RELOCATED if links.is_known_here else Whose.ELSEWHERE
    if links.is_known_here:
        return Whose.OURS  # it is gone, or was moved: the damage tells
    return Whose.VIEWED if links.leads is Leads.HERE else Whose.ELSEWHERE


def _of_lost(links: Links) -> Whose:
    """Judge a directory that is where it should be and names what is not there."""
    back = posix(links.back or "")
    if back.parent.parent == links.common or _is_in_its_place(links):
        seen = back.name == links.name and not links.is_known_here
        return Whose.VIEWED if seen else Whose.OURS
    if links.old_home_is_there or back.name != links.name:
        return Whose.ANOTHERS if links.old_home_is_there else Whose.UNPROVEN
    return Whose.RELOCATED if links.is_known_here else Whose.VIEWED


def _is_in_its_place(links: Links) -> bool:
    """Tell a directory below the primary that has the name Git gave its administrative directory."""
    same = re.fullmatch(rf"{re.escape(links.place.name)}\d*", links.name) is not None
    return links.is_inside and same


def is_same_elsewhere(links: Links) -> bool:
    """Tell links that agree about a repository that is elsewhere: same prefix, name and position."""
    if links.forward is None or links.back is None or links.old_home_is_there:
        return False
    back = posix(links.back)
    if back.name != links.name or back.parent.name != "worktrees":
        return False
    old = _between(back.parent.parent, posix(links.forward))
    return old is not None and old == _between(links.common, links.place)


def _between(common: PurePath, place: PurePath) -> tuple[int, tuple[str, ...]] | None:
    """Say how a place lies to a common directory: so many steps up, and then where."""
    for up, above in enumerate(common.parents):
        if place.is_relative_to(above):
            return up, place.relative_to(above).parts
    return None


def posix(path: str) -> PurePosixPath:
    """Read a path of any system; Windows' may be written with either slash."""
    return PurePosixPath(path.replace("\\", "/") if is_windows(path) else path)


def is_windows(path: str) -> bool:
    """Tell a path that no Unix made."""
    return re.match(r"[A-Za-z]:[\\/]|\\\\", path) is not None


def is_ours(stray: "Stray") -> bool:
    """Tell what an agent left, without an administrative directory, from what others keep there.

    Its ``.git`` names one of ours that is gone; or it has the very place that a record or a branch
    gives it. A copy and a link are nobody's.
    """
    if stray.kind is StrayKind.ORPHAN:
        return True
    return stray.claimed and stray.kind in (StrayKind.PLAIN, StrayKind.REPOSITORY)


def place_of(tree: "Worktree") -> PurePath:
    """Return where the files of a worktree are."""
    return tree.moved_to or tree.path


def below(place: PurePath, snapshot: "Snapshot", besides: frozenset[str] = frozenset()) -> str:
    """Name what lies below a place and would be moved with it; empty where nothing does.

    ``besides`` are worktrees that will have been moved away themselves.
    """
    return ", ".join(sorted(_below(place, snapshot, besides)))


def _below(place: PurePath, snapshot: "Snapshot", besides: frozenset[str]) -> Iterator[str]:
    for tree in snapshot.worktrees:
        inside = place_of(tree)
        if tree.name not in besides and inside != place and inside.is_relative_to(place):
            yield snapshot.place(inside)
    for stray in snapshot.strays:
        if stray.path != place and stray.path.is_relative_to(place):
            yield snapshot.place(stray.path)
