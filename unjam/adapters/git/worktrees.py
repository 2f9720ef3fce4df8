"""Read the worktrees of a repository from its administrative directories.

Git is not asked: it hides damaged entries, and one damaged entry can end its listing.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.files import COMMIT, backlink_text, read_line
from unjam.adapters.git.links import read_links
from unjam.adapters.git.repository import Repository
from unjam.domain.world.claims.ownership import Leads, Links, Whose, whose
from unjam.domain.world.snapshot import Operation
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError

# In this order: a stopped rebase also leaves CHERRY_PICK_HEAD, an `am` has a rebase's directory.
_MARKS = {
    "rebase-merge": Operation.REBASE,
    "rebase-apply": Operation.REBASE,
    "MERGE_HEAD": Operation.MERGE,
    "CHERRY_PICK_HEAD": Operation.CHERRY_PICK,
    "REVERT_HEAD": Operation.REVERT,
    "sequencer": Operation.CHERRY_PICK,
    "BISECT_LOG": Operation.BISECT,
}


class Checkout(NamedTuple):
    """What the files of one worktree say about it, before Git's objects are looked at."""

    name: str  # of the administrative directory; "" for the primary
    path: Path
    admin: Path
    branch: str | None
    detached: str | None  # the commit HEAD holds itself
    present: Truth
    problem: str
    operation: Operation | None
    lock_reason: str | None
    entries: frozenset[str]  # names in the administrative directory
    whose: Whose = Whose.OURS


def read_primary(repository: Repository) -> Checkout:
    """Read the person's own checkout."""
    entries = _entries(repository.common)
    branch, detached, problem = _head(str(repository.common))
    return Checkout(
        name="",
        path=repository.primary,
        admin=repository.common,
        branch=branch,
        detached=detached,
        present=Truth.YES,
        problem=problem,
        operation=_operation(str(repository.common), entries),
        lock_reason=None,
        entries=entries,
    )


def worktree_names(repository: Repository) -> list[str]:
    """Name the administrative directory of every registered worktree, in order."""
    return sorted(_admins(f"{repository.common}/worktrees"))


def read_worktrees(repository: Repository, names: Iterable[str]) -> Iterator[Checkout]:
    """Read these worktrees, damaged ones too, but none of our own trials."""
    common = str(repository.common)
    ours = f"{common}/unjam/"
    for name in names:
        admin = f"{common}/worktrees/{name}"
        named = backlink_text(admin)
        if named is None or not named.startswith(ours):
            yield _read(name, admin, named, repository)


def glimpse(repository: Repository, name: str) -> Checkout | None:
    """Read only where a worktree is and what its HEAD says; None where that is not plainly sound, or a trial."""
    admin = f"{repository.common}/worktrees/{name}"
    named, (branch, detached, damage) = backlink_text(admin), _head(admin)
    if named is None or damage or named.startswith(f"{repository.common}/unjam/"):
        return None
    place = named.removesuffix("/.git")
    if _presence_of(place)[0] is not Truth.YES:
        return None
    return Checkout(
        name=name,
        path=Path(place),
        admin=Path(admin),
        branch=branch,
        detached=detached,
        present=Truth.UNKNOWN,
        problem="",
        operation=None,
        lock_reason=None,
        entries=frozenset(),
    )


def checked_out(repository: Repository) -> frozenset[str]:
    """Name the branches that HEADs are on, and look at nothing else."""
    root = f"{repository.common}/worktrees"
    admins = [str(repository.common), *(f"{root}/{name}" for name in _entries(root))]
    return frozenset(branch for admin in admins if (branch := _head(admin)[0]))


def named_by_head(repository: Repository, name: str) -> tuple[str | None, str | None]:
    """Return the branch that a worktree is on, or the commit it is at, and look at nothing else."""
    return _head(f"{repository.common}/worktrees/{name}")[:2]


def _read(name: str, admin: str, named: str | None, repository: Repository) -> Checkout:
    entries = _entries(admin)
    branch, detached, damage = _head(admin)
    seen = _seen(name, admin, named, repository)
    return Checkout(
        name=name,
        path=seen.place,
        admin=Path(admin),
        branch=branch,
        detached=detached,
        present=seen.present,
        problem=seen.problem or damage or _commondir_damage(admin, repository),
        operation=_operation(admin, entries),
        lock_reason=(read_line(f"{admin}/locked") or "") if "locked" in entries else None,
        entries=entries,
        whose=seen.whose,
    )


