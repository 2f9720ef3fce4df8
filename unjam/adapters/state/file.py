"""Open a SQLite file so that reading leaves everything as it was, evidence of a crash included.

Measured: ``mode=ro`` never writes the database, its WAL or its journal (it may rebuild the
``-shm`` index). Two states need a private copy instead: after a crash in the middle of a commit
the journal must be rolled back, which a reader may not do; and a WAL database that was closed
cleanly gets two new files beside it just for being read.
"""

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from unjam.errors import PermanentError, TransientError, UnjamError

BUSY_TIMEOUT = 0.25  # seconds; a diagnosis does not wait for a lock
DEADLINE = 10.0  # seconds for all that is read at once
COPY_LIMIT = 1 << 30  # bytes

# Opening and closing a file by hand drops every SQLite lock this process holds on it, so whatever
# this package does to files it does alone: https://sqlite.org/howtocorrupt.html#_posix_advisory_locks
ALONE = threading.RLock()

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_WAL_VERSION = 2
_OPERATIONS_PER_LOOK = 100_000
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_CANNOT_BE_READ_IN_PLACE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


@contextmanager
def opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open it for reading in one transaction; raises UnjamError, whose text says why not.

    The caller has made sure that the file exists.
    """
    with ALONE, translated(), ExitStack() as until_closed:
        yield until_closed.enter_context(closing(_connected(path, until_closed)))


def opened_to_write(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """Open an existing database in autocommit; never creates one. The caller holds ALONE."""
    _header(path)  # an empty file would silently become a new database
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
    )


def lenient(text: bytes) -> str:
    """Decode text that need not be UTF-8, keeping every byte."""
    return text.decode("utf-8", "surrogateescape")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLite and the system raise into our errors; the text is a bare reason."""
    try:
        yield
    except sqlite3.Error as error:
        raise _as_ours(error) from error
    except PermissionError as error:
        raise PermanentError("permission denied") from error
    except OSError as error:
        raise PermanentError(f"{error.strerror or error}") from error


def _connected(path: Path, until_closed: ExitStack) -> sqlite3.Connection:
    if _is_closed_wal(path):
        with suppress(TransientError):  # somebody has just opened it: then it is read in place
            return _reading(until_closed.enter_context(_copied(path)))
    try:
        return _reading(path)
    except sqlite3.Error as error:
        if _code(error) not in _CANNOT_BE_READ_IN_PLACE:
            raise
    return _reading(until_closed.enter_context(_copied(path)), mode="rw")


def _reading(path: Path, *, mode: str = "ro") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
    )
    try:
        end = time.monotonic() + DEADLINE
        connection.set_progress_handler(lambda: time.monotonic() > end, _OPERATIONS_PER_LOOK)
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # takes the read lock
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_closed_wal(path: Path) -> bool:
    """Tell a WAL database nobody has open and nothing is pending for."""
    return (
        _header(path)[18:20] == bytes((_WAL_VERSION, _WAL_VERSION))
        and not companion_file(path, "-wal").exists()
        and path.stat().st_size <= COPY_LIMIT
    )


def _header(path: Path) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise PermanentError("it is not a regular file")
    if status.st_size == 0:
        raise PermanentError("the file is empty")
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if not header.startswith(_MAGIC):
        raise PermanentError("file is not a database")
    return header


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """Copy a database nobody writes, with what a crash left beside it, to a place of our own."""
    import shutil
    import tempfile

    before = _stamps(path)
    if sum(size for size, _ in before.values()) > COPY_LIMIT:
        raise PermanentError("it cannot be read in place, and is too large to look at a copy")
    with tempfile.TemporaryDirectory(prefix="unjam-") as directory:
        copy = Path(directory, "state.db")
        for suffix in before:
            shutil.copyfile(companion_file(path, suffix), companion_file(copy, suffix))
        if _stamps(path) != before:
            raise TransientError("it is being written")
        yield copy


def _stamps(path: Path) -> dict[str, tuple[int, int]]:
    stamps = {}
    for suffix in ("", "-wal", "-journal"):
        with suppress(FileNotFoundError):
            status = companion_file(path, suffix).stat()
            stamps[suffix] = (status.st_size, status.st_mtime_ns)
    return stamps


def companion_file(path: Path, suffix: str) -> Path:
    """Name one of the files of a database: SQLite follows a link to it, and keeps the others there."""
    return Path(os.path.realpath(path) + suffix)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code


def _as_ours(error: sqlite3.Error) -> UnjamError:
    code = _code(error)
    if code in _BUSY:
        return TransientError("it is locked by another process")
    if code == sqlite3.SQLITE_INTERRUPT:
        return TransientError(f"reading it took over {DEADLINE:.0f} s")
    return PermanentError(str(error))
