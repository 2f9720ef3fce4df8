"""Bring back what a salvage holds: into a new directory, or in place with index, HEAD and state.

Everything comes from the objects of the commit: it works when the worktree, its admin directory,
its branch and its reflogs are long gone, as long as a ref holds the commit.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.restoring.converge import Goal, WantedFile, ancestors, converge, is_met
from unjam.adapters.git.restoring.given_back import give_back
from unjam.adapters.git.taking import manifest
from unjam.adapters.git.taking.ignored import ignored_paths
from unjam.adapters.git.taking.manifest import Area, Base, Manifest
from unjam.adapters.git.taking.survey import belongs_to_primary, is_primary, other_worktrees
from unjam.adapters.git.taking.take import Shop, open_shop
from unjam.adapters.git.taking.trees import DIRECTORY, EXECUTABLE, LINK, REPOSITORY, Leaf, object_id
from unjam.adapters.git.taking.walk import Admit, walk
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, RefusedError

_GITFILE, _INDEX = b".git", b"index"
_SHARED_FOLDERS = (b"refs", b"logs", b"logs/refs", b"info")


@dataclass(frozen=True, slots=True)
class SavedFile:
    """One file of a salvage."""

    area: str  # worktree, admin, or nested/<n>/worktree or /git
    path: str  # below the worktree, or below the admin directory
    mode: int | None  # permissions; None for a symbolic link
    size: int


@dataclass(frozen=True, slots=True)
class _Saved:
    shop: Shop
    facts: Manifest
    leaves: dict[bytes, Leaf]

    def of(self, area: Area) -> Iterator[tuple[str, Leaf]]:
        """Give the leaves of one area by their path in it."""
        label = os.fsencode(area.label) + b"/"
        for path, leaf in self.leaves.items():
            if path.startswith(label) and leaf.mode not in {REPOSITORY, DIRECTORY}:
                yield os.fsdecode(path.removeprefix(label)), leaf
        for number, name in enumerate(area.odd):
            yield name, self.leaves[b"odd/%b%d" % (label, number)]


def list_files(common: Path, commit: CommitId) -> tuple[SavedFile, ...]:
    """List what a salvage holds."""
    with _open(common, commit) as saved:
        sizes = saved.shop.objects.known({leaf.oid for leaf in saved.leaves.values()})
        return tuple(
            SavedFile(area.label, area.below(path), _mode(area, path, leaf), sizes[leaf.oid].size)
            for area in saved.facts.areas
            for path, leaf in saved.of(area)
        )


def differing(common: Path, commit: CommitId, path: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Name those of these files of a worktree that are not, or no more, what the salvage holds."""
    with _open(common, commit) as saved:
        held = {
            area.below(name): leaf.oid
            for area in saved.facts.areas
            for name, leaf in saved.of(area)
            if area.base is Base.WORKTREE
        }
        return tuple(one for one in names if _content(path / one) != held.get(one))


def _content(place: Path) -> bytes | None:
    """Name what a file or a link holds, as Git does; None where there is neither."""
    if place.is_symlink():
        return object_id(b"blob", os.fsencode(place.readlink()))
    return object_id(b"blob", place.read_bytes()) if place.is_file() else None


def restore_to(common: Path, commit: CommitId, target: Path) -> None:
    """Write the files of a salvage, nested repositories included, into a new or empty directory.

    It appears whole or not at all. The worktree's own ``.git`` file is left out: two directories
    that share one index destroy it. Raises RefusedError where the target is in use.
    """
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise RefusedError(f"{target} is in use: name a directory that is new or empty")
    partial = target.with_name(f".{target.name}.unjam-partial")
    with _open(common, commit) as saved:
        goal = _goal(saved, Base.WORKTREE)
        goal.files = {path: one for path, one in goal.files.items() if path != _GITFILE}
        aside = partial.with_name(f"{partial.name}-aside")
        converge(partial, goal, saved.shop.objects, aside)
    partial.replace(target)
    with suppress(OSError):  # it holds what somebody put into our half-made copy
        aside.rmdir()


