"""A copy of the whole state database for the vault, taken before the first row is changed."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from unjam.adapters.state.file import opened_to_read, translated
from unjam.adapters.state.location import file_of, without_password
from unjam.errors import TransientError, UnjamError

DEADLINE = 30.0  # seconds


def copy_database(location: str, target: Path, *, deadline: float = DEADLINE) -> Path | None:
    """Copy all that is committed into one file, which appears whole or not at all.

    A target that exists is complete and is kept. None when the state is on a server. Raises
    TransientError when somebody keeps the database to himself, else PermanentError.
    """
    source = file_of(location)
    if source is None:
        return None
    try:
        with translated():
            if not target.exists():
                _copy(source, target, time.monotonic() + deadline)
    except UnjamError as error:
        raise type(error)(f"copy of state {without_password(location)}: {error}") from error
    return target


def _copy(source: Path, target: Path, end: float) -> None:
    def give_up_in_time(_status: int, _remaining: int, _total: int) -> None:
        # SQLite itself asks again for ever while another process is exclusive.
        if time.monotonic() > end:
            raise TransientError("it is locked by another process")

    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with opened_to_read(source) as connection, closing(sqlite3.connect(partial)) as copy:
            connection.backup(copy, pages=-1, progress=give_up_in_time)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, however the source works
        sync(partial)
        partial.replace(target)
        sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make a file, or the names in a directory, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
