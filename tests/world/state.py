"""The orchestrator's database, written as the orchestrator writes it, or not at all as it should be."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

Value = str | int | float | bytes | None
Tables = dict[str, list[tuple[Value, ...]]]

COLUMNS = (
    "workstream_id",
    "status",
    "agent_id",
    "track",
    "started_at",
    "completed_at",
    "exit_code",
    "attempt",
    "error_message",
)
_DECLARED = {
    "workstream_id": "TEXT PRIMARY KEY",
    "status": "TEXT NOT NULL",
    "exit_code": "INTEGER",
    "attempt": "INTEGER DEFAULT 1",
}


class TimeStyle(StrEnum):
    """The two ways times are found in a state database, and what writes them."""

    LOCAL_ISO = "python"  # 2025-11-29T08:05:12.345678, local
    UTC = "sqlite"  # 2025-11-29 08:05:12, UTC

    def of(self, moment: datetime) -> str:
        """Write down an aware moment."""
        if self is TimeStyle.UTC:
            return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return moment.astimezone().replace(tzinfo=None).isoformat()


class StateFile:
    """``.state/orchestration.db`` of a world."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, columns: Sequence[str] = COLUMNS, *, log: bool = True) -> None:
        """Make the tables; leave columns out, or add ``blocked_by``, ``notes``, ``updated_at``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        declared = ", ".join(f"{name} {_DECLARED.get(name, 'TEXT')}" for name in columns)
        with self.open() as database:
            database.execute(f"CREATE TABLE IF NOT EXISTS workstream_status ({declared})")
            if log:
                database.execute(
                    "CREATE TABLE IF NOT EXISTS execution_log (id INTEGER PRIMARY KEY "
                    "AUTOINCREMENT, timestamp TEXT NOT NULL, workstream_id TEXT NOT NULL, "
                    "agent_id TEXT, event_type TEXT NOT NULL, message TEXT)"
                )

    def row(
        self,
        workstream: str,
        status: str,
        *,
        agent: str | None = "agent-1",
        age: timedelta = timedelta(minutes=5),
        style: TimeStyle = TimeStyle.LOCAL_ISO,
        **values: Value,
    ) -> None:
        """Write a row as of ``age`` ago, and its ``started`` event; columns the table lacks are left out."""
        if not self.path.exists():
            self.create()
        now = datetime.now(UTC)
        written: dict[str, Value] = {"workstream_id": workstream, "status": status}
        written |= {"agent_id": agent, "track": "core"}
        if status != "pending":
            written["started_at"] = style.of(now - age)
        if status in {"completed", "failed"}:
            ended = style.of(now - age / 2)
            written |= {"completed_at": ended, "exit_code": 0 if status == "completed" else 1}
        written |= values
        with self.open() as database:
            there = self._columns(database)
            kept = {name: value for name, value in written.items() if name in there}
            marks = ", ".join("?" for _ in kept)
            database.execute(
                f"INSERT OR REPLACE INTO workstream_status ({', '.join(kept)}) VALUES ({marks})",
                tuple(kept.values()),
            )
            if status != "pending":
                self._event(database, workstream, agent, style.of(now - age))

    def event(self, workstream: str, kind: str, *, agent: str | None = None) -> None:
        """Add one line to the execution log."""
        moment = TimeStyle.LOCAL_ISO.of(datetime.now(UTC))
        with self.open() as database:
            self._event(database, workstream, agent, moment, kind)

    def status(self, workstream: str) -> str | None:
        """What the database says of a workstream now."""
        return self.value(workstream, "status") if self.path.exists() else None  # type: ignore[return-value]

    def value(self, workstream: str, column: str) -> Value:
        """One value of one row; None when there is no such row."""
        with self.open() as database:
            found = database.execute(
                f"SELECT {column} FROM workstream_status WHERE workstream_id = ?", (workstream,)
            ).fetchone()
        value: Value = found[0] if found else None
        return value

    def tables(self) -> Tables:
        """Every row of every table, with its rowid order; empty when there is no readable database."""
        if not self.path.is_file() or not self.path.read_bytes().startswith(b"SQLite format 3"):
            return {}
        with self.open() as database:
            names = [
                str(name)
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
                )
            ]
            return {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}

    def becomes_empty(self) -> None:
        """Zero bytes, as after a power cut."""
        self._replace(b"")

    def becomes_text(self) -> None:
        """Not a database at all."""
        self._replace(b"this is not a database\n" * 20)

    def becomes_foreign(self) -> None:
        """Be a database, of something else."""
        self._replace(b"")
        with self.open() as database:
            database.execute("CREATE TABLE bookmarks (url TEXT)")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold an exclusive lock on it, as a stuck writer does."""
        database = sqlite3.connect(self.path, isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            database.execute("ROLLBACK")
            database.close()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Use the database; commit at the end."""
        database = sqlite3.connect(self.path)
        try:
            with database:
                yield database
        finally:
            database.close()

    def _replace(self, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(content)

    @staticmethod
    def _columns(database: sqlite3.Connection) -> set[str]:
        return {str(row[1]) for row in database.execute("PRAGMA table_info(workstream_status)")}

    @staticmethod
    def _event(
        database: sqlite3.Connection,
        workstream: str,
        agent: str | None,
        moment: str,
        kind: str = "started",
    ) -> None:
        has_log = "SELECT 1 FROM sqlite_master WHERE name = 'execution_log'"
        if database.execute(has_log).fetchone():
            database.execute(
                "INSERT INTO execution_log (timestamp, workstream_id, agent_id, event_type) "
                "VALUES (?, ?, ?, ?)",
                (moment, workstream, agent, kind),
            )
