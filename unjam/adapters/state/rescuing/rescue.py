"""Find the rows of a damaged database: which leaf belongs to which table, and what it still holds.

Rows on pages that the tables still lead to come first. Then those on pages that nothing leads to any
more, if they fit one table only; what was deleted may be among these, so they are counted apart.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from unjam.adapters.state.reference import DEFINITIONS
from unjam.adapters.state.rescuing.pages import Pages, RawRow
from unjam.adapters.state.rescuing.tables import Column, TableDefinition, describe_table
from unjam.domain.world.database import LOST_AND_FOUND
from unjam.domain.world.snapshot import Scalar

_MASTER_COLUMNS = 5
_KINDS = ("table", "index", "view", "trigger")
_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\b", re.IGNORECASE)
_TEXT_INDEX = re.compile(
    r"\s*CREATE\s+VIRTUAL\s+TABLE\b.+?\bUSING\s+fts[345]\b", re.IGNORECASE | re.DOTALL
)
_NO_CONTENT = re.compile(r"""\bcontent\s*=\s*(''|"")""", re.IGNORECASE)
_INDEX_PARTS = ("data", "idx", "docsize", "segments", "segdir", "stat")
_SEQUENCE = "sqlite_sequence"  # the last number each table with AUTOINCREMENT gave away


@dataclass
class RescuedRows:
    """A table and the rows that were found of it, by rowid; without rowids by a running number."""

    table: TableDefinition
    rows: dict[int, tuple[Scalar, ...]] = field(default_factory=dict)
    loose: dict[int, tuple[Scalar, ...]] = field(default_factory=dict)

    @property
    def all(self) -> dict[int, tuple[Scalar, ...]]:
        """Every row by its rowid; what the table leads to wins."""
        return self.loose | self.rows

    def take(self, record: RawRow, *, reached: bool) -> None:
        """Take a row, unless it is not of this table or its number is taken."""
        values = self.table.fitted(record, strict=False)
        if values is not None:
            number = record.rowid if self.table.has_rowid else len(self.rows) + len(self.loose)
            (self.rows if reached else self.loose).setdefault(number, values)


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """An index, a view, a trigger or a virtual table, as its definition says it."""

    kind: str
    name: str
    sql: str

    @property
    def is_virtual(self) -> bool:
        """Whether a module of SQLite's keeps its rows, in tables of its own."""
        return self.kind == "table"

    @property
    def what(self) -> str:
        """Its kind in words."""
        return "virtual table" if self.is_virtual else self.kind

    @property
    def is_indexed_text(self) -> bool:
        """Whether its index can be made anew of its content; one without content has its index only."""
        return bool(_TEXT_INDEX.match(self.sql)) and not _NO_CONTENT.search(self.sql)

    def derived(self) -> frozenset[str]:
        """Name the tables that hold nothing but its index."""
        parts = _INDEX_PARTS if self.is_virtual and self.is_indexed_text else ()
        return frozenset(f"{self.name}_{part}" for part in parts)


@dataclass(frozen=True)
class Rescue:
    """What can be had of a damaged database."""

    found: tuple[RescuedRows, ...]
    others: tuple[SchemaObject, ...]  # everything that is no table of rows
    sequences: tuple[tuple[str, int], ...] = ()  # of AUTOINCREMENT


def rescue(pages: Pages) -> Rescue:
    """Find everything that fits; never raises for what the pages hold."""
    definitions = tuple(_definitions(pages))
    tables = [table for table in map(_table_of, definitions) if table is not None]
    found = [RescuedRows(table) for table in tables]
    if _is_broken(pages, 1):
        found += [RescuedRows(one) for one in _reference_tables({table.name for table in tables})]
    reached = _take_reached(pages, found)
    for _, _, root, _ in definitions:
        reached |= set(_tree(pages, root))
    left = _take_loose(pages, found, reached)
    counters = [one for one in left if _is_counter(one, found)]
    found += _lost_and_found(one for one in left if one not in counters)
    others = tuple(
        SchemaObject(kind, name, sql)
        for kind, name, _, sql in definitions
        if sql and (kind != "table" or _VIRTUAL.match(sql))
    )
    derived = {name for one in others for name in one.derived()}
    kept = tuple(
        one for one in found if (one.all or one.table.root) and one.table.name not in derived
    )
    sequences = (*_sequences(pages, definitions), *_counted(counters))
    return Rescue(kept, others, sequences)


_Definition = tuple[str, str, int, str]


def _definitions(pages: Pages) -> Iterator[_Definition]:
    """Yield what the schema defines, wherever a leaf of it is; each once."""
    seen = set()
    everywhere = range(1, len(pages) + 1) if _is_broken(pages, 1) else ()
    for number in (*_leaves(pages, 1), *everywhere):
        for record in pages.rows(number):
            found = _definition(record)
            if found is not None and found[:2] not in seen:
                seen.add(found[:2])
                yield found


def _definition(record: RawRow) -> _Definition | None:
    if len(record.values) != _MASTER_COLUMNS:
        return None
    kind, name, table, root, sql = record.values
    if kind not in _KINDS or not isinstance(name, str) or not isinstance(table, str):
        return None
    if not isinstance(root, int | None) or not isinstance(sql, str | None):
        return None
    return str(kind), name, root or 0, sql or ""


