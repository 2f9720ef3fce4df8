"""Which repositories are watched on this machine."""

import os
from collections.abc import Iterable
from pathlib import Path

from unjam.adapters import files
from unjam.errors import PermanentError, UsageError


def repositories_in(named: Iterable[Path], config: Path | None = None) -> tuple[Path, ...]:
    """Return each repository once: a directory is one, a file lists them, a line each.

    Lines that are empty or begin with # are left out; paths in a file start at it. What a directory's
    ``watch.repositories`` names comes with it. Raises UsageError.
    """
    found: dict[Path, None] = {}
    for one in named:
        place = _path(one, Path.cwd())
        for repository in _with_neighbours(place, config) if place.is_dir() else _lines(place):
            found[repository] = None
    return tuple(found)


def _with_neighbours(repository: Path, config: Path | None) -> list[Path]:
    from unjam.settings.load import load_all

    try:
        named = load_all(repository, config, standing=True).settings.watch.repositories
    except UsageError:  # said by the look at it, and it hides no other
        named = ()
    return [repository, *(_path(Path(one), repository) for one in named)]


def _path(named: Path, start: Path) -> Path:
    return Path(os.path.normpath(start / named.expanduser()))


def _lines(place: Path) -> list[Path]:
    try:
        content = files.content(place)
    except PermanentError as error:
        raise UsageError(str(error)) from error
    if content is None:
        raise UsageError(f"{place}: neither a repository nor a file that lists some")
    lines = (line.strip() for line in content.decode("utf-8", "surrogateescape").splitlines())
    return [_path(Path(line), place.parent) for line in lines if line and not line.startswith("#")]