def restore_in_place(common: Path, commit: CommitId, path: Path, admin: Path, aside: Path) -> None:
    """Bring a worktree, its index, HEAD and operation in progress back to what the salvage saw.

    What is there now and was not then is moved below ``aside``, on the same file system. The branch
    itself, reflogs, locks and other worktrees stay as they are. Running it twice, or after a kill,
    reaches the same end.
    """
    with _open(common, commit) as saved:
        _restore_worktree(saved, common, path, admin, aside)
        if saved.facts.registered:
            _restore_admin(saved, common, path, admin, aside)


@contextmanager
def _open(common: Path, commit: CommitId) -> Iterator[_Saved]:
    with open_shop(common) as shop:
        leaves = {leaf.path: leaf for leaf in shop.listing(commit)}
        if manifest.NAME not in leaves:
            raise PermanentError(f"{commit} is not a salvage")
        facts = Manifest.from_json(shop.content(leaves[manifest.NAME]))
        yield _Saved(shop, facts, leaves)


def _goal(saved: _Saved, base: Base) -> Goal:
    """Return everything below one base as it was."""
    goal = Goal()
    areas = sorted(
        (area for area in saved.facts.areas if area.base is base), key=lambda area: area.path
    )
    for area in areas:
        for path, leaf in saved.of(area):
            whole = os.fsencode(area.below(path))
            goal.files[whole] = WantedFile(leaf.oid, _mode(area, path, leaf))
        for name in (*area.special, *area.unreadable):
            goal.kept.add(os.fsencode(area.below(name)))
    if base is Base.WORKTREE:
        goal.kept |= {
            os.fsencode(one)
            for one in (*saved.facts.skipped, *saved.facts.others, *saved.facts.purged)
        }
    needed = {above for path in (*goal.files, *goal.kept) for above in ancestors(path)}
    for area in areas:
        empty = {os.fsencode(area.below(one)) for one in (*area.empty, "")}
        needed |= empty.union(*(ancestors(one) for one in empty))
    goal.directories = {path: _directory_mode(areas, os.fsdecode(path)) for path in needed}
    return goal


def _mode(area: Area, path: str, leaf: Leaf) -> int | None:
    if leaf.mode == LINK:
        return None
    return area.modes.of_file(path, runs=leaf.mode == EXECUTABLE)


def _directory_mode(areas: list[Area], path: str) -> int:
    """Ask the innermost area a directory belongs to."""
    for area in reversed(areas):
        if not area.path or path == area.path or path.startswith(f"{area.path}/"):
            return area.modes.of_directory(path.removeprefix(area.path).removeprefix("/"))
    return 0o755


def _restore_worktree(saved: _Saved, common: Path, path: Path, admin: Path, aside: Path) -> None:
    facts = saved.facts
    if not facts.present and not path.exists():
        return
    goal = _worktree_goal(saved, common, path, admin)
    converge(path, goal, saved.shop.objects, aside / "worktree")
    if not facts.present and not any(path.iterdir()):
        path.rmdir()


def _worktree_goal(saved: _Saved, common: Path, path: Path, admin: Path) -> Goal:
    facts, goal = saved.facts, _goal(saved, Base.WORKTREE)
    if is_primary(admin, common):
        goal.kept |= {_GITFILE, *other_worktrees(common, path)}
    goal.kept |= {os.fsencode(one) for one in _relative(facts.without, facts.worktree)}
    if facts.ignored_left:
        goal.kept |= _ignored_now(saved, goal, path)
    linked = goal.files.get(_GITFILE)
    if linked is not None and linked.mode is not None and facts.admin != str(admin):
        _redirect(saved, goal, _GITFILE, f"gitdir: {facts.admin}\n", f"gitdir: {admin}\n")
    return goal


def _relative(paths: tuple[str, ...], root: str) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_relative_to(root):
            yield path.relative_to(root)


def _ignored_now(saved: _Saved, goal: Goal, path: Path) -> set[bytes]:
    """Return what is ignored and not saved: it was left out when saving, so it is left alone now."""
    found = walk(
        os.fsencode(path), admit=lambda one: one not in goal.kept, across_repositories=True
    )
    extra = {one.path for one in (*found.files, *found.links)} - goal.files.keys()
    outside = {one for one in extra if b".git" not in one.split(b"/")}
    return set(ignored_paths(path, outside, saved.shop.room))


