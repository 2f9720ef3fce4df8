"""List what lies where worktrees are made, and is none: one directory is read, nothing is followed."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.files import backlink, git_dir_named_by
from unjam.adapters.git.links import is_same, names_another
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.damage import Damage, StrayKind
from unjam.domain.world.snapshot import Stray

_NAME = re.compile(r"\w[\w.+@-]*")


def read_strays(
    nursery: Path, repository: Repository, checkouts: Iterable[Checkout]
) -> tuple[Stray, ...]:
    """List the strays by name; files, hidden directories and other repositories' worktrees are none.

    Outside of the repository only what names it is one: others may keep their things there.
    """
    known = {os.fspath(one.path) for one in checkouts}
    above = {os.path.dirname(path) for path in known}  # noqa: PTH120 -- text; a thousand of them
    try:
        with os.scandir(nursery) as listing:
            entries = [
                entry
                for entry in listing
                if not entry.name.startswith(".") and os.path.join(nursery, entry.name) not in known  # noqa: PTH118 -- the same
            ]
    except OSError:
        return ()
    looking = _Looking(Path(os.path.realpath(nursery)), repository, known, above)
    found = [stray for one in entries if (stray := looking.at(nursery / one.name, one)) is not None]
    if not looking.root.is_relative_to(os.path.realpath(repository.primary)):
        found = [stray for stray in found if stray.names]
    return tuple(sorted(found, key=lambda one: one.path))


class _Looking(NamedTuple):
    root: Path
    repository: Repository
    known: set[str]
    above: set[str]

    def at(self, path: Path, entry: "os.DirEntry[str]") -> Stray | None:
        if entry.is_symlink():
            outside = not Path(os.path.realpath(path)).is_relative_to(self.root)
            return Stray(path, StrayKind.LINK) if outside else None
        if not entry.is_dir(follow_symlinks=False) or self._holds_worktrees(path):
            return None
        if os.path.realpath(path) in self.known:
            return None
        return self._of_directory(path)

    def _holds_worktrees(self, path: Path) -> bool:
        inside = f"{path}{os.sep}"
        return any(f"{one}{os.sep}".startswith(inside) for one in self.above)

    def _of_directory(self, path: Path) -> Stray | None:
        dot_git = path / ".git"
        if dot_git.is_dir() and not dot_git.is_symlink():
            return Stray(path, StrayKind.REPOSITORY)
        named = git_dir_named_by(dot_git)
        ours = self.repository.common / "worktrees"
        if named is not None and named.parent != ours and is_same(named.parent, ours):
            return None  # of this repository by another path: its worktree says so
        if names_another(path, self.repository):
            return Stray(path, StrayKind.ANOTHERS)
        if named is None or named.parent != ours:
            return Stray(path, StrayKind.PLAIN)
        if not named.is_dir():
            # Whoever wrote that file chose the name; an odd one is not taken over.
            usable = _NAME.fullmatch(named.name) is not None
            return Stray(path, StrayKind.ORPHAN if usable else StrayKind.PLAIN, named.name)
        return Stray(path, StrayKind.COPY, named.name)


class Moved(NamedTuple):
    """Where the directories of worktrees have gone to, and what is left of the strays."""

    places: dict[str, Path]  # by name of the worktree
    strays: tuple[Stray, ...]


def find_moved(
    damages: dict[str, tuple[Damage, ...]], admins: dict[str, Path], strays: tuple[Stray, ...]
) -> Moved:
    """Give back the directories that are gone to those strays that still name them.

    Two that name the same one are a matter for a person: neither is taken.
    """
    places: dict[str, Path] = {}
    for name, found in damages.items():
        if not {Damage.GONE, Damage.GITDIR} & set(found) or _claimed(admins[name]):
            continue
        claiming = [one for one in strays if one.names == admins[name].name]
        if len(claiming) == 1:
            places[name] = Path(claiming[0].path)
    taken = set(places.values())
    return Moved(places, tuple(one for one in strays if one.path not in taken))


def find_elsewhere(gone: Mapping[str, Path], hints: Iterable[Path]) -> dict[str, Path]:
    """Find directories that were moved to where nobody looks, among places somebody named.

    ``gone`` are admin directories by the name of their worktree. A place counts if it, or a
    directory above it, still names one of them; two that name the same are left to a person.
    """
    claims: dict[str, set[Path]] = {}
    names = {admin.resolve(): name for name, admin in gone.items()}
    seen: set[Path] = set()
    for hint in hints:
        for place in (hint, *hint.parents):
            if place in seen:
                break
            seen.add(place)
            dot_git = place / ".git"
            # A hint may be any text: pathlib raises for one that is too long to be a name.
            named = git_dir_named_by(dot_git) if os.path.isfile(dot_git) else None  # noqa: PTH113
            if named in names:
                claims.setdefault(names[named], set()).add(place.resolve())
    return {name: places.pop() for name, places in claims.items() if len(places) == 1}


def _claimed(admin: Path) -> bool:
    dot_git = backlink(admin)
    return dot_git is not None and git_dir_named_by(dot_git) == admin
