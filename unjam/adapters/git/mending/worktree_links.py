"""The two links between a worktree and its admin directory, relative where they are: a container knows other paths."""

import os
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import read_line

_BEGINS = "gitdir: "


def dot_git_of(common: Path, path: Path, admin: Path) -> bytes:
    """Return what the ``.git`` file of a worktree at a path holds; a relative one stays relative."""
    before = read_line(path / ".git") or ""
    if are_relative(common) or before.startswith(f"{_BEGINS}../"):
        return os.fsencode(f"{_BEGINS}{_from(path, admin)}\n")
    return os.fsencode(f"{_BEGINS}{admin}\n")


def gitdir_of(common: Path, path: Path) -> bytes:
    """Return what the admin directory of a worktree at a path holds."""
    dot_git = path / ".git"
    # Any name of an admin directory does: all lie equally deep.
    named = _from(common / "worktrees/any", dot_git) if are_relative(common) else str(dot_git)
    return os.fsencode(f"{named}\n")


def are_relative(common: Path) -> bool:
    """Tell whether a repository asks for relative links; an older Git misreads those to a worktree."""
    asked = ("--type=bool", "--get", "extensions.relativeWorktrees")
    config = str(common / "config")
    return Git(common).run("config", "--file", config, *asked, accept=None).text == "true"


def _from(place: Path, target: Path) -> str:
    real = Path(os.path.realpath(target.parent), target.name)
    return os.path.relpath(real, os.path.realpath(place))
