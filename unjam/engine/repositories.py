"""Which repositories are watched on this machine."""

from collections.abc import Iterable
from pathlib import Path

from unjam.adapters import files
from unjam.errors import UsageError


def listed(named: Iterable[Path]) -> tuple[Path, ...]:
    """Return each repository once: a directory is one, a file lists them, a line each.

    Lines that are empty or begin with # are left out; paths in a file start at it. Raises UsageError.
    """
    found: dict[Path, None] = {}
    for one in named:
        place = one.expanduser().absolute()
        for repository in [place] if place.is_dir() else _lines(place):
            found[repository] = None
    return tuple(found)


def _lines(place: Path) -> list[Path]:
    content = files.content(place)
    if content is None:
        raise UsageError(f"{place}: neither a repository nor a file that lists some")
    lines = (line.strip() for line in content.decode("utf-8", "surrogateescape").splitlines())
    return [
        (place.parent / Path(line).expanduser()).absolute()
        for line in lines
        if line and not line.startswith("#")
    ]
