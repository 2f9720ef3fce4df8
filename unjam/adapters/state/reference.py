"""The reference orchestrator's schema, both ways: only here its tables, columns and words are known.

Whatever is read of it becomes a ``Row`` in our words, and what is to be true of a row the values
that its table holds then. Columns that are not there are neither read nor written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.snapshot import Row, Scalar, Typed
from unjam.domain.world.status import Status
from unjam.errors import PermanentError

TABLE = "workstream_status"
KEY = "workstream_id"
STATUS = "status"
EVENTS = "execution_log"
BEGAN = "started"  # the event that counts as an attempt
NEEDED = (KEY, STATUS)  # what a row is worth nothing without
TEXTS = (KEY, STATUS, "agent_id", "track", "error_message", "notes", "blocked_by")
STARTED, COMPLETED, ATTEMPT = "started_at", "completed_at", "attempt"
# Of no version of the reference orchestrator; of those who share one state between machines.
MACHINES = (
    "host",
    "hostname",
    "agent_host",
    "worker_host",
    "node",
    "machine",
    "machine_name",
    "machine_id",
)
# Where a schema is lost, this one is tried: a row has to fit it to the column.
DEFINITIONS = (
    """CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT NOT NULL,
    agent_id TEXT, track TEXT, started_at TEXT, completed_at TEXT, exit_code INTEGER,
    attempt INTEGER DEFAULT 1, error_message TEXT)""",
    """CREATE TABLE execution_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,
    workstream_id TEXT NOT NULL, agent_id TEXT, event_type TEXT NOT NULL, message TEXT)""",
)

_MEANT: Mapping[str, Status] = {
    "pending": Status.PENDING,
    "running": Status.RUNNING,
    "completed": Status.COMPLETED,
    "failed": Status.FAILED,
    "blocked": Status.BLOCKED,
    "conflict": Status.CONFLICT,
    "reverted": Status.REVERTED,
    "discarded": Status.DISCARDED,
}
_WORDS = {meant: word for word, meant in _MEANT.items()}
_OVER = (Status.CONFLICT, Status.BLOCKED)
_TOLD_IN = ("error_message", "notes")
_AFRESH = ("blocked_by", "error_message", STARTED, COMPLETED)  # said of an attempt that is over


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the orchestrator's log: the only lineage of an attempt."""

    at: datetime | None
    workstream: str
    agent: str
    began: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be true of a row."""

    status: Status
    message: str | None  # None: there is no room for it
    now: str  # as the row has its other times
    blocked_by: str | None = None
    told_anyway: bool = False  # the message is to stand in a row that is completed, too


def status_of(word: str | None) -> Status:
    """Translate a word, to the letter: one that its orchestrator would not know is unknown to us."""
    return Status.UNKNOWN if word is None else _MEANT.get(word, Status.UNKNOWN)


def word_of(status: Status) -> str:
    """Translate a status back; raises PermanentError where its orchestrator has no such word."""
    word = _WORDS.get(status)
    if word is None:
        raise PermanentError(f"its orchestrator has no word for {status}")
    return word


def event_of(columns: Mapping[str, object], instant: Callable[[object], datetime | None]) -> Event:
    """Read one line of the log, by its columns in small letters."""
    began = columns.get("event_type") == BEGAN
    return Event(
        instant(columns.get("timestamp")),
        str(columns.get(KEY)),
        str(columns.get("agent_id")),
        began,
    )


def has_room_to_tell(row: Row) -> bool:
    """Tell whether any column of its row can say why."""
    return any(name.lower() in _TOLD_IN for name, _ in row.values)


def written_start(row: Row) -> str:
    """Return the time at which its attempt began, as it is written."""
    return str(_by_column(row).get(STARTED) or "")


def settled(row: Row, wanted: Wanted) -> UpdateRow:
    """Return the change that makes a row say what is wanted."""
    values: dict[str, Scalar] = {STATUS: word_of(wanted.status), "updated_at": wanted.now}
    if wanted.status is Status.COMPLETED:
        values |= {COMPLETED: wanted.now}
        if row.status in _OVER:  # what it says of why is over
            values |= {"error_message": None}
    if wanted.message is not None and (wanted.told_anyway or wanted.status is not Status.COMPLETED):
        values |= _told(row, wanted.message)
    if wanted.status is Status.FAILED:
        values |= {STARTED: None}
    if wanted.blocked_by:
        values |= {"blocked_by": wanted.blocked_by}
    elif row.status is Status.BLOCKED or wanted.status is Status.COMPLETED:
        values |= {"blocked_by": None}
    return _change(row, values)


def reopened(row: Row, now: str) -> UpdateRow:
    """Return the change that lets a row wait for its turn, as if it had never had one."""
    values: dict[str, Scalar] = {STATUS: word_of(Status.PENDING), "updated_at": now}
    return _change(row, values | dict.fromkeys(_AFRESH))


def _change(row: Row, values: Mapping[str, Scalar]) -> UpdateRow:
    after = tuple((name, values.get(name.lower(), value)) for name, value in row.values)
    return UpdateRow(row.workstream, row.values, after)


def _told(row: Row, message: str) -> dict[str, Scalar]:
    """Say why where errors are said, else behind what a person noted."""
    columns = _by_column(row)
    if "error_message" in columns:
        return {"error_message": message}
    noted = columns.get("notes")
    kept = str(noted) if isinstance(noted, str | Typed) else ""
    return {"notes": f"{kept}; {message}" if kept else message}


def _by_column(row: Row) -> dict[str, Scalar]:
    return {name.lower(): value for name, value in row.values}
