"""Be the only process that does something, by a file lock that the kernel takes back at its death."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unjam.errors import UsageError

_LIMIT = 20  # bytes of a process id


@contextmanager
def only_one(path: Path) -> Iterator[int | None]:
    """Hold a lock while the block lasts: gives None, or the process id of another that holds it.

    The id is 0 where that one has not said it yet. Raises UsageError where no lock can be had.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(path, flags, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    try:
        yield _other(handle, path)
    finally:
        os.close(handle)


def _other(handle: int, path: Path) -> int | None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        said = os.pread(handle, _LIMIT, 0)
        return int(said) if said.isdigit() else 0
    except OSError as error:
        raise UsageError(f"cannot lock {path}: {error.strerror}") from error
    return None
