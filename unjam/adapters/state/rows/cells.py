"""Every cell of a state database as text, to be shown: blobs are named by their size alone."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.state.file import lenient, opened_to_read, translated
from unjam.adapters.state.location import file_of
from unjam.domain.world.snapshot import Scalar

_TABLES = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL ORDER BY rowid"
)
ROWS = 20_000  # of a table; a person reads fewer


@dataclass(frozen=True, slots=True)
class TableCells:
    """One table."""

    name: str
    sql: str
    rows: tuple[tuple[Scalar, ...], ...]
    columns: tuple[str, ...] = ()


def read_cells(location: str) -> tuple[TableCells, ...]:
    """Read the newest rows of every table of a file; nothing of a server. Raises UnjamError."""
    path = file_of(location)
    if path is None:
        return ()
    with translated(), opened_to_read(Path(path)) as connection:
        connection.text_factory = lenient
        return tuple(_tables(connection))


def _tables(connection: sqlite3.Connection) -> Iterator[TableCells]:
    for name, sql in connection.execute(_TABLES).fetchall():
        if not str(name).startswith("sqlite_"):
            quoted = '"' + str(name).replace('"', '""') + '"'
            query = f"SELECT * FROM {quoted} ORDER BY rowid DESC LIMIT {ROWS}"  # noqa: S608 -- quoted
            try:
                asked = connection.execute(query)
            except sqlite3.OperationalError:  # without rowids
                query = f"SELECT * FROM {quoted} LIMIT {ROWS}"  # noqa: S608 -- quoted
                asked = connection.execute(query)
            columns = tuple(str(one[0]) for one in asked.description)
            rows = tuple(map(tuple, reversed(asked.fetchall())))
            yield TableCells(str(name), str(sql), rows, columns)
