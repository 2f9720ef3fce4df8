"""What a definition says of its table, and whether a row can be one of it: SQLite reads the definition."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from unjam.adapters.state.rescuing.pages import RawRow
from unjam.domain.world.snapshot import Scalar

_VIRTUAL, _STORED = 2, 3  # generated columns: made when they are read, or kept in the row
_INTEGERS = ("INTEGER", "INT", "BIGINT")
_TEXTS = ("TEXT", "VARCHAR", "CHAR", "CLOB")
_TABLES = """SELECT name, wr FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"""
_COLUMNS = 'SELECT cid, name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)'
_KEY = "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is stored."""

    name: str
    declared: str
    is_needed: bool
    is_generated: bool = False


@dataclass(frozen=True)
class TableDefinition:
    """A table as its definition says it, and where it begins."""

    name: str
    sql: str
    root: int
    columns: tuple[Column, ...]  # in the order in which a row holds them
    alias: int | None  # the column that is another name of the rowid
    has_rowid: bool

    def fitted(self, record: RawRow, *, strict: bool = True) -> tuple[Scalar, ...] | None:
        """Return the values of a row as its columns hold them; None where it cannot be of this table.

        A row that was written before columns were added has fewer. What the table itself leads to
        is not taken strictly: SQLite lets a column of integers hold a blob.
        """
        values = list(record.values)
        if not values or len(values) > len(self.columns):
            return None
        if self.alias is not None and self.alias < len(values):
            if values[self.alias] is not None:
                return None
            values[self.alias] = record.rowid
        pairs = zip(self.columns, values, strict=False)
        fits = (_may_hold(one, value, strict=strict) for one, value in pairs)
        return tuple(values) if all(fits) else None


def describe_table(name: str, sql: str, root: int) -> TableDefinition | None:
    """Let SQLite read a definition, in a database of its own; None where it cannot."""
    with closing(sqlite3.connect(":memory:")) as scratch:
        try:
            scratch.execute(sql)
            (listed,) = scratch.execute(_TABLES).fetchall()
            info = scratch.execute(_COLUMNS, listed[:1]).fetchall()
            key = scratch.execute(_KEY, listed[:1]).fetchone()
            order = _order(scratch, key[0]) if key and listed[1] else [one[0] for one in info]
        except (sqlite3.Error, ValueError):
            return None
    by_number = {one[0]: one for one in info if one[5] != _VIRTUAL}
    stored = [by_number[number] for number in order if number in by_number]
    keys = [number for number, one in enumerate(stored) if one[4]]
    # A key of integers that has an index of its own is no other name of the rowid.
    is_alias = len(keys) == 1 and stored[keys[0]][2].upper() == "INTEGER" and not key
    columns = tuple(
        Column(one[1], one[2].upper(), bool(one[3]), one[5] == _STORED) for one in stored
    )
    alias = keys[0] if is_alias else None
    return TableDefinition(name or listed[0], sql, root, columns, alias, not listed[1])


def _order(scratch: sqlite3.Connection, key: str) -> list[int]:
    """Return the columns of a table without rowids as its rows hold them: those of its key first."""
    return [
        number
        for (number,) in scratch.execute(
            "SELECT cid FROM pragma_index_xinfo(?) ORDER BY seqno", (key,)
        )
    ]


def _may_hold(column: Column, value: Scalar, *, strict: bool) -> bool:
    if value is None:
        return not column.is_needed
    kind = column.declared.partition("(")[0].strip()
    if kind in _TEXTS:
        return isinstance(value, str | bytes)
    return not (strict and kind in _INTEGERS and isinstance(value, bytes))
