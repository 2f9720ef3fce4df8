"""Every way to the state that goes through SQLAlchemy: servers, and writing to files; kept apart for import time."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from unjam.adapters.state import file
from unjam.adapters.state.location import file_of, without_secrets
from unjam.adapters.state.rows.columns import as_stored, columns_of, read_rows
from unjam.adapters.state.rows.rows import Table
from unjam.adapters.state.rows.server_session import (
    LOCK_NOT_AVAILABLE,
    begin,
    code_of,
    is_filtered,
    naming_who_locks,
)
from unjam.domain.world.snapshot import Scalar
from unjam.errors import PermanentError, TransientError, UnjamError

READ_DEADLINE = 5.0  # seconds for connecting and reading; a diagnosis goes on without the rows
WRITE_TIMEOUT = 5.0  # seconds to wait for the write lock, or for a server to let us in

_Answer = TypeVar("_Answer")
_CONNECT_TIMEOUT: Mapping[str, Mapping[str, Any]] = {
    driver: {"connect_timeout": int(WRITE_TIMEOUT)}
    for driver in ("psycopg", "psycopg2", "mysqldb", "pymysql")
} | {"pg8000": {"timeout": int(WRITE_TIMEOUT)}}
# Where the package is not called like its module.
_PACKAGES = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
}
# Serialization failure, deadlock, query canceled: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS = frozenset({"40001", "40P01", "57014", LOCK_NOT_AVAILABLE})


@dataclass(frozen=True, slots=True)
class ServerReader:
    """Asks the same questions of a connection that a file answers without SQLAlchemy."""

    connection: Connection
    location: str

    def has(self, table: str) -> bool:
        """Tell whether there is such a table or view."""
        with _translated(self.location):
            return sqlalchemy.inspect(self.connection).has_table(table)

    def rows(self, workstream: str | None = None) -> Table:
        """Return all rows of the table, or those of one workstream."""
        with _translated(self.location):
            return read_rows(self.connection, workstream)

    def as_stored(self, image: tuple[tuple[str, Scalar], ...]) -> tuple[tuple[str, Scalar], ...]:
        """Return an image of a row as the table would hold it."""
        with _translated(self.location):
            columns = columns_of(self.connection)
            return tuple(as_stored(self.connection, columns, dict(image)).items())

    def why_not_all(self) -> str:
        """Say why there may be rows that this user is not shown; nothing where there are none."""
        with _translated(self.location):
            return (
                "row-level security may hide rows from this user"
                if is_filtered(self.connection)
                else ""
            )

    def ask(self, query: str, **parameters: Scalar) -> Table:
        """Run a query with ``:name`` parameters."""
        with _translated(self.location):
            result = self.connection.execute(sqlalchemy.text(query), parameters)
            return Table(tuple(result.keys()), result.all())


def read_within(seconds: float, location: str, read: Callable[[ServerReader], _Answer]) -> _Answer:
    """Read by URL, or give up in time whatever the driver does; raises UnjamError.

    The text of an error is a bare reason and holds no password.
    """
    answers: SimpleQueue[_Answer | UnjamError] = SimpleQueue()

    def work() -> None:
        try:
            with _translated(location), _reading(location) as connection:
                answers.put(read(ServerReader(connection, location)))
        except UnjamError as error:
            answers.put(error)
        except Exception as error:  # noqa: BLE001 -- a driver may raise anything; the reader must be told
            answers.put(PermanentError(without_secrets(repr(error), location)))

    threading.Thread(target=work, name="read state", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TransientError(f"it did not answer within {seconds:.0f} s") from None
    if isinstance(answer, UnjamError):
        raise answer
    return answer


@contextmanager
def writing(location: str) -> Iterator[Connection]:
    """Give one transaction that holds the write lock from its start and is committed at the end."""
    with trying(location) as connection:
        yield connection
        connection.commit()


@contextmanager
def trying(location: str) -> Iterator[Connection]:
    """Give a transaction as one that writes, of which nothing stays."""
    path = file_of(location)
    with _translated(location), nullcontext() if path is None else file.ALONE:
        engine = _server(location) if path is None else _file(path)
        try:
            with naming_who_locks(engine), engine.connect() as connection:
                begin(connection)
                yield connection
        finally:
            engine.dispose()


@contextmanager
def _reading(location: str) -> Iterator[Connection]:
    path = file_of(location)
    if path is None:
        engine = _server(location)
        try:
            with naming_who_locks(engine), engine.connect() as connection:
                begin(connection)
                yield connection
        finally:
            engine.dispose()
        return
    with file.opened_to_read(path) as opened:
        opened.text_factory = file.lenient
        engine = sqlalchemy.create_engine("sqlite://", creator=lambda: opened, poolclass=StaticPool)
        with engine.connect() as connection:
            yield connection


def _server(location: str) -> Engine:
    url = sqlalchemy.make_url(location)
    if url.get_backend_name() == "sqlite":
        raise PermanentError("the URL names no file")
    if url.get_dialect().is_async:
        raise PermanentError(f"{url.get_driver_name()} is asynchronous; name another driver")
    return sqlalchemy.create_engine(
        url, poolclass=NullPool, connect_args=dict(_CONNECT_TIMEOUT.get(url.get_driver_name(), {}))
    )


def _file(path: Path) -> Engine:
    def opened() -> sqlite3.Connection:
        connection = file.opened_to_write(path, busy_timeout=WRITE_TIMEOUT)
        connection.text_factory = file.lenient
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    engine = sqlalchemy.create_engine("sqlite://", creator=opened, poolclass=NullPool)

    # Python's own BEGIN comes late and is deferred: between reading and writing another's
    # commit fits in, and is lost. https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
    @event.listens_for(engine, "begin")
    def take_the_write_lock(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@contextmanager
def _translated(location: str) -> Iterator[None]:
    try:
        with file.translated():
            yield
    except SQLAlchemyError as error:
        raise _as_ours(error, location) from error
    except ImportError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise PermanentError(
            f"its database driver is not installed: {error}; install it beside unjam: "
            f"pip install {package}"
        ) from error


def _as_ours(error: SQLAlchemyError, location: str) -> UnjamError:
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        try:
            with file.translated():
                raise cause
        except UnjamError as ours:
            return ours
    first_line, *_ = str(cause or error).splitlines() or [type(error).__name__]
    reason = without_secrets(first_line, location)
    state = code_of(error) if isinstance(error, DBAPIError) else None
    lost = isinstance(error, OperationalError) and not isinstance(error, IntegrityError)
    return TransientError(reason) if lost or state in _CONFLICTS else PermanentError(reason)
