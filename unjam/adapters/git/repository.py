"""Find the repository of an orchestration by reading its files.

Git's own discovery is not used: with a worktree's ``.git`` file missing or damaged, every Git
command silently acts on whichever repository lies above.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import (
    backlink,
    git_dir_named_by,
    read_small,
)
from unjam.errors import UsageError

_OLDEST = (2, 38)  # the first with `merge-tree --write-tree`
_UNSUPPORTED = {
    "sha256 objects": re.compile(rb"(?im)^\s*objectformat\s*=\s*\"?sha256"),
    "refs in a reftable": re.compile(rb"(?im)^\s*refstorage\s*=\s*\"?reftable"),
}
_BARE = re.compile(rb"(?im)^\s*bare\s*=\s*\"?(true|yes|on|1)")
_ASK = "name the repository with --repo"


class Repository(NamedTuple):
    """A repository by its two places, both resolved: a person's checkout, and Git's files."""

    primary: Path
    common: Path


def find_repository(start: Path) -> Repository:
    """Find the repository upwards from here, its primary also from inside an agent's worktree.

    Raises UsageError where there is none, or none that can be worked on.
    """
    if not start.is_dir():
        raise UsageError(f"{start}: no such directory; {_ASK}")
    found = _search(start.resolve())
    _require_usable(found)
    _require_git(found.common)
    return found


def _search(start: Path) -> Repository:
    common = None
    for place, git_dir in _git_dirs_above(start):
        owner = _common_of(git_dir)
        adopted = common is None and owner == git_dir and _worktree_above(place)
        common = adopted or common or owner
        if git_dir == common:
            return Repository(place, common)
        if common.name == ".git":
            return Repository(common.parent, common)
    if common is None:
        raise UsageError(_nothing_at(start))
    if _says_bare(common):
        raise UsageError(f"{common}: a bare repository has no checkout to run from")
    raise UsageError(f"{common}: which checkout is its primary cannot be told; {_ASK}")


def _git_dirs_above(start: Path) -> Iterator[tuple[Path, Path]]:
    for place in (start, *start.parents):
        git_dir = git_dir_named_by(place / ".git")
        if git_dir is not None:
            yield place, git_dir


def _common_of(git_dir: Path) -> Path:
    if git_dir.parent.name == "worktrees":
        # Where it must be by construction; `commondir` says the same unless it is damaged.
        return git_dir.parent.parent
    return git_dir


def _worktree_above(place: Path) -> Path | None:
    """Return the common directory that knows this place as a worktree, although it has its own ``.git``.

    An agent that ran ``git init`` in its worktree left such a place.
    """
    for _, git_dir in _git_dirs_above(place.parent):
        common = _common_of(git_dir)
        if any(backlink(admin) == place / ".git" for admin in common.glob("worktrees/*")):
            return common
    return None


def _nothing_at(start: Path) -> str:
    for place in (start, *start.parents):
        if _is_git_dir(place):
            return f"{place}: a bare repository has no checkout to run from"
        if (place / ".git").exists():
            return f"{place}: its .git is damaged and names no repository; {_ASK}"
    return f"{start}: no Git repository here or above; {_ASK}"


def _is_git_dir(place: Path) -> bool:
    return (place / "HEAD").is_file() and (place / "objects").is_dir()


def _says_bare(common: Path) -> bool:
    return _BARE.search(read_small(common / "config") or b"") is not None


def _require_usable(found: Repository) -> None:
    config = read_small(found.common / "config") or b""
    for what, sign in _UNSUPPORTED.items():
        if sign.search(config):
            raise UsageError(f"{found.common}: {what} are not supported")
    if _BARE.search(config) and not _has_work_tree(found):
        raise UsageError(f"{found.common}: a bare repository has no checkout to run from")
    if not _has_commits(found.common):
        raise UsageError(f"{found.primary}: the repository has no commits yet")


def _has_work_tree(found: Repository) -> bool:
    """See through a flipped ``core.bare``: in a bare repository Git wrote no index and no reflog of HEAD.

    People keep worktrees beside a bare one, and notes of their own: those alone prove no checkout.
    """
    was_checked_out = any((found.common / one).exists() for one in ("index", "logs/HEAD"))
    beside = (one for one in found.primary.iterdir() if one.name != ".git" and one != found.common)
    return was_checked_out and not all((one / ".git").is_file() for one in beside)


def _has_commits(common: Path) -> bool:
    if b" refs/heads/" in (read_small(common / "packed-refs", limit=1 << 30) or b""):
        return True
    # Where the refs were lost, the reflogs still tell of them.
    places = (common / "refs/heads", common / "logs/refs/heads")
    return any(one.is_file() for place in places for one in place.rglob("*"))


def _require_git(common: Path) -> None:
    said = Git(common).run("version").text
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < _OLDEST:
        raise UsageError(f"{said}: too old; install Git 2.38 or newer")
