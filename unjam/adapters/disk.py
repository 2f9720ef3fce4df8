"""What the file system below a path has to give."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unjam.errors import PermanentError


def free_bytes(path: Path) -> int:
    """Return the bytes we may still write where this path is, or would be."""
    with _translated(path):
        room = os.statvfs(nearest_existing(path))
    return room.f_bavail * room.f_frsize


def free_inodes(path: Path) -> int | None:
    """Return how many files may still be made there; None where the file system does not count."""
    with _translated(path):
        room = os.statvfs(nearest_existing(path))
    return room.f_favail if room.f_files else None


def device_of(path: Path) -> int:
    """Return the number of the device a path is on, or would be: renaming works only within one."""
    with _translated(path):
        return nearest_existing(path).stat().st_dev


def nearest_existing(path: Path) -> Path:
    """Return the path itself, or the closest directory above it that exists."""
    absolute = path.absolute()
    return next(one for one in (absolute, *absolute.parents) if one.exists())


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PermanentError(f"cannot tell what is free at {path}: {error.strerror}") from error
