"""What the orchestrator believes, read without touching anything and without ever waiting long."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from unjam.adapters.state.file import lenient, opened_to_read, translated
from unjam.adapters.state.location import file_of, is_url, without_password
from unjam.adapters.state.reference import BEGAN, EVENTS, KEY, TABLE, Event, event_of
from unjam.adapters.state.rows.rows import Table, rows_of, text_of
from unjam.adapters.state.times import Times
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Scalar, State
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, UnjamError

Image = tuple[tuple[str, Scalar], ...]  # a row by its columns

_Answer = TypeVar("_Answer")
_ROWS = f"SELECT * FROM {TABLE}"  # noqa: S608 -- constants
_ROW = f"{_ROWS} WHERE {KEY} = :workstream"
_STARTS = f"""
    SELECT {KEY}, count(*) FROM {EVENTS}
    WHERE event_type = '{BEGAN}' AND {KEY} IS NOT NULL GROUP BY {KEY}
"""  # noqa: S608 -- constants
_LOG = f"SELECT * FROM {EVENTS}"  # noqa: S608 -- constants
_COUNT = f"SELECT count(*) FROM {EVENTS}"  # noqa: S608 -- constants


class _Reader(Protocol):
    def has(self, table: str) -> bool: ...

    def ask(self, query: str, **parameters: Scalar) -> Table: ...

    def rows(self, workstream: str | None = None) -> Table: ...

    def as_stored(self, image: Image) -> Image: ...

    def why_not_all(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _FileReader:
    connection: sqlite3.Connection

    def has(self, table: str) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = :table"
        return bool(self.ask(f"{query} COLLATE NOCASE", table=table).records)

    def rows(self, workstream: str | None = None) -> Table:
        return self.ask(_ROWS) if workstream is None else self.ask(_ROW, workstream=workstream)

    def as_stored(self, image: Image) -> Image:
        return image

    def why_not_all(self) -> str:
        return ""

    def ask(self, query: str, **parameters: Scalar) -> Table:
        try:
            cursor = self.connection.execute(query, parameters)
            return Table(_columns(cursor), cursor.fetchall())
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
            # Text that is not UTF-8. Decoding every cell ourselves is slow, so only now.
            self.connection.text_factory = lenient
            cursor = self.connection.execute(query, parameters)
            return Table(_columns(cursor), cursor.fetchall())


def read_state(location: str) -> State:
    """Read rows and attempts from a SQLite file or a SQLAlchemy URL; never raises, never writes.

    No file is NO; a file or server that would not be read is UNKNOWN, and ``because`` says why.
    """
    visible = without_password(location)
    try:
        if _is_missing(location):
            return State(visible, Truth.NO, because="there is no such file")
        return _read(location, lambda reader: _state(visible, reader))
    except UnjamError as error:
        return State(visible, Truth.UNKNOWN, because=str(error))


def row_of(location: str, workstream: WorkstreamId) -> Image:
    """Read one row as it is now, whole; empty when there is none. Raises UnjamError."""
    return images_of(location, workstream)[0]


def images_of(location: str, workstream: WorkstreamId, *others: Image) -> tuple[Image, ...]:
    """Read one row as it is now, and other images of it as the table would hold them.

    Raises UnjamError.
    """

    def read(reader: _Reader) -> tuple[Image, ...]:
        rows = rows_of(reader.rows(workstream))
        if len(rows) > 1:
            raise PermanentError(f"{len(rows)} rows say they are {workstream!r}")
        return (rows[0].values if rows else (), *map(reader.as_stored, others))

    try:
        if _is_missing(location):
            raise PermanentError("there is no such file")
        return _read(location, read)
    except UnjamError as error:
        raise type(error)(f"state {without_password(location)}: {error}") from error


def events_of(location: str) -> int:
    """Count the events written down so far; none where they cannot be read."""
    try:
        return 0 if _is_missing(location) else _read(location, _number_of_events)
    except UnjamError:
        return 0


def log_of(location: str) -> tuple[Event, ...]:
    """Return every event that was written down; none where they cannot be read."""
    try:
        return () if _is_missing(location) else _read(location, _events)
    except UnjamError:
        return ()


def _events(reader: _Reader) -> tuple[Event, ...]:
    if not reader.has(EVENTS):
        return ()
    told = reader.ask(_LOG)
    at = [name.lower() for name in told.columns]
    times = Times()
    return tuple(event_of(dict(zip(at, one, strict=True)), times.instant) for one in told.records)


def _number_of_events(reader: _Reader) -> int:
    return _count(reader.ask(_COUNT).records[0][0]) if reader.has(EVENTS) else 0


def _read(location: str, read: Callable[[_Reader], _Answer]) -> _Answer:
    if is_url(location):
        from unjam.adapters.state.rows.server import READ_DEADLINE, read_within

        return read_within(READ_DEADLINE, location, read)
    with opened_to_read(Path(location)) as connection:
        return read(_FileReader(connection))


def _is_missing(location: str) -> bool:
    path = file_of(location)
    if path is None:
        return False
    with translated():
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            if path.is_symlink():
                raise PermanentError("it is a link that leads nowhere") from None
            return True
        except ValueError as error:
            raise PermanentError(f"not a file name: {error}") from error
    return False


def _state(location: str, reader: _Reader) -> State:
    if not reader.has(TABLE):
        raise PermanentError(f"it has no table {TABLE}")
    table = reader.rows()
    starts, because = _starts(reader)
    hidden = reader.why_not_all()
    told = "; ".join(one for one in (hidden, because) if one)
    return State(location, Truth.YES, table.columns, rows_of(table), starts, told, hidden)


def _starts(reader: _Reader) -> tuple[tuple[tuple[WorkstreamId, int], ...], str]:
    """Count the attempts; when the events cannot be read the rows still say what they say."""
    try:
        with translated():
            if not reader.has(EVENTS):
                return (), ""
            counted = reader.ask(_STARTS).records
    except UnjamError as error:
        return (), f"{EVENTS}: {error}"
    return tuple((WorkstreamId(text_of(name)), _count(times)) for name, times in counted), ""


def _count(times: object) -> int:
    return times if isinstance(times, int) else 0


def _columns(cursor: sqlite3.Cursor) -> tuple[str, ...]:
    return tuple(column[0] for column in cursor.description)
