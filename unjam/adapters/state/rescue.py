"""Find the rows of a damaged database: which leaf belongs to which table, and what it still holds.

Rows on pages that the tables still lead to come first. Then those on pages that nothing leads to any
more, if they fit one table only; what was deleted may be among these, so they are counted apart.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from unjam.adapters.state.pages import Pages, Record
from unjam.domain.snapshot import Scalar

_MASTER_COLUMNS = 5
_KINDS = ("table", "index", "view", "trigger")
_INTEGERS = ("INTEGER", "INT", "BIGINT")
_TEXTS = ("TEXT", "VARCHAR", "CHAR", "CLOB")
# Where a schema is lost, the reference orchestrator's is tried: a row has to fit it to the column.
_REFERENCE = (
    """CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT NOT NULL,
    agent_id TEXT, track TEXT, started_at TEXT, completed_at TEXT, exit_code INTEGER,
    attempt INTEGER DEFAULT 1, error_message TEXT)""",
    """CREATE TABLE execution_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,
    workstream_id TEXT NOT NULL, agent_id TEXT, event_type TEXT NOT NULL, message TEXT)""",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is stored."""

    name: str
    declared: str
    is_needed: bool


@dataclass(frozen=True)
class Table:
    """A table as its definition says it, and where it begins."""

    name: str
    sql: str
    root: int
    columns: tuple[Column, ...]
    alias: int | None  # the column that is another name of the rowid
    has_rowid: bool


@dataclass
class Found:
    """A table and the rows that were found of it."""

    table: Table
    rows: dict[int, tuple[Scalar, ...]] = field(default_factory=dict)
    loose: dict[int, tuple[Scalar, ...]] = field(default_factory=dict)

    @property
    def all(self) -> dict[int, tuple[Scalar, ...]]:
        """Every row by its rowid; what the table leads to wins."""
        return self.loose | self.rows


@dataclass(frozen=True)
class Rescue:
    """What can be had of a damaged database."""

    found: tuple[Found, ...]
    others: tuple[str, ...]  # definitions of indices, views and triggers
    is_schema_lost: bool


def rescue(pages: Pages) -> Rescue:
    """Find everything that fits; never raises for what the pages hold."""
    definitions = tuple(_definitions(pages))
    tables: list[Table | None] = [_table_of(one) for one in definitions]
    is_lost = not any(tables)
    if is_lost:
        tables = [_described("", sql, 0) for sql in _REFERENCE]
    found = [Found(table) for table in tables if table is not None]
    reached = _take_reached(pages, found)
    _take_loose(pages, found, reached)
    kept = tuple(one for one in found if one.all or not is_lost)
    others = tuple(sql for kind, _, _, sql in definitions if kind != "table" and sql)
    return Rescue(kept, others, is_lost)


_Definition = tuple[str, str, int, str]


def _definitions(pages: Pages) -> Iterator[_Definition]:
    """Yield what the schema defines, wherever a leaf of it is; each once."""
    seen = set()
    leaves = list(_leaves(pages, 1)) or range(1, len(pages) + 1)
    for number in leaves:
        for record in pages.rows(number):
            found = _definition(record)
            if found is not None and found[:2] not in seen:
                seen.add(found[:2])
                yield found


def _definition(record: Record) -> _Definition | None:
    if len(record.values) != _MASTER_COLUMNS:
        return None
    kind, name, table, root, sql = record.values
    if kind not in _KINDS or not isinstance(name, str) or not isinstance(table, str):
        return None
    if not isinstance(root, int | None) or not isinstance(sql, str | None):
        return None
    return str(kind), name, root or 0, sql or ""


def _table_of(definition: _Definition) -> Table | None:
    kind, name, root, sql = definition
    if kind != "table" or name.startswith("sqlite_"):
        return None
    return _described(name, sql, root)


def _described(name: str, sql: str, root: int) -> Table | None:
    """Let SQLite read a definition, in a database of its own."""
    with closing(sqlite3.connect(":memory:")) as scratch:
        try:
            scratch.execute(sql)
            (listed,) = scratch.execute(
                "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
                "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            ).fetchall()
            info = scratch.execute(
                'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', listed[:1]
            ).fetchall()
        except (sqlite3.Error, ValueError):
            return None
    stored = [one for one in info if one[4] != 2]  # noqa: PLR2004 -- 2: made when it is read
    keys = [number for number, one in enumerate(stored) if one[3]]
    is_alias = len(keys) == 1 and stored[keys[0]][1].upper() == "INTEGER" and not listed[1]
    columns = tuple(Column(one[0], one[1].upper(), bool(one[2])) for one in stored)
    return Table(
        name or listed[0], sql, root, columns, keys[0] if is_alias else None, not listed[1]
    )


def _take_reached(pages: Pages, found: Iterable[Found]) -> set[int]:
    """Take the rows of every leaf that its table leads to; returns the pages."""
    reached = set(_tree(pages, 1))
    for one in found:
        for number in _leaves(pages, one.table.root):
            for record in pages.rows(number):
                values = _fitted(record, one.table)
                if values is not None:
                    one.rows.setdefault(record.rowid, values)
        reached |= set(_tree(pages, one.table.root))
    return reached


def _take_loose(pages: Pages, found: list[Found], reached: set[int]) -> None:
    passed = reached | pages.unused()
    for number in range(1, len(pages) + 1):
        if number in passed or not pages.is_leaf(number):
            continue
        records = [one for one in pages.rows(number) if _definition(one) is None]
        owner = _owner(records, found)
        for record in records if owner is not None else ():
            values = None if owner is None else _fitted(record, owner.table)
            if owner is not None and values is not None:
                owner.loose.setdefault(record.rowid, values)


def _owner(records: list[Record], found: list[Found]) -> Found | None:
    """Return the one table all rows of a leaf fit; None where none does, or several."""
    fitting = [
        one for one in found if records and all(_fitted(record, one.table) for record in records)
    ]
    exact = [
        one
        for one in fitting
        if all(len(record.values) == len(one.table.columns) for record in records)
    ]
    best = exact or fitting
    return best[0] if len(best) == 1 else None


def _fitted(record: Record, table: Table) -> tuple[Scalar, ...] | None:
    """Return the values of a row as its columns hold them; None where it cannot be of this table.

    A row that was written before columns were added has fewer.
    """
    values = list(record.values)
    if not values or len(values) > len(table.columns) or not table.has_rowid:
        return None
    if table.alias is not None and table.alias < len(values):
        if values[table.alias] is not None:
            return None
        values[table.alias] = record.rowid
    fits = (_may_hold(one, value) for one, value in zip(table.columns, values, strict=False))
    return tuple(values) if all(fits) else None


def _may_hold(column: Column, value: Scalar) -> bool:
    if value is None:
        return not column.is_needed
    kind = column.declared.partition("(")[0].strip()
    if kind in _TEXTS:
        return isinstance(value, str | bytes)
    return not (kind in _INTEGERS and isinstance(value, bytes))


def _leaves(pages: Pages, root: int) -> Iterator[int]:
    return (number for number in _tree(pages, root) if pages.is_leaf(number))


def _tree(pages: Pages, root: int) -> Iterator[int]:
    """Yield every page that a root leads to, each once; damage ends a branch and no more."""
    seen: set[int] = set()
    left = [root]
    while left:
        number = left.pop()
        if number in seen or not 0 < number <= len(pages):
            continue
        seen.add(number)
        yield number
        left.extend(reversed(pages.children(number) or ()))
