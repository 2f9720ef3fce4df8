"""Say which changes make a damaged checkout whole, one damage after the other.

Each change is worked out when it is asked for, after those before it were made: a HEAD is needed
before the index can be built from it. Nothing is written here.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.all_refs import Tips, last_of, read_tips
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import COMMIT, read_line, read_small
from unjam.adapters.git.first_questions import ask_tips
from unjam.adapters.git.mending import worktree_links
from unjam.adapters.git.mending.heads import Clues, lost_head_of
from unjam.adapters.git.mending.replacements import index_of
from unjam.adapters.git.refs import BRANCHES, is_branch_name
from unjam.domain.steps.change import Change, MovePath, WriteFile
from unjam.domain.world.damage import Damage
from unjam.errors import RefusedError

_LARGE = 1 << 30  # bytes; an index of some ten million files
_SAYS_BARE = re.compile(rb"(?im)^([ \t]*bare[ \t]*)(?:=[ \t]*\"?(?:true|yes|on|1)\"?[ \t]*)?\r?$")
_CORE = re.compile(rb"(?im)^[ \t]*\[core\][^\[]*")


@dataclass(frozen=True, slots=True)
class Patient:
    """A damaged checkout, and where its files are now."""

    common: Path
    path: Path
    admin: Path
    damage: tuple[Damage, ...]
    usual: tuple[str, ...] = ()  # branches its workstream has
    aside: Path = Path()  # where a repository in its place is moved to, and beside it the rest


def cures(patient: Patient) -> Iterator[Change]:
    """Give the changes; raises RefusedError where nothing tells what was there."""
    for damage, cure in _CURES.items():
        if damage in patient.damage:
            for change in cure(patient):
                if not isinstance(change, WriteFile) or change.before != change.after:
                    yield change


def _commondir(patient: Patient) -> Iterator[Change]:
    yield from _written(patient, patient.admin / "commondir", b"../..\n")


def _gitdir(patient: Patient) -> Iterator[Change]:
    content = worktree_links.gitdir_of(patient.common, patient.path)
    yield from _written(patient, patient.admin / "gitdir", content)


def _both_links(patient: Patient) -> Iterator[Change]:
    yield from _gitdir(patient)
    yield from _dot_git(patient)


def _own_repository(patient: Patient) -> Iterator[Change]:
    yield MovePath(patient.path / ".git", patient.aside)
    yield from _dot_git(patient)


def _dot_git(patient: Patient) -> Iterator[Change]:
    content = worktree_links.dot_git_of(patient.common, patient.path, patient.admin)
    yield from _written(patient, patient.path / ".git", content)


def _head(patient: Patient) -> Iterator[Change]:
    tips = _tips(patient)
    line = lost_head_of(patient.admin, Clues(patient.common, tips, patient.usual))
    if line is None:
        raise RefusedError("neither its reflog nor its name tells which branch it was on")
    yield from _written(patient, patient.admin / "HEAD", line.encode() + b"\n")


def _branch(patient: Patient) -> Iterator[Change]:
    ref = (read_line(patient.admin / "HEAD") or "").removeprefix("ref: ")
    name, git = ref.removeprefix(BRANCHES), Git(patient.common)
    if ref in _tips(patient).named:
        return
    if name == ref or not is_branch_name(git, name):
        raise RefusedError(f"its HEAD names {ref!r}, which cannot be a branch")
    tip = last_of(patient.common, ref, patient.admin)
    if tip is None:
        raise RefusedError(f"no reflog tells where its branch {name} stood")
    # As a file: Git refuses to move a ref it cannot read, and to take one back that is in use.
    yield from _written(patient, patient.common / ref, f"{tip}\n".encode())


def _index(patient: Patient) -> Iterator[Change]:
    line = read_line(patient.admin / "HEAD") or ""
    tips = _tips(patient)
    commit = tips.sound.get(line.removeprefix("ref: ")) or line
    if not COMMIT.fullmatch(commit):
        raise RefusedError("its index cannot be made anew: HEAD names no commit that is there")
    yield from _written(patient, patient.admin / "index", index_of(patient.common, commit))


def _bare(patient: Patient) -> Iterator[Change]:
    path = patient.common / "config"
    content = read_small(path) or b""
    sound = _CORE.sub(lambda core: _SAYS_BARE.sub(rb"\1= false", core[0]), content)
    if sound == content:
        raise RefusedError("core.bare is not set in the repository's own configuration")
    yield WriteFile(path, content, sound)


def _tips(patient: Patient) -> Tips:
    git = Git(patient.common)
    return read_tips(git, ask_tips(git))


def _written(patient: Patient, path: Path, content: bytes) -> Iterator[Change]:
    """Replace a file of the repository's own; no link leads us elsewhere."""
    inside = Path(os.path.realpath(path.parent)).is_relative_to(patient.common)
    if path.parent != patient.path and not inside:
        raise RefusedError(f"{path} is not below {patient.common}: a link leads elsewhere")
    yield from rewritten(path, content, patient.aside.with_name(f"in-place-of-{path.name}"))


def rewritten(path: Path, content: bytes, aside: Path) -> Iterator[Change]:
    """Write a small file, whatever is in its place; what is no file goes aside first.

    Raises RefusedError for a directory in which there is something, and a file we may not read.
    """
    there = os.path.lexists(path)
    if there and not stat.S_ISREG(path.lstat().st_mode):
        _refuse_refs_below(path)
        yield MovePath(path, aside)
        there = False
    before = read_small(path, limit=_LARGE) if there else None
    if there and before is None:
        raise RefusedError(f"{path} is no file that can be read")
    yield WriteFile(path, before, content)


def _refuse_refs_below(path: Path) -> None:
    """Raise RefusedError for a directory that holds anything: perhaps other branches."""
    if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
        raise RefusedError(f"{path} is a directory, and there is something in it")


_CURES: Mapping[Damage, Callable[[Patient], Iterator[Change]]] = {
    Damage.BARE: _bare,
    Damage.COMMONDIR: _commondir,
    Damage.GITDIR: _gitdir,
    Damage.MOVED: _gitdir,
    Damage.RELOCATED: _both_links,
    Damage.OWN_REPOSITORY: _own_repository,
    Damage.DOT_GIT: _dot_git,
    Damage.HEAD: _head,
    Damage.BRANCH: _branch,
    Damage.INDEX: _index,
}
