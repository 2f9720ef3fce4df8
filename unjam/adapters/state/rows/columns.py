"""What a database says of the columns of the table, and their values as it takes them back.

A value of PostgreSQL's own types travels as the server's text of it, which the server promises to
read back: https://www.postgresql.org/docs/current/sql-createcast.html (I/O conversion casts).
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    column,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from unjam.adapters.state.reference import KEY, TABLE
from unjam.adapters.state.rows.rows import Table, text_of, values_of
from unjam.adapters.state.times import WITH_ZONE, Times
from unjam.domain.world.snapshot import Scalar, Typed
from unjam.errors import PermanentError

Values = dict[str, Scalar]

_WITHOUT_LOSS = frozenset({"text", "character varying", "bigint", "integer", "smallint", "bytea"})
_PLAIN = _WITHOUT_LOSS | {"boolean"}  # as the driver gives them
_PADDED = "character"
_OF_POSTGRES = f"""
    SELECT attname, format_type(atttypid, NULL), format_type(atttypid, atttypmod), attgenerated <> ''
    FROM pg_attribute WHERE attrelid = to_regclass('{TABLE}') AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""  # noqa: S608 -- constants
_OF_SQLITE = f"SELECT name FROM pragma_table_xinfo('{TABLE}') WHERE hidden IN (2, 3)"  # noqa: S608 -- constants
_TRIGGERS = (
    "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t COLLATE NOCASE"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of the table, in its order."""

    names: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)  # by name, where a server tells them
    exact: Mapping[str, str] = field(default_factory=dict)  # the same with length and precision
    generated: frozenset[str] = frozenset()
    are_converted: bool = False  # a value that comes out otherwise was not set by a trigger

    def selected(self) -> list[ColumnElement[Any]]:
        """Return what to ask for, each under its own name."""
        return [self._asked(name).label(name) for name in self.names]

    def image(self, record: Sequence[object]) -> tuple[tuple[str, Scalar], ...]:
        """Return a record as it was asked for as an image that can be compared and written."""
        return values_of(
            self.names, [self._typed(*one) for one in zip(self.names, record, strict=True)]
        )

    def is_own(self, name: str) -> bool:
        """Tell a column whose values only the server itself can write without loss."""
        return self.types.get(name, "text") not in _PLAIN

    def _asked(self, name: str) -> ColumnElement[Any]:
        return cast(column(name), Text()) if self.is_own(name) else column(name)

    def _typed(self, name: str, value: object) -> object:
        if value is None or not self.is_own(name) or self.types[name] == _PADDED:
            return value
        return Typed(self.types[name], text_of(value))


def columns_of(connection: Connection) -> Columns:
    """Ask the database; a server of another kind than PostgreSQL tells names alone."""
    kind = connection.dialect.name
    if kind == "postgresql":
        told = connection.exec_driver_sql(_OF_POSTGRES).all()
        return Columns(
            tuple(one[0] for one in told),
            {one[0]: one[1] for one in told},
            {one[0]: one[2] for one in told},
            frozenset(one[0] for one in told if one[3]),
        )
    nothing: Select[Any] = select(literal_column("*")).select_from(table(TABLE)).limit(0)
    names = tuple(connection.execute(nothing).keys())
    if kind != "sqlite":
        return Columns(names)
    generated = frozenset(name for (name,) in connection.exec_driver_sql(_OF_SQLITE))
    triggers = connection.execute(text(_TRIGGERS), {"t": TABLE}).scalar_one()
    return Columns(names, generated=generated, are_converted=not triggers)


def read_rows(connection: Connection, workstream: str | None = None) -> Table:
    """Read all rows, or those of one workstream, each value without loss."""
    columns = columns_of(connection)
    if not columns.names:
        raise PermanentError(f"it has no table {TABLE}")
    query = select(*columns.selected()).select_from(table(TABLE))
    if workstream is not None:
        query = query.where(column(KEY) == bindparam(None, workstream, type_=NullType()))
    records = connection.execute(query).all()
    return Table(columns.names, [[value for _, value in columns.image(one)] for one in records])


def as_stored(connection: Connection, columns: Columns, image: Values) -> Values:
    """Return an image as the table would hold it: what is no value of a column's type becomes one.

    Images of older journals hold every value as text or a number.
    """
    return {name: _stored(connection, columns, name, value) for name, value in image.items()}


def _stored(connection: Connection, columns: Columns, name: str, value: Scalar) -> Scalar:
    if value is None or name not in columns.exact or not columns.is_own(name):
        return value
    kind = columns.types[name]
    if kind == _PADDED or (isinstance(value, Typed) and value.type == kind):
        return value
    written = _written(kind, value)
    # In a cast of this form nothing is a parameter but the value: the type is the catalogue's word.
    query = f"SELECT CAST(CAST(:value AS {escaped(columns.exact[name])}) AS text)"
    with suppress(DBAPIError), connection.begin_nested():
        asked = connection.execute(text(query), {"value": written}).scalar_one()
        return Typed(kind, text_of(asked))
    return value  # the server says itself why it does not take it


def _written(kind: str, value: Scalar) -> str:
    """Write a value of ours, or of an older journal, as the server reads its type."""
    written = text_of(value)
    if kind == WITH_ZONE:
        instant = Times().instant(written)
        return instant.isoformat() if instant else written
    if kind.endswith("[]") and written.startswith("["):
        with suppress(ValueError):
            return _array(json.loads(written))
    return written


def _array(value: object) -> str:
    if isinstance(value, list):
        return "{" + ",".join(map(_array, value)) + "}"
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def quoted(name: str) -> str:
    """Write a name for ``text``, which takes what follows a colon for a parameter."""
    return escaped('"' + name.replace('"', '""') + '"')


def escaped(name: str) -> str:
    """Write a name that is quoted already for ``text``."""
    return name.replace(":", "\\:")
