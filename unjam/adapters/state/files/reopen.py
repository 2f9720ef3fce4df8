"""Open a state as its orchestrator would, so that SQLite itself brings it back to order.

What a crash left, a log or a half-made transaction, is SQLite's own to fold in or to roll back.
The last connection that closes a database deletes its ``-wal`` and ``-shm``; so the last one here
is always one that only reads and may not.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.state.file import ALONE, companion_file, opened_to_write, translated
from unjam.adapters.state.rescuing.rebuild import tables_in
from unjam.errors import PermanentError, TransientError, UnjamError

_TIMEOUT = 5.0  # seconds
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reopened:
    """A state that was opened and proven."""

    mode: str
    rows: int
    tables: int
    folded: int | None  # frames of its log that are in the database now; None: it has no log
    left: int = 0  # frames that a reader keeps from being folded in
    orphans: int = 0  # rows whose foreign key leads nowhere


def reopen(path: Path, *, fold: bool) -> Reopened:
    """Let SQLite recover it, prove that it can be written and is whole, and fold its log in.

    ``fold`` False leaves the log to those who have it open. Nothing that is committed changes. Raises TransientError while somebody holds it, PermanentError
    where it is damaged. Done already is fine.
    """
    with _named(path), _writing(path) as connection:
        if companion_file(path, "-journal").exists():
            # It is rolled back by the first who reads; so its file stays, emptied.
            connection.execute("PRAGMA journal_mode = PERSIST")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        said = [str(one) for (one,) in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
        if said != ["ok"]:
            raise PermanentError(f"it is damaged: {' '.join(' '.join(said).split())}")
        orphans = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        counts = [_count(connection, name) for name in tables_in(connection)]
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal" or not fold:
            return Reopened(mode, sum(counts), len(counts), None, 0, orphans)
        busy, frames, folded = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        left = max(0, frames - folded) if busy else 0
        return Reopened(mode, sum(counts), len(counts), folded, left, orphans)


def set_mode(path: Path, mode: str) -> None:
    """Let it work with a log (``wal``) or a journal (``delete``), which stays so for everybody.

    Raises TransientError while anybody has it open.
    """
    with _named(path), _writing(path) as connection:
        (now,) = connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
        if now != mode:
            raise TransientError(f"somebody has it open, and it still works in mode {now}")


def mode_of(path: Path) -> str:
    """Return the mode its header says."""
    with ALONE, translated(), path.open("rb") as file:
        return "wal" if file.read(20)[18:] == b"\x02\x02" else "delete"


def vacuum(path: Path) -> tuple[int, int]:
    """Rewrite it without its holes; returns the bytes before and after. Never a repair."""
    with _named(path), _writing(path) as connection:
        before = path.stat().st_size
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before, path.stat().st_size


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    (count,) = connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608 -- quoted
    return int(count)


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection whose end leaves the log where it is."""
    with (
        translated(),
        ALONE,
        closing(_reading(path)) as last,
        closing(opened_to_write(path, busy_timeout=_TIMEOUT)) as connection,
    ):
        connection.execute("PRAGMA synchronous = FULL")
        try:
            yield connection
        finally:
            with suppress(sqlite3.Error):
                last.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _reading(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except UnjamError as error:
        raise type(error)(f"state {path}: {error}") from error
