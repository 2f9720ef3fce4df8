"""Rows of the reference table, whichever of its columns are there."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from unjam.adapters.state.reference import (
    ATTEMPT,
    COMPLETED,
    MACHINES,
    NEEDED,
    STARTED,
    TABLE,
    TEXTS,
    status_of,
)
from unjam.adapters.state.times import Times
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Row, Scalar, Typed
from unjam.errors import PermanentError

_Record = Sequence[object]
_Values = tuple[tuple[str, Scalar], ...]
_TEXT_OR_NONE = frozenset({str, type(None)})
_SCALARS = frozenset({str, int, float, bytes, bool, Typed, type(None)})
_OTHERS = (STARTED, COMPLETED, ATTEMPT)


class Table(NamedTuple):
    """What a query answered, as the driver gave it."""

    columns: tuple[str, ...]
    records: Sequence[_Record]


def rows_of(table: Table) -> tuple[Row, ...]:
    """Read every record; raises PermanentError when the table cannot be the one we know."""
    read = _reader(table.columns)
    return tuple([read(values_of(table.columns, record), record) for record in table.records])


def values_of(columns: Sequence[str], record: Iterable[object]) -> _Values:
    """Return a record as the before-image that can be compared with, and written, again."""
    kept = tuple(record)
    if not _SCALARS.issuperset(map(type, kept)):
        kept = tuple(map(_scalar, kept))
    return tuple(zip(columns, kept, strict=True))  # type: ignore[arg-type]  # all are Scalar now


def text_of(value: object) -> str:
    """Return a stored name as text; bytes keep every byte."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _reader(columns: Sequence[str]) -> Callable[[_Values, _Record], Row]:
    at = {name.lower(): index for index, name in enumerate(columns)}
    for needed in NEEDED:
        if needed not in at:
            raise PermanentError(f"its table {TABLE} has no column {needed}")
    # A column that is missing reads as the None that is put behind every record.
    nowhere = len(columns)
    machines = [at[name] for name in MACHINES if name in at]
    pick = itemgetter(*(at.get(name, nowhere) for name in (*TEXTS, *_OTHERS)))
    instant = Times().instant

    def read(values: _Values, record: _Record) -> Row:
        *texts, started, completed, attempt = pick((*record, None))
        if not _TEXT_OR_NONE.issuperset(map(type, texts)):
            texts = list(map(_optional, texts))
        workstream, word, agent, track, error, notes, blocked_by = texts
        return Row(
            WorkstreamId(workstream or ""),
            status_of(word),
            agent,
            track,
            instant(started),
            instant(completed),
            attempt if type(attempt) is int else None,
            error,
            values,
            word,
            notes,
            blocked_by,
            _first_named(values, machines) if machines else "",
        )

    return read


def _first_named(values: _Values, machines: Iterable[int]) -> str:
    found = (values[one][1] for one in machines)
    named = (str(one).strip() for one in found if isinstance(one, str | Typed))
    return next(filter(None, named), "")


def _optional(value: object) -> str | None:
    return value if value is None or type(value) is str else text_of(value)


def _scalar(value: object) -> Scalar:
    if type(value) in _SCALARS:
        return value  # type: ignore[return-value]  # just tested
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, dict | list):  # a server's JSON column
        return json.dumps(value)
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)
