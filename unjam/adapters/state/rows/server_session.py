"""What every connection of ours to a PostgreSQL is held to, and who keeps one of them waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from unjam.adapters.state.reference import TABLE
from unjam.errors import PermanentError, TransientError, UnjamError

LOCK_NOT_AVAILABLE = "55P03"
LOCK_TIMEOUT = 2.0  # seconds to wait for somebody else's lock
STATEMENT_TIMEOUT = 20.0  # seconds for one statement
_LOOK_FOR = 5.0  # seconds in which the holder of a lock is to be named
# With these, text that the server writes is text that it reads back as the same value.
_SETTINGS = {
    "application_name": "unjam",
    "lock_timeout": f"{LOCK_TIMEOUT * 1000:.0f}",
    "statement_timeout": f"{STATEMENT_TIMEOUT * 1000:.0f}",
    "idle_in_transaction_session_timeout": "60000",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "3",
    "lc_monetary": "C",
    "xmloption": "content",
}
_HOMES = """
    SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = :t AND relkind IN ('r', 'p', 'v', 'f') AND to_regclass(:t) IS NULL
    AND nspname !~ '^pg_' AND has_schema_privilege(nspname, 'usage') ORDER BY nspname
"""
_BEFORE = "SELECT set_config('search_path', :home || ', ' || current_setting('search_path'), true)"
_HOLDERS = """
    SELECT pid, usename, application_name, host(client_addr), state, xact_start AT TIME ZONE 'UTC'
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(:waiting)) ORDER BY xact_start LIMIT 3
"""


def begin(connection: Connection) -> None:
    """Hold a transaction to its limits, and find the table where no search path leads to it."""
    if connection.dialect.name != "postgresql":
        return
    asked = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items())
    connection.exec_driver_sql(f"SELECT {asked}")
    homes = list(connection.execute(text(_HOMES), {"t": TABLE}).scalars())
    if len(homes) > 1:
        raise PermanentError(
            f"it has a table {TABLE} in several schemas ({', '.join(homes)}): "
            f"name one in its URL, ?options=-csearch_path%3D{homes[0]}"
        )
    for home in homes:
        connection.execute(text(_BEFORE), {"home": home})


def is_filtered(connection: Connection) -> bool:
    """Tell whether policies of the table say which rows this user is shown."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.execute(text("SELECT row_security_active(:t)"), {"t": TABLE}).scalar())


@contextmanager
def naming_who_locks(engine: Engine) -> Iterator[None]:
    """Say who holds the lock for which a statement waited in vain."""
    try:
        yield
    except (UnjamError, SQLAlchemyError) as error:
        cause = error if isinstance(error, DBAPIError) else error.__cause__
        if not isinstance(cause, DBAPIError) or code_of(cause) != LOCK_NOT_AVAILABLE:
            raise
        who = ""
        with suppress(SQLAlchemyError):
            who = _holders(engine, cause)
        raise TransientError(
            f"another session keeps it locked{who}; this waited {LOCK_TIMEOUT:.0f} s"
        ) from error


def code_of(error: DBAPIError) -> str | None:
    """Return the five characters by which PostgreSQL names what went wrong."""
    cause = error.orig
    told = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if told is None and cause is not None and cause.args and isinstance(cause.args[0], dict):
        told = cause.args[0].get("C")  # pg8000
    return told if isinstance(told, str) else None


def _holders(engine: Engine, refused: DBAPIError) -> str:
    """Wait once more, in a second session, and ask meanwhile for whom."""
    started: SimpleQueue[int | None] = SimpleQueue()
    waits = threading.Thread(target=_wait, args=(engine, refused, started), daemon=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
        waits.start()
        pid = started.get(timeout=_LOOK_FOR)
        found: list[Any] = []
        while pid is not None and waits.is_alive() and not found:
            found = list(watch.execute(text(_HOLDERS), {"waiting": pid}))
            waits.join(0.02)
        if pid is not None:
            watch.execute(text("SELECT pg_cancel_backend(:pid)"), {"pid": pid})
    waits.join(_LOOK_FOR)
    return f": {'; '.join(_in_words(*one) for one in found)}" if found else ""


def _wait(engine: Engine, refused: DBAPIError, started: "SimpleQueue[int | None]") -> None:
    try:
        with suppress(UnjamError, SQLAlchemyError), engine.connect() as connection:
            begin(connection)
            started.put(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            params: Any = refused.params
            connection.exec_driver_sql(refused.statement or "", params)
            connection.rollback()
    finally:
        started.put(None)


def _in_words(pid: int, *told: object) -> str:
    user, program, address, state, since = told
    parts = [f"user {user}"]
    if program:
        parts.append(f"application {program}")
    parts.append(f"from {address}" if address else "on this server")
    if state is not None:
        parts.append(str(state))
    if since is not None:
        parts.append(f"in a transaction since {str(since)[:19]}Z")
    return f"backend {pid} ({', '.join(parts)})"
