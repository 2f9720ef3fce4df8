"""Everything there is in an orchestration, as one flat mapping: two of them are compared with ``==``.

Left out is what may differ without meaning anything: the vault and the journal, reflogs, the stat
data in indices, and the bytes of a state database that can be read (its rows stand here instead).
"""

import hashlib
import os
import stat
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.world.state import StateFile

Inventory = dict[str, str]

_PASSING = {"ORIG_HEAD", "FETCH_HEAD", "COMMIT_EDITMSG", "index", "packed-refs", "gc.log"}
_ELSEWHERE = {"objects", "refs", "logs", "unjam", "worktrees", "hooks"}


def take_inventory(repo: Path, state: StateFile, *, without: Collection[str] = ()) -> Inventory:
    """Note every ref, row, file, mode, link, index entry and state file of Git.

    ``without`` names directories of the primary that are left out, such as ``logs``.
    """
    found: Inventory = {}
    common = repo / ".git"
    found |= _refs(repo)
    for name, rows in state.tables().items():
        found |= {f"row {name} {number}": repr(row) for number, row in enumerate(rows)}
    left_out = {*without}
    if state.tables():
        left_out |= {str(path.relative_to(repo)) for path in state.path.parent.glob("*.db*")}
    found |= {f"file {name}": what for name, what in entries(repo, without={".git", *left_out})}
    found |= _admin("primary", common, repo)
    for admin in sorted((common / "worktrees").glob("*")):
        tree = worktree_of(admin)
        found |= _admin(admin.name, admin, tree)
        if tree.is_dir() and repo not in tree.parents:
            found |= {f"file {tree}/{name}": what for name, what in entries(tree)}
    return found


def worktree_of(admin: Path) -> Path:
    """Where the checkout of this admin directory should be."""
    try:
        named = Path(os.fsdecode((admin / "gitdir").read_bytes().rstrip(b"\n"))).parent
    except OSError:
        return admin / "missing"
    return named if named.is_absolute() else admin / "missing"


def entries(root: Path, *, without: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Give every name below a directory with its kind, mode and content; links are not followed."""
    for directory, names, files in os.walk(root):
        here = Path(directory)
        names[:] = sorted(
            one for one in names if str((here / one).relative_to(root)) not in without
        )
        for name in sorted([*names, *files]):
            path = here / name
            relative = str(path.relative_to(root))
            if relative not in without:
                yield relative, describe(path)


def describe(path: Path) -> str:
    """Say what is there, to the byte."""
    status = path.lstat()
    mode = f"{stat.filemode(status.st_mode)}"
    if stat.S_ISLNK(status.st_mode):
        return f"{mode} -> {path.readlink()}"
    if stat.S_ISREG(status.st_mode):
        return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return mode


def git_bytes(*arguments: str, cwd: Path) -> bytes:
    """Ask Git without raising; nothing when it cannot answer."""
    return subprocess.run(("git", *arguments), cwd=cwd, capture_output=True, check=False).stdout


def _refs(repo: Path) -> Inventory:
    found: Inventory = {}
    listing = git_bytes("for-each-ref", "--format=%(refname) %(objectname) %(symref)", cwd=repo)
    for line in os.fsdecode(listing).splitlines():
        name, _, value = line.partition(" ")
        if not name.startswith("refs/unjam/"):
            found[f"ref {name}"] = value
    for line in os.fsdecode(git_bytes("ls-remote", "origin", cwd=repo)).splitlines():
        value, _, name = line.partition("\t")
        found[f"remote {name}"] = value
    return found


def _admin(name: str, admin: Path, tree: Path) -> Inventory:
    found: Inventory = {}
    for relative, what in entries(admin, without=_ELSEWHERE | _PASSING):
        found[f"git {name} {relative}"] = what
    if tree.is_dir():
        # Named, not discovered: in a damaged worktree Git would answer for the primary.
        place = (f"--git-dir={admin}", f"--work-tree={tree}")
        listing = git_bytes(*place, "ls-files", "--stage", "-v", "-z", cwd=tree)
        for line in os.fsdecode(listing).split("\0"):
            value, _, path = line.partition("\t")
            if path:
                found[f"index {name} {path} {value.split()[-1]}"] = value
    return found
