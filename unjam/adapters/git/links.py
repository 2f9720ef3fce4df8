"""Read both links of a worktree whose fast look showed anything odd, and find where it is."""

import os
from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.files import (
    forward_text,
    git_dir_named_by,
    git_dir_text,
)
from unjam.adapters.git.index import DamagedIndexError, ForeignIndexError, read_index
from unjam.adapters.git.repository import Repository
from unjam.domain.world.claims.ownership import Leads, Links, is_same_elsewhere, is_windows, posix

# Below these every system has its own: that they are there says nothing of what was below them.
_ON_EVERY_SYSTEM = frozenset({"/", "/home", "/Users", "/mnt", "/media", "/Volumes"})
_ENOUGH = 200  # files that are compared with an index


def read_links(name: str, repository: Repository) -> Links:
    """Read them, and look at what they name; nothing is followed further than that."""
    admin = Path(f"{repository.common}/worktrees/{name}")
    forward = forward_text(str(admin))
    there = forward is not None and not is_windows(forward) and os.path.lexists(forward)
    if there and forward is not None:
        return _links(admin, forward, Path(forward), repository)
    for place in _candidates(name, forward, repository):
        found = _links(admin, forward, place, repository)
        if found.leads is Leads.HERE or is_same_elsewhere(found):
            return found
    guess = repository.primary / ".worktrees" / name if forward is None else admin / forward
    return _links(admin, forward, guess, repository)


def _links(admin: Path, forward: str | None, place: Path, repository: Repository) -> Links:
    dot_git = place / ".git"
    leads, back = _leads(dot_git, admin, repository)
    missing = [one for one in (forward, back) if one is not None and not _is_there(one)]
    return Links(
        common=repository.common,
        name=admin.name,
        forward=forward,
        is_there=forward is not None and _is_there(forward),
        place=place,
        leads=leads,
        back=back,
        is_inside=place != repository.primary and place.is_relative_to(repository.primary),
        old_home_is_there=back is not None and _is_there(str(posix(back).parent.parent)),
        is_known_here=all(_is_known_here(one) for one in missing),
        files_agree=_files_agree(admin, place) if _needs_files(leads) else None,
    )


def _candidates(name: str, forward: str | None, repository: Repository) -> Iterator[Path]:
    """Name places a worktree may be at: by its own name, and as it lay to its repository."""
    primary = repository.primary
    yield from (found.parent for found in primary.glob(f".*/{_literal(name)}/.git"))
    if forward is None:
        return
    if not _is_known_here(forward):  # a container may have called it anything
        yield from (found.parent for found in primary.glob(".*/*/.git"))
    parts = posix(forward).parts[1:]
    for kept in range(len(parts), 0, -1):
        for base in (primary, *primary.parents):
            place = base.joinpath(*parts[-kept:])
            if os.path.lexists(place / ".git") and place != primary:
                yield place


def _leads(dot_git: Path, admin: Path, repository: Repository) -> tuple[Leads, str | None]:
    if dot_git.is_symlink() or dot_git.is_dir():
        return Leads.REPOSITORY, None
    back, named = git_dir_text(dot_git), git_dir_named_by(dot_git)
    if back is None or named == repository.common:  # a worktree's never names that
        return Leads.NOTHING, None
    if named is None or not named.exists():
        return Leads.NOWHERE, back
    return _leads_to(named, admin, repository), back


def _leads_to(named: Path, admin: Path, repository: Repository) -> Leads:
    if named == admin.resolve():
        return Leads.HERE
    if is_same(named, admin):
        return Leads.ALIAS
    return Leads.SIBLING if named.parent == repository.common / "worktrees" else Leads.ABROAD


def _is_there(path: str) -> bool:
    return not is_windows(path) and os.path.lexists(path)


def _is_known_here(path: str) -> bool:
    """Tell a path that something removed or moved here from one that another system uses."""
    if is_windows(path):
        return False
    above = next((one for one in Path(path).parents if one.exists()), Path("/"))
    return os.fspath(above) not in _ON_EVERY_SYSTEM


def _needs_files(leads: Leads) -> bool:
    return leads in (Leads.REPOSITORY, Leads.NOTHING)


def _files_agree(admin: Path, place: Path) -> bool | None:
    """Tell whether any file of an index is at a place as it was checked out there."""
    try:
        entries = read_index(admin / "index").entries[:_ENOUGH]
    except (DamagedIndexError, ForeignIndexError):
        return None
    if not entries:
        return None
    for one in entries:
        try:
            there = os.lstat(os.path.join(os.fsencode(place), one.path))  # noqa: PTH118 -- bytes
        except OSError:
            continue
        if (there.st_size, there.st_mtime_ns) == (one.size, one.mtime * 10**9 + one.mtime_ns):
            return True
    return False


def is_same(one: Path, other: Path) -> bool:
    """Tell one thing that has two paths, as a bind mount gives it."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _literal(name: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in name)


def names_another(place: Path, repository: Repository) -> bool:
    """Tell a directory whose ``.git`` file names a worktree of another repository, be it there or not."""
    back = git_dir_text(place / ".git")
    if back is None or posix(back).parent.name != "worktrees":
        return False
    return os.fspath(posix(back).parent.parent) != os.fspath(repository.common)
