"""Compare one row with what was seen of it, and write it, in one transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    column,
    delete,
    insert,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import LargeBinary, NullType

from unjam.adapters.state.location import KEY, TABLE
from unjam.adapters.state.rows import text_of, values_of
from unjam.adapters.state.server import writing
from unjam.domain.change import UpdateRow
from unjam.domain.snapshot import Scalar, WorkstreamId
from unjam.errors import PermanentError, RefusedError

_Values = dict[str, Scalar]


def swap(location: str, change: UpdateRow) -> None:
    """Make the change in one transaction; see ``write.update_row``. Errors are bare reasons."""
    before, after = dict(change.before), dict(change.after)
    key = _key(change, before or after)
    with writing(location) as connection:
        current = _current(connection, key)
        if _is_done(current, after):
            return
        _refuse_if_moved_on(current, before, after)
        _write(connection, key, before, after)
        _refuse_unless_taken(_current(connection, key), _changed(before, after))


def _key(change: UpdateRow, row: _Values) -> Scalar:
    stored = [value for name, value in row.items() if name.lower() == KEY]
    if len(stored) != 1 or WorkstreamId(text_of(stored[0])) != change.workstream:
        raise PermanentError(f"a change of {change.workstream} must carry that {KEY}, not {stored}")
    return stored[0]


def _current(connection: Connection, key: Scalar) -> _Values:
    """Return the row, locked until the transaction ends; empty when there is none."""
    # FOR UPDATE locks it on a server; in SQLite the whole file is ours since BEGIN IMMEDIATE.
    query: Select[Any] = (
        select(literal_column("*")).select_from(table(TABLE)).where(_is(key)).with_for_update()
    )
    result = connection.execute(query)
    names, records = tuple(result.keys()), result.all()
    if len(records) > 1:
        raise RefusedError(f"there are {len(records)} such rows, so none of them can be meant")
    return dict(values_of(names, records[0])) if records else {}


def _is_done(current: _Values, after: _Values) -> bool:
    return bool(current) == bool(after) and not _differing(current, after)


def _refuse_if_moved_on(current: _Values, before: _Values, after: _Values) -> None:
    if bool(current) != bool(before):
        raise RefusedError("it is gone" if before else "it is there already, with other values")
    # To remove a row, every column of it must have been seen.
    for name in _differing(current, before) or (not after and _differing(before, current)) or ():
        raise RefusedError(
            f"{name} is {_shown(current, name)}, it was {_shown(before, name)}: somebody else wrote"
        )


def _write(connection: Connection, key: Scalar, before: _Values, after: _Values) -> None:
    rows = table(TABLE, *(column(name) for name in (after or before)))
    if not after:
        connection.execute(delete(rows).where(_is(key)))
    elif not before:
        connection.execute(insert(rows).values(_bound(after)))
    else:
        connection.execute(update(rows).where(_is(key)).values(_bound(_changed(before, after))))


def _refuse_unless_taken(current: _Values, wanted: _Values) -> None:
    # A column may convert what it is given; then nobody would know our work again.
    for name in _differing(current, wanted):
        raise PermanentError(f"{name} would become {_shown(current, name)}, not {wanted[name]!r}")


def _changed(before: _Values, after: _Values) -> _Values:
    return {
        name: value
        for name, value in after.items()
        if name not in before or not _same(before[name], value)
    }


def _differing(current: _Values, wanted: _Values) -> list[str]:
    return [
        name
        for name, value in wanted.items()
        if name not in current or not _same(current[name], value)
    ]


def _same(one: Scalar, other: Scalar) -> bool:
    return type(one) is type(other) and one == other


def _shown(row: _Values, name: str) -> str:
    return repr(row[name]) if name in row else "not there"


def _is(key: Scalar) -> ColumnElement[bool]:
    return column(KEY) == _parameter(key)


def _bound(values: _Values) -> Mapping[str, ColumnElement[Any]]:
    return {name: _parameter(value) for name, value in values.items()}


def _parameter(value: Scalar) -> ColumnElement[Any]:
    if isinstance(value, str) and not _is_utf8(value):
        stored = value.encode("utf-8", "surrogateescape")
        return cast(bindparam(None, stored, type_=LargeBinary()), Text())
    # Without a type of ours, a server takes the text for whatever the column is.
    return bindparam(None, value, type_=NullType())


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
