"""A state database with the tables of another and no rows: what an orchestration begins with."""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from unjam.adapters.state.file import opened_to_read, translated
from unjam.adapters.state.location import file_of, without_password
from unjam.errors import UnjamError

SUFFIXES = ("", "-wal", "-shm", "-journal")
_SCHEMA = """
    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, rowid
"""
_NUMBERS = ("user_version", "application_id")


def database_files(location: str) -> tuple[Path, ...]:
    """Name every file of a state database, there or not; none of them where it is on a server.

    SQLite follows a link to a database and keeps its other files beside where that leads.
    """
    path = file_of(location)
    if path is None:
        return ()
    there = Path(os.path.realpath(path))
    return tuple(there.with_name(there.name + suffix) for suffix in SUFFIXES)


def blank_like(source: Path, *, wal: bool) -> bytes:
    """Return a new database with the tables, views, indices and triggers of a sound one.

    With ``wal`` it keeps a write-ahead log from the first connection on. Raises UnjamError where
    the source cannot be read.
    """
    try:
        with translated(), opened_to_read(source) as connection:
            schema = [str(sql) for (sql,) in connection.execute(_SCHEMA)]
            numbers = {one: connection.execute(f"PRAGMA {one}").fetchone()[0] for one in _NUMBERS}
        with translated():
            return _made(schema, numbers, wal=wal)
    except UnjamError as error:
        raise type(error)(f"tables of {without_password(str(source))}: {error}") from error


def _made(schema: list[str], numbers: dict[str, int], *, wal: bool) -> bytes:
    with tempfile.TemporaryDirectory(prefix="unjam-") as folder:
        made = Path(folder, "blank.db")
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            for name, number in numbers.items():
                connection.execute(f"PRAGMA {name} = {int(number)}")
            for sql in schema:
                with suppress(sqlite3.OperationalError):  # of an extension that is not here
                    connection.execute(sql)
            if wal:
                connection.execute("PRAGMA journal_mode = WAL")
        return made.read_bytes()