def _table_of(definition: _Definition) -> TableDefinition | None:
    kind, name, root, sql = definition
    if kind != "table" or name.startswith("sqlite_"):
        return None
    return describe_table(name, sql, root)


def _reference_tables(known: set[str]) -> Iterator[TableDefinition]:
    for sql in DEFINITIONS:
        table = describe_table("", sql, 0)
        if table is not None and table.name not in known:
            yield table


def _sequences(pages: Pages, definitions: Iterable[_Definition]) -> Iterator[tuple[str, int]]:
    for kind, name, root, _ in definitions:
        if (kind, name) == ("table", _SEQUENCE):
            yield from _counted(
                one for number in _holding(pages, root) for one in pages.rows(number)
            )


def _counted(records: Iterable[RawRow]) -> Iterator[tuple[str, int]]:
    for values in (one.values for one in records):
        match values:
            case (str(table), int(last)):
                yield table, last
            case _:
                pass


def _is_counter(record: RawRow, found: Iterable[RescuedRows]) -> bool:
    """Tell a row by which SQLite counts the numbers of a table with AUTOINCREMENT."""
    tables = {one.table.name for one in found if "AUTOINCREMENT" in one.table.sql.upper()}
    return any(table in tables for table, _ in _counted([record]))


def _take_reached(pages: Pages, found: Iterable[RescuedRows]) -> set[int]:
    """Take the rows of every page that its table leads to; returns the pages."""
    reached = set(_tree(pages, 1))
    for one in found:
        for number in _holding(pages, one.table.root):
            if pages.is_leaf(number) == one.table.has_rowid:
                for record in pages.rows(number):
                    one.take(record, reached=True)
        reached |= set(_tree(pages, one.table.root))
    return reached


def _take_loose(pages: Pages, found: list[RescuedRows], reached: set[int]) -> list[RawRow]:
    """Take the rows nothing leads to; those that fill every column of their table come first.

    Returns those of which nobody can tell the table.
    """
    passed = reached | pages.unused()
    torn = [one for one in found if _is_broken(pages, one.table.root)]
    older, left = [], []
    for number in range(1, len(pages) + 1):
        if number in passed:
            continue
        records = [one for one in pages.rows(number) if _definition(one) is None]
        alike = [one for one in found if one.table.has_rowid == pages.is_leaf(number)]
        owner = _owner(records, alike, torn)
        if owner is not None and _is_full(records, owner):
            _take(records, owner)
        elif owner is not None:
            older.append((records, owner))
        elif pages.is_leaf(number):
            left += records
    for records, owner in older:
        _take(records, owner)
    return left


def _lost_and_found(records: Iterable[RawRow]) -> list[RescuedRows]:
    """Keep rows whose definition is lost in tables of our own, one for each number of columns."""
    tables: dict[int, RescuedRows] = {}
    for record in records:
        width = len(record.values)
        if width not in tables:
            names = ["old_rowid", *(f"c{number}" for number in range(width))]
            name = f"{LOST_AND_FOUND}{width}"
            sql = f"CREATE TABLE {name} ({', '.join(names)})"
            columns = tuple(Column(one, "", is_needed=False) for one in names)
            table = TableDefinition(name, sql, 0, columns, None, has_rowid=True)
            tables[width] = RescuedRows(table)
        rows = tables[width].loose
        rows[len(rows) + 1] = (record.rowid, *record.values)
    return list(tables.values())


def _take(records: Iterable[RawRow], owner: RescuedRows) -> None:
    for record in records:
        owner.take(record, reached=False)


def _owner(
    records: list[RawRow], found: list[RescuedRows], torn: list[RescuedRows]
) -> RescuedRows | None:
    """Return the one table all rows of a page fit; one that misses pages before one that is whole.

    Rows may be older than the last columns, but only those of a table whose definition is there.
    """
    full = [one for one in found if _is_full(records, one)]
    defined = [one for one in found if one.table.root and one.table.has_rowid]
    for among in (_both(full, torn), _both(defined, torn), full, defined):
        fitting = [one for one in among if _fits(records, one, strict=one not in torn)]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None


def _both(some: list[RescuedRows], others: list[RescuedRows]) -> list[RescuedRows]:
    return [one for one in some if one in others]


def _fits(records: list[RawRow], one: RescuedRows, *, strict: bool) -> bool:
    fitted = (one.table.fitted(record, strict=strict) for record in records)
    return bool(records) and all(fitted)


def _is_full(records: Iterable[RawRow], one: RescuedRows) -> bool:
    return all(len(record.values) == len(one.table.columns) for record in records)


def _holding(pages: Pages, root: int) -> Iterator[int]:
    """Yield the pages with rows that a root leads to, of a table with rowids or without."""
    tree = _tree(pages, root)
    return (number for number in tree if pages.is_leaf(number) or pages.is_keyed(number))


def _is_broken(pages: Pages, root: int) -> bool:
    """Tell that a tree has a page that cannot be read, or leads beyond the end."""
    for number in _tree(pages, root):
        below = pages.children(number)
        if below is None and not pages.is_leaf(number) and not pages.is_keyed(number):
            return True
        if any(not 0 < one <= len(pages) for one in below or ()):
            return True
    return not 0 < root <= len(pages)


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
