"""Reading the state: what is there is told, what is not is said, and nothing changes."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.adapters.state.databases import files_beside, held, kill_writer
from tests.world import HOSTILE_IDS
from tests.world.state import StateFile
from unjam.adapters.state.rows.read import read_state, row_of
from unjam.adapters.state.rows.server import read_within
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, TransientError

AS_URL = "sqlite+pysqlite:///{}"
BOTH_WAYS = pytest.mark.parametrize("form", ["{}", AS_URL], ids=["file", "SQLAlchemy"])
Damage = Callable[[StateFile], object]


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    file = StateFile(tmp_path / "state" / "orchestration.db")
    file.create()
    return file


@BOTH_WAYS
def test_a_row_is_read_with_every_column_as_it_stands(state: StateFile, form: str) -> None:
    state.row("ws-1", "failed", agent="agent-2", exit_code=3, error_message="boom", attempt=2)

    read = read_state(form.format(state.path))

    assert read.readable is Truth.YES
    (row,) = read.rows
    assert (row.workstream, row.status, row.agent, row.track) == (
        "ws-1",
        "failed",
        "agent-2",
        "core",
    )
    assert (row.attempt, row.error_message) == (2, "boom")
    assert row.values == tuple(
        zip(read.columns, state.tables()["workstream_status"][0], strict=True)
    )


@BOTH_WAYS
def test_attempts_are_the_started_events_not_the_column(state: StateFile, form: str) -> None:
    state.row("ws-1", "running")
    state.event("ws-1", "failed")
    state.event("ws-1", "started")
    state.row("ws-2", "running")

    read = read_state(form.format(state.path))

    assert dict(read.starts) == {"ws-1": 2, "ws-2": 1}
    assert {row.attempt for row in read.rows} == {1}


@BOTH_WAYS
def test_two_columns_are_enough_and_a_log_is_not_needed(tmp_path: Path, form: str) -> None:
    state = StateFile(tmp_path / "state.db")
    state.create(("workstream_id", "status"), log=False)
    state.row("ws-1", "running")

    read = read_state(form.format(state.path))

    assert read.readable is Truth.YES
    assert read.columns == ("workstream_id", "status")
    assert [(row.workstream, row.status, row.agent, row.started_at) for row in read.rows] == [
        ("ws-1", "running", None, None)
    ]
    assert read.starts == ()


def test_columns_nobody_told_us_about_are_kept_in_the_before_image(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    state.create(("notes", "workstream_id", "blocked_by", "status", "updated_at"))
    state.row("ws-1", "blocked", blocked_by="ws-9", notes="wait", updated_at="2025-11-29 08:05:12")

    (row,) = read_state(str(state.path)).rows

    assert dict(row.values) == {
        "notes": "wait",
        "workstream_id": "ws-1",
        "blocked_by": "ws-9",
        "status": "blocked",
        "updated_at": "2025-11-29 08:05:12",
    }


@pytest.mark.parametrize("name", HOSTILE_IDS)
def test_hostile_ids_and_agents_are_only_text(state: StateFile, name: str) -> None:
    state.row(name, "running", agent=name)

    read = read_state(str(state.path))

    assert [(row.workstream, row.agent) for row in read.rows] == [(name, name)]
    assert dict(read.starts) == {name: 1}
    found = row_of(str(state.path), WorkstreamId(name))
    assert found == read.rows[0].values


@BOTH_WAYS
def test_bytes_that_are_no_utf8_come_through_whole(state: StateFile, form: str) -> None:
    with state.open() as database:
        database.execute(
            "INSERT INTO workstream_status (workstream_id, status, error_message, track)"
            " VALUES ('ws-1', 'failed', CAST(X'626164FF' AS TEXT), X'00FF')"
        )

    (row,) = read_state(form.format(state.path)).rows

    assert row.error_message == "bad\udcff"
    assert dict(row.values)["track"] == b"\x00\xff"


@BOTH_WAYS
def test_no_file_means_there_is_no_state(tmp_path: Path, form: str) -> None:
    read = read_state(form.format(tmp_path / "none" / "orchestration.db"))

    assert read.readable is Truth.NO
    assert not (tmp_path / "none").exists()


def cut_in_half(state: StateFile) -> None:
    for number in range(200):
        state.row(f"ws-{number}", "running", error_message="x" * 200)
    os.truncate(state.path, state.path.stat().st_size // 2)


def replace_by_fifo(state: StateFile) -> None:
    state.path.unlink()
    os.mkfifo(state.path)


def replace_by_directory(state: StateFile) -> None:
    state.path.unlink()
    state.path.mkdir()


def replace_by_dangling_link(state: StateFile) -> None:
    state.path.unlink()
    state.path.symlink_to("nowhere.db")


def leave_out_status(state: StateFile) -> None:
    with state.open() as database:
        database.execute("ALTER TABLE workstream_status RENAME COLUMN status TO state")


UNREADABLE: list[tuple[Damage, str]] = [
    (StateFile.becomes_empty, "the file is empty"),
    (StateFile.becomes_text, "file is not a database"),
    (StateFile.becomes_foreign, "it has no table workstream_status"),
    (cut_in_half, "malformed"),
    (replace_by_fifo, "not a regular file"),
    (replace_by_directory, "not a regular file"),
    (replace_by_dangling_link, "a link that leads nowhere"),
    (leave_out_status, "has no column status"),
]


@BOTH_WAYS
@pytest.mark.parametrize(
    ("damage", "because"), UNREADABLE, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_cannot_be_read_is_unknown_and_says_why(
    state: StateFile, damage: Damage, because: str, form: str
) -> None:
    damage(state)

    read = read_state(form.format(state.path))

    assert read.readable is Truth.UNKNOWN
    assert because in read.because
    assert read.rows == ()


@BOTH_WAYS
@pytest.mark.parametrize(
    "statements",
    [
        ("BEGIN EXCLUSIVE",),
        ("PRAGMA journal_mode=WAL", "PRAGMA locking_mode=EXCLUSIVE", "BEGIN IMMEDIATE"),
    ],
    ids=["rollback", "WAL"],
)
def test_a_locked_database_is_unknown_at_once(
    state: StateFile, statements: tuple[str, ...], form: str
) -> None:
    state.row("ws-1", "running")
    read_state(form.format(state.path))  # imports are not what is measured

    with held(state.path, *statements):
        began = time.monotonic()
        read = read_state(form.format(state.path))
        took = time.monotonic() - began

    assert read.readable is Truth.UNKNOWN
    assert "locked by another process" in read.because
    assert took < 2


def test_a_writer_that_is_only_slow_does_not_hide_the_rows(state: StateFile) -> None:
    state.row("ws-1", "running")

    with held(state.path, "BEGIN IMMEDIATE", "UPDATE workstream_status SET status = 'failed'"):
        read = read_state(str(state.path))

    assert [row.status for row in read.rows] == ["running"]


@BOTH_WAYS
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("during_commit", [False, True], ids=["after a commit", "during a commit"])
def test_reading_after_a_crash_shows_all_that_was_committed_and_changes_nothing(
    state: StateFile, mode: str, during_commit: bool, form: str
) -> None:
    kill_writer(state.path, mode=mode, rows=100, during_commit=during_commit)
    before = files_beside(state.path)
    assert len(before) == 1 + (mode == "WAL" or during_commit), "the crash left its evidence"

    read = read_state(form.format(state.path))

    assert files_beside(state.path) == before
    assert [(row.workstream, row.status) for row in read.rows] == [
        (f"ws-{number:03}", "running") for number in range(100)
    ]


def test_reading_a_wal_database_nobody_uses_leaves_no_file_beside_it(state: StateFile) -> None:
    state.row("ws-1", "running")
    with closing(sqlite3.connect(state.path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    assert list(files_beside(state.path, also_index=True)) == [state.path.name]

    read = read_state(str(state.path))

    assert [row.workstream for row in read.rows] == ["ws-1"]
    assert list(files_beside(state.path, also_index=True)) == [state.path.name]


def test_a_wal_database_in_use_is_read_with_what_is_not_yet_checkpointed(state: StateFile) -> None:
    state.row("ws-1", "running")

    with held(
        state.path, "PRAGMA journal_mode=WAL", "UPDATE workstream_status SET status='failed'"
    ):
        read = read_state(str(state.path))

    assert [row.status for row in read.rows] == ["failed"]


def test_a_link_to_the_database_is_followed_to_its_journal(
    state: StateFile, tmp_path: Path
) -> None:
    kill_writer(state.path, mode="DELETE", during_commit=True)
    link = tmp_path / "link.db"
    link.symlink_to(state.path)

    assert {row.status for row in read_state(str(link)).rows} == {"running"}


def test_names_that_mean_something_in_a_url_are_names(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "a?mode=memory#b%41 c" / "s.db")
    state.row("ws-1", "running")

    assert len(read_state(str(state.path)).rows) == 1


def test_another_user_without_permission_is_told_so(state: StateFile) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    state.path.chmod(0o600)
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        read = read_state(str(state.path))
        os._exit(0 if read.readable is Truth.UNKNOWN and "ermission denied" in read.because else 1)

    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("postgresql+nosuchdriver://u:hunter2@h/db", "nosuchdriver"),
        ("nosuchdatabase://u:hunter2@h/db", "nosuchdatabase"),
        (
            "postgresql+psycopg2://u:hunter2@h/db",
            "psycopg2'; install it beside unjam: pip install psycopg2-binary",
        ),
        ("postgresql+asyncpg://u:hunter2@h/db", "asyncpg is asynchronous; name another driver"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://[not a url:hunter2@", ""),
    ],
)
def test_a_url_that_leads_nowhere_is_unknown_and_keeps_its_password(url: str, because: str) -> None:
    read = read_state(url)

    assert read.readable is Truth.UNKNOWN
    assert because in read.because
    assert read.because
    assert "hunter2" not in read.because + read.location


def test_a_server_that_never_answers_is_given_up_in_time(state: StateFile) -> None:
    never = threading.Event()
    began = time.monotonic()

    with pytest.raises(TransientError, match="did not answer within"):
        read_within(0.2, AS_URL.format(state.path), lambda _: never.wait(30))

    assert time.monotonic() - began < 5
    never.set()


def test_a_diagnosis_of_a_file_does_not_pay_for_sqlalchemy(state: StateFile) -> None:
    state.row("ws-1", "running")
    program = (
        "import sys; from unjam.adapters.state.rows.read import read_state;"
        "print(len(read_state(sys.argv[1]).rows), 'sqlalchemy' in sys.modules)"
    )

    told = subprocess.run(
        [sys.executable, "-c", program, state.path], capture_output=True, text=True, check=True
    )

    assert told.stdout.split() == ["1", "False"]


def test_rows_survive_a_log_that_cannot_be_counted(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    state.create(log=False)
    with state.open() as database:
        database.execute("CREATE TABLE execution_log (line TEXT)")
    state_row = ("ws-1", "running")
    with state.open() as database:
        database.execute(
            "INSERT INTO workstream_status (workstream_id, status) VALUES (?, ?)", state_row
        )

    for form in ("{}", AS_URL):
        read = read_state(form.format(state.path))

        assert read.readable is Truth.YES
        assert len(read.rows) == 1
        assert "execution_log" in read.because


def test_one_row_is_looked_up_as_it_is_now(state: StateFile) -> None:
    state.row("ws-1", "running", age=timedelta(hours=1))

    assert row_of(str(state.path), WorkstreamId("ws-2")) == ()
    for form in ("{}", AS_URL):
        found = row_of(form.format(state.path), WorkstreamId("ws-1"))
        assert found == read_state(str(state.path)).rows[0].values


def test_a_row_of_no_database_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"nothing\.db: there is no such file"):
        row_of(str(tmp_path / "nothing.db"), WorkstreamId("ws-1"))


def test_ten_thousand_rows_are_read_in_a_blink(state: StateFile) -> None:
    with state.open() as database:
        database.executemany(
            "INSERT INTO workstream_status VALUES (?, 'running', 'agent-1', 'core', ?, ?, 0, 1, NULL)",
            [
                (f"ws-{n}", f"2025-11-{n % 28 + 1:02}T08:{n % 60:02}:12.345", None)
                for n in range(10_000)
            ],
        )

    took = []
    for _ in range(5):
        began = time.process_time()
        assert len(read_state(str(state.path)).rows) == 10_000
        took.append(time.process_time() - began)

    assert min(took) < 0.3, "60 ms of a processor on a quiet machine; five times that on any"
