"""Compare one row with what was seen of it, and write it, in one transaction; kept apart for import time."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import starmap
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
    select,
    table,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.types import LargeBinary, NullType

from unjam.adapters.state.reference import KEY, NEEDED, TABLE
from unjam.adapters.state.rows.columns import Columns, Values, as_stored, columns_of, quoted
from unjam.adapters.state.rows.rows import text_of
from unjam.adapters.state.rows.server import trying, writing
from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Scalar, Typed
from unjam.errors import PermanentError, RefusedError, TransientError

_TOUCHED = f"""
    SELECT relid::regclass::text FROM pg_stat_xact_user_tables
    WHERE n_tup_upd + n_tup_del > 0
    AND relid <> to_regclass('{TABLE}')
    AND relid NOT IN (SELECT relid FROM pg_partition_tree(to_regclass('{TABLE}'))) ORDER BY 1
"""  # noqa: S608 -- constants


def compare_and_write(location: str, change: UpdateRow) -> None:
    """Make the change in one transaction; see ``write.update_row``. Errors are bare reasons."""
    with writing(location) as connection:
        row = _Row(connection, change)
        if row.is_done():
            return
        row.refuse_if_moved_on()
        row.make()
        for name, told in row.differing(row.after):
            error = PermanentError if name in row.changed() else TransientError
            raise error(f"{name} would become {told}, not {_shown(row.after, name)}")


def rehearse(location: str, change: UpdateRow) -> UpdateRow:
    """Make the change and take it back, of which nothing stays; return it as the database makes it.

    Its values are as the table holds them, and the columns that the database sets itself are named.
    Raises as ``swap`` does, and PermanentError where a row could not be put back that goes.
    """
    with trying(location) as connection:
        row = _Row(connection, change)
        if not row.is_done():
            row.refuse_if_moved_on()
            row.forth()
            row.back()
        return row.as_found()


class _Row:
    """One row, locked until the transaction ends, and what is to become of it."""

    def __init__(self, connection: Connection, change: UpdateRow) -> None:
        self.connection = connection
        self.change = change
        self.columns = columns_of(connection)
        self.before = as_stored(connection, self.columns, dict(change.before))
        self.after = as_stored(connection, self.columns, dict(change.after))
        self.key = _key(change, self.before or self.after)
        self.theirs = {*change.by_database}
        self.current = self.look()

    def look(self) -> Values:
        """Return the row as it is now; empty when there is none."""
        return _current(self.connection, self.columns, self.key)

    def is_done(self) -> bool:
        """Tell that it is as wanted already."""
        return bool(self.current) == bool(self.after) and not any(self.differing(self.after))

    def refuse_if_moved_on(self) -> None:
        """Raise RefusedError where the row is not as it was seen."""
        current, before = self.current, self.before
        if bool(current) != bool(before):
            raise RefusedError("it is gone" if before else "it is there already, with other values")
        # To remove a row, every column of it must have been seen.
        unseen = [] if self.after else _differing(before, current)
        for name in self._owned((*_differing(current, before), *unseen)):
            was = f"it was {_shown(before, name)}: somebody else wrote"
            raise RefusedError(f"{name} is {_shown(current, name)}, {was}")

    def write(self, before: Values, after: Values) -> None:
        """Take the row from one side to the other. Raises PermanentError where it stays as it is."""
        was, changed = self.current, self.changed(before, after)
        if not after:
            self.connection.execute(delete(table(TABLE)).where(_is(self.key)))
        elif before:
            self._update(changed)
        else:
            self._insert(changed)
        self.current = self.look()
        if bool(self.current) != bool(after) or (changed and self.current == was):
            raise PermanentError("its database keeps it as it is: a trigger or a policy of its own")

    def make(self) -> None:
        """Make the change; a row that is put in its place is made as it was."""
        self.write(self.before, self.after)
        if not self.before:
            self._repair(self.after)

    def forth(self) -> None:
        """Make the change, and find the columns that the database sets itself."""
        self.make()
        self._give_up(self.after)

    def back(self) -> None:
        """Take the change back: only a row that can be put back may go."""
        if self.before and self.after:
            with suppress(DBAPIError, PermanentError), self.connection.begin_nested():
                self.write(self.after, self.before)
                found = {name for name, _ in self.differing(self.before)}
                self.theirs |= found - {*self.changed(), *NEEDED}
        elif self.before:
            self._refuse_if_others_go()
            try:
                self.write({}, self.before)
                self._repair(self.before)
                self._give_up(self.before)
            except (DBAPIError, PermanentError) as error:
                said = str(getattr(error, "orig", None) or error).partition("\n")[0]
                raise PermanentError(f"it could not be put back, so it stays: {said}") from error

    def as_found(self) -> UpdateRow:
        """Return the change with the values and the columns that were found."""
        theirs = tuple(name for name in self.columns.names if name in self.theirs)
        before, after = tuple(self.before.items()), tuple(self.after.items())
        return replace(self.change, before=before, after=after, by_database=theirs)

    def differing(self, wanted: Values) -> Iterable[tuple[str, str]]:
        """Name the columns of ours that are not as wanted, each with what is in it."""
        for name in self._owned(_differing(self.current, wanted)):
            yield name, _shown(self.current, name)

    def changed(self, before: Values | None = None, after: Values | None = None) -> Values:
        """Return what is to be written of a row that is there."""
        before = self.before if before is None else before
        after = self.after if after is None else after
        return {
            name: after[name]
            for name in self._writable(after)
            if name not in before or not _same(before[name], after[name])
        }

    def _writable(self, values: Values) -> list[str]:
        fixed = self.columns.generated | (self.theirs if self.before and self.after else set())
        return [name for name in values if name not in fixed]

    def _owned(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name not in self.theirs]

    def _give_up(self, wanted: Values) -> None:
        """Leave to the database what it sets itself, but for what a row is worth nothing without."""
        for name, told in tuple(self.differing(wanted)):
            by_itself = name in self.columns.generated or not self.columns.are_converted
            if name.lower() in NEEDED or not by_itself:
                raise PermanentError(f"{name} would become {told}, not {_shown(wanted, name)}")
            self.theirs.add(name)

    def _repair(self, wanted: Values) -> None:
        """Write again what a trigger made of a row that was put in its place."""
        wrong = {name: wanted[name] for name, _ in self.differing(wanted)}
        again = {name: value for name, value in wrong.items() if name in self._writable(wrong)}
        if again:
            with suppress(DBAPIError), self.connection.begin_nested():
                self._update(again)
            self.current = self.look()

    def _update(self, values: Values) -> None:
        if values:
            rows = table(TABLE, *map(column, values))
            changed = update(rows).where(_is(self.key)).values(_bound(values))
            self.connection.execute(changed)

    def _insert(self, values: Values) -> None:
        if self.connection.dialect.name != "postgresql":
            rows = table(TABLE, *map(column, values))
            self.connection.execute(insert(rows).values(_bound(values)))
            return
        # An identity column takes a value only when it is told to.
        names = ", ".join(map(quoted, values))
        marks = ", ".join(f":value_{number}" for number in range(len(values)))
        query = f"INSERT INTO {TABLE} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})"  # noqa: S608 -- quoted
        bound = {f"value_{number}": one for number, one in enumerate(values.values())}
        self.connection.execute(text(query).bindparams(*starmap(_parameter_called, bound.items())))

    def _refuse_if_others_go(self) -> None:
        """Raise PermanentError where rows of other tables go with this one: nothing puts those back."""
        if self.connection.dialect.name != "postgresql":
            return
        others = list(self.connection.exec_driver_sql(_TOUCHED).scalars())
        if others:
            raise PermanentError(f"rows of {', '.join(others)} would go with it, so it stays")


def _key(change: UpdateRow, row: Values) -> Scalar:
    stored = [value for name, value in row.items() if name.lower() == KEY]
    if len(stored) != 1 or WorkstreamId(text_of(stored[0])) != change.workstream:
        raise PermanentError(f"a change of {change.workstream} must carry that {KEY}, not {stored}")
    return stored[0]


def _current(connection: Connection, columns: Columns, key: Scalar) -> Values:
    # FOR UPDATE locks it on a server; in SQLite the whole file is ours since BEGIN IMMEDIATE.
    query: Select[Any] = select(*columns.selected()).select_from(table(TABLE)).where(_is(key))
    records = connection.execute(query.with_for_update()).all()
    if not records and connection.dialect.name != "sqlite" and connection.execute(query).all():
        raise PermanentError("this user may read it and not write it: a policy of its database")
    if len(records) > 1:
        raise RefusedError(f"there are {len(records)} such rows, so none of them can be meant")
    return dict(columns.image(records[0])) if records else {}


def _differing(current: Values, wanted: Values) -> list[str]:
    return [
        name
        for name, value in wanted.items()
        if name not in current or not _same(current[name], value)
    ]


def _same(one: Scalar, other: Scalar) -> bool:
    return type(one) is type(other) and one == other


def _shown(row: Values, name: str) -> str:
    return repr(row[name]) if name in row else "not there"


def _is(key: Scalar) -> ColumnElement[bool]:
    return column(KEY) == _parameter(key)


def _bound(values: Values) -> Mapping[str, ColumnElement[Any]]:
    return {name: _parameter(value) for name, value in values.items()}


def _parameter(value: Scalar) -> ColumnElement[Any]:
    if isinstance(value, str) and not _is_utf8(value):
        stored = value.encode("utf-8", "surrogateescape")
        return cast(bindparam(None, stored, type_=LargeBinary()), Text())
    # Without a type of ours, a server takes the text for whatever the column is.
    return _parameter_called(None, value)


def _parameter_called(name: str | None, value: Scalar) -> BindParameter[Any]:
    return bindparam(name, value.text if isinstance(value, Typed) else value, type_=NullType())


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
