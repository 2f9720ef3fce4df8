"""The one recoverer per repository: a file lock that the kernel takes back when its holder dies."""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from unjam.errors import PermanentError, RefusedError

PATIENCE = 0.3  # seconds; a look by `holder` is over long before
_BEAT = 0.01  # seconds
_LIMIT = 4096  # bytes; agents can write the file
_NOWHERE = "?"


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who is at work."""

    host: str = _NOWHERE
    boot: str = _NOWHERE
    pid: int = 0
    run: str = _NOWHERE
    since: str = _NOWHERE  # ISO, UTC

    def __str__(self) -> str:
        return f"run {self.run}, pid {self.pid or _NOWHERE} on {self.host}, since {self.since}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change this repository."""

    path: Path
    holder: LeaseHolder


@contextmanager
def take(common: Path, run: str) -> Iterator[Lease]:
    """Hold the lease for as long as the block lasts or the process lives.

    Raises RefusedError, naming the holder, if another run or thread has it.
    """
    path = _path(common)
    handle = _lock(path)
    try:
        lease = Lease(path, _ourselves(run))
        _write(handle, lease.holder)
        yield lease
    finally:
        os.close(handle)


def holder(common: Path) -> LeaseHolder | None:
    """Tell who holds the lease, without taking it; None when nobody does."""
    path = _path(common)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PermanentError(f"cannot read {path}: {error.strerror}") from error
    try:
        return _read(handle) if not _try_lock(handle, fcntl.LOCK_SH) else None
    finally:
        os.close(handle)


def _path(common: Path) -> Path:
    return common / "unjam" / "lease"


def _lock(path: Path) -> int:
    end = time.monotonic() + PATIENCE
    while True:
        handle = _open(path)
        try:
            if _try_lock(handle, fcntl.LOCK_EX):
                if _is_still(handle, path):
                    return handle
            elif time.monotonic() > end:
                _refuse(_read(handle))
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(_BEAT)


def _refuse(who: LeaseHolder) -> NoReturn:
    raise RefusedError(f"another recovery ({who}) is at work; let it end, then try again")


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise PermanentError(f"cannot open the lease {path}: {error.strerror}") from error


def _try_lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        lacking = error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
        reason = "this file system has no locks" if lacking else error.strerror
        raise PermanentError(f"cannot take the lease: {reason}") from error
    return True


def _is_still(handle: int, path: Path) -> bool:
    """Tell whether the locked file is the one the name leads to: somebody may have replaced it."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _ourselves(run: str) -> LeaseHolder:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return LeaseHolder(socket.gethostname(), _boot(), os.getpid(), run, since)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return _NOWHERE


def _write(handle: int, who: LeaseHolder) -> None:
    # The lock is what counts; these bytes only tell a person whose it is.
    content = json.dumps(asdict(who)).encode()
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, content + b"\n", 0)
        os.fsync(handle)
    except OSError as error:
        raise PermanentError(f"cannot write the lease: {error.strerror}") from error


def _read(handle: int) -> LeaseHolder:
    try:
        found: Any = json.loads(os.pread(handle, _LIMIT, 0))
        return LeaseHolder(
            host=_shown(found["host"]),
            boot=_shown(found["boot"]),
            pid=int(found["pid"]),
            run=_shown(found["run"]),
            since=_shown(found["since"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return LeaseHolder()


def _shown(text: object) -> str:
    """Make what an agent may have written fit to print: one short line without control characters."""
    return "".join(one for one in str(text)[:100] if one.isprintable())