def _redirect(saved: _Saved, goal: Goal, name: bytes, before: str, after: str) -> None:
    """Let a link file point to where things are now, if it pointed to where they were."""
    wanted = goal.files[name]
    if next(saved.shop.objects.contents([wanted.oid])) == os.fsencode(before):
        goal.files[name] = WantedFile.text(os.fsencode(after), wanted.mode or 0o644)


def _restore_admin(saved: _Saved, common: Path, path: Path, admin: Path, aside: Path) -> None:
    whole = admin.is_dir()
    goal, admit = _admin_goal(saved, common, path, admin)
    give_back(common, _needed_by_index(saved))
    place = admin if whole else aside / "admin-new"
    converge(place, goal, saved.shop.objects, aside / "admin", admit)
    if not whole:
        # Git prunes an admin directory that is half made: it appears whole.
        admin.parent.mkdir(exist_ok=True)
        place.replace(admin)


def _admin_goal(saved: _Saved, common: Path, path: Path, admin: Path) -> tuple[Goal, Admit]:
    facts, goal = saved.facts, _goal(saved, Base.ADMIN)
    primary = is_primary(admin, common)
    admit = _own_state(primary=primary, reflogs=not (admin / "logs/HEAD").exists())
    goal.files = {name: one for name, one in goal.files.items() if admit(name)}
    if primary:
        for folder in _SHARED_FOLDERS:
            there = common / os.fsdecode(folder)
            if there.is_dir():
                goal.directories[folder] = there.stat().st_mode & 0o7777
    elif b"gitdir" in goal.files and facts.worktree != str(path):
        _redirect(saved, goal, b"gitdir", f"{facts.worktree}/.git\n", f"{path}/.git\n")
    return goal, admit


def is_as_saved(common: Path, commit: CommitId, path: Path, admin: Path) -> bool:
    """Tell whether a worktree is as a salvage saw it; its index counts by what it lists, not by its bytes.

    What a restoration in place leaves alone does not count. Any command of Git's may write the index anew.
    """
    if not (path.is_dir() and admin.is_dir()):
        return False
    with _open(common, commit) as saved:
        if not is_met(path, _worktree_goal(saved, common, path, admin)):
            return False
        if not saved.facts.registered:
            return True
        goal, admit = _admin_goal(saved, common, path, admin)
        index = goal.files.pop(_INDEX, None)
        whole = b"" if index is None else next(saved.shop.objects.contents([index.oid]))
        same = _listed(admin, whole) == _listed(admin, None)
        return same and is_met(admin, goal, lambda one: one != _INDEX and admit(one))


def _listed(admin: Path, index: bytes | None) -> str | None:
    """List what an index of these bytes, or the one in its place, holds; None where there is none."""
    if index is None:
        place = admin / os.fsdecode(_INDEX)
        index = place.read_bytes() if place.exists() else b""
    if not index:
        return None
    with tempfile.TemporaryDirectory(prefix="unjam-index-") as scratch:
        copy = Path(scratch, "index")
        copy.write_bytes(index)
        return (
            Git(admin)
            .on(index=copy)
            .run("ls-files", "-s", "-z")
            .out.decode("utf-8", "surrogateescape")
        )


def _needed_by_index(saved: _Saved) -> list[str]:
    """Name what the index and the state files of the checkout name, and a `gc` may have taken."""
    return [
        leaf.oid.hex()
        for path, leaf in saved.leaves.items()
        if path.startswith((b"index/", b"stage", b"pinned/")) and leaf.mode != REPOSITORY
    ]


def _own_state(*, primary: bool, reflogs: bool) -> Admit:
    """Choose what of an admin directory is restored: never a lock, and reflogs only if gone."""

    def admit(path: bytes) -> bool:
        if path.endswith(b".lock") or path == b"locked":
            return False
        if not reflogs and (path == b"logs" or path.startswith(b"logs/")):
            return False
        return belongs_to_primary(path) if primary else True

    return admit