def _admins(directory: str) -> Iterator[str]:
    """Name whatever may be an administrative directory; a file in its place is none."""
    try:
        with os.scandir(directory) as entries:
            yield from (one.name for one in entries if not one.is_file(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:  # a worktree that is only hidden must not look like a stray directory
        raise PermanentError(f"{directory} cannot be read: {error.strerror}") from error


def _entries(directory: Path | str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(directory))  # noqa: PTH208 -- only names are needed
    except OSError:
        return frozenset()


def _head(admin: str) -> tuple[str | None, str | None, str]:
    """Return the branch HEAD points at, or the commit it holds, or what is wrong with it."""
    line = read_line(f"{admin}/HEAD")
    if line is None:
        return None, None, "its HEAD is missing"
    if line.startswith("ref: refs/") and "\0" not in line:
        return line.removeprefix("ref: "), None, ""
    if COMMIT.fullmatch(line):
        return None, line, ""
    return None, None, "its HEAD is damaged"


class _Seen(NamedTuple):
    place: Path
    present: Truth
    problem: str = ""
    whose: Whose = Whose.OURS


def _seen(name: str, admin: str, named: str | None, repository: Repository) -> _Seen:
    """Find the directory of a worktree; its links are only weighed where they are not plainly sound."""
    if named is not None:
        present, problem = _presence(named, admin)
        if present is Truth.YES or problem:
            return _Seen(Path(named.removesuffix("/.git")), present, problem)
    links = read_links(name, repository)
    verdict, place = whose(links), Path(links.place)
    if links.forward is not None and not links.is_there and verdict is Whose.OURS:
        return _Seen(Path(links.forward), Truth.NO, "its directory is gone")
    if verdict is Whose.VIEWED:
        return _Seen(place, Truth.YES, "", verdict)  # it is whole, and its work can be read
    if verdict is not Whose.OURS:
        return _Seen(place, Truth.UNKNOWN, _told(links), verdict)
    problem = "its gitdir file is damaged" if links.forward is None else _damage_of(links)
    return _Seen(place, Truth.UNKNOWN if problem else Truth.YES, problem)


def _presence(dot_git: str, admin: str) -> tuple[Truth, str]:
    """Tell what one look tells; nothing is said where both links have to be weighed."""
    present, problem = _presence_of(dot_git.removesuffix("/.git"))
    if present is not Truth.YES:
        return present, problem
    return (Truth.YES if read_line(dot_git) == f"gitdir: {admin}" else Truth.UNKNOWN), ""


def _presence_of(place: str) -> tuple[Truth, str]:
    try:
        is_link = stat.S_ISLNK(os.lstat(place).st_mode)
    except FileNotFoundError:
        return Truth.NO, ""
    except OSError as error:
        return Truth.UNKNOWN, f"its directory cannot be read: {error.strerror}"
    return (Truth.UNKNOWN, "its directory is a symbolic link") if is_link else (Truth.YES, "")


def _damage_of(links: Links) -> str:
    match links.leads:
        case Leads.HERE:
            return ""
        case Leads.REPOSITORY:
            return "its directory holds a repository of its own"
        case Leads.NOTHING:
            there = os.path.lexists(links.place / ".git")
            return "its .git file is " + ("damaged" if there else "missing")
        case _:
            return f"its .git file names {links.back}"


def _told(links: Links) -> str:
    named = f"its gitdir file names {links.forward}" if links.forward else ""
    back = f"its .git file names {links.back}" if links.back else ""
    return "; ".join(one for one in (named, back) if one)


def _commondir_damage(admin: str, repository: Repository) -> str:
    line = read_line(f"{admin}/commondir")
    if line is None or "\0" in line or not line:
        return "its commondir file is " + ("missing" if line is None else "damaged")
    leads = os.path.normpath(f"{admin}/{line}")
    return "" if leads == str(repository.common) else f"its commondir file names {leads}"


def _operation(admin: str, entries: frozenset[str]) -> Operation | None:
    for mark, operation in _MARKS.items():
        if mark not in entries:
            continue
        if mark == "rebase-apply" and os.path.lexists(f"{admin}/{mark}/applying"):
            return Operation.AM
        if mark == "sequencer" and _first_word(f"{admin}/{mark}/todo") == "revert":
            return Operation.REVERT
        return operation
    return None


def _first_word(todo: str) -> str:
    return (read_line(todo) or "").partition(" ")[0]
