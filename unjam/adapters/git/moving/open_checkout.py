"""Open a checkout by name, after proof that the directory belongs to the admin directory."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from unjam.adapters.git.command import Git
from unjam.adapters.git.user_config import effective_settings
from unjam.domain.world.words import first_few
from unjam.errors import RefusedError, TransientError

_SHOWN = 10  # paths in a sentence
# What a person has set about how files are written holds for what we write, too.
_WRITING = r"^(core\.(autocrlf|eol)|merge\.conflictstyle)$"


def open_checkout(path: PurePath, admin: PurePath) -> Git:
    """Return a checkout's repository for writing: no discovery, no drivers, durable, as is usual here."""
    place = Path(path)
    if place.is_symlink() or not place.is_dir():
        raise RefusedError(f"{place} is not a directory")
    if not _belongs(place, Path(admin)):
        raise RefusedError(f"{place} is not the checkout of {admin}")
    git = Git(Path(admin), place).without_drivers()
    usual = effective_settings(git, _WRITING)
    return replace(git, settings=(*git.settings, *usual, "core.fsync=all"))


def refuse_locked(git: Git) -> None:
    """Raise TransientError where the index is locked; whose lock it is, others find out."""
    lock = git.git_dir / "index.lock"
    if os.path.lexists(lock):
        raise TransientError(f"{lock} is held")


def with_filter(git: Git, paths: Iterable[str], *how: str) -> Iterator[str]:
    """Name the paths whose contents a program converts on their way in or out."""
    names = os.fsencode("".join(f"{path}\0" for path in paths))
    fields = git.run("check-attr", "-z", *how, "--stdin", "filter", stdin=names).fields()
    for path, value in zip(fields[::3], fields[2::3], strict=True):
        if value not in ("unspecified", "unset"):
            yield path


def leads_through_link(work_tree: Path, path: str) -> bool:
    """Tell whether a directory of a path is a link, or no directory at all."""
    parents = list(Path(path).parents)[:-1]
    return any((work_tree / one).is_symlink() or not (work_tree / one).is_dir() for one in parents)


def paths_in_words(paths: Iterable[str]) -> str:
    """Put paths into a sentence; only the first few, and always printable."""
    return first_few([path.encode("utf-8", "replace").decode() for path in paths], _SHOWN)


def _belongs(path: Path, admin: Path) -> bool:
    gitfile = path / ".git"
    try:
        if gitfile.is_dir():
            return gitfile.samefile(admin)
        named = os.fsdecode(gitfile.read_bytes()).removeprefix("gitdir: ").rstrip("\n")
        return (path / named).samefile(admin)
    except OSError:
        return False
