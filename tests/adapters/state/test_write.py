"""Changing a row: whole or not at all, and only while it still is as it was seen."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.adapters.state.databases import held, kill_writer
from tests.world import HOSTILE_IDS, wait_until
from tests.world.state import StateFile, Value
from unjam.adapters.state.rows import server
from unjam.adapters.state.rows.read import read_state
from unjam.adapters.state.rows.write import rehearse, update_row
from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Row
from unjam.domain.world.status import Status
from unjam.errors import PermanentError, RefusedError, TransientError

WS = WorkstreamId("ws-1")
AS_URL = "sqlite+pysqlite:///{}"


@pytest.fixture(params=["DELETE", "WAL"])
def state(tmp_path: Path, request: pytest.FixtureRequest) -> StateFile:
    file = StateFile(tmp_path / "orchestration.db")
    file.create()
    with closing(sqlite3.connect(file.path)) as database:
        database.execute(f"PRAGMA journal_mode = {request.param}")
    file.row("ws-0", "pending")
    file.row(WS, "running", exit_code=None)
    return file


def row(state: StateFile, workstream: str = WS) -> Row:
    read = read_state(str(state.path))
    (found,) = (one for one in read.rows if one.workstream == workstream)
    return found


def changed(seen: Row, **values: Value) -> UpdateRow:
    return UpdateRow(seen.workstream, seen.values, tuple((dict(seen.values) | values).items()))


def reverse(change: UpdateRow) -> UpdateRow:
    return UpdateRow(change.workstream, change.after, change.before, change.by_database)


@pytest.mark.parametrize("form", ["{}", AS_URL], ids=["path", "URL"])
def test_a_row_is_changed_once_and_can_be_changed_back(state: StateFile, form: str) -> None:
    location = form.format(state.path)
    before = state.tables()
    change = changed(
        row(state), status="failed", exit_code=137, error_message="it's dead; \N{SKULL}"
    )

    update_row(location, change)
    update_row(location, change)

    assert row(state).values == change.after
    assert state.tables()["workstream_status"][0] == before["workstream_status"][0]
    update_row(location, reverse(change))
    update_row(location, reverse(change))
    assert state.tables() == before


def test_a_row_that_moved_on_is_left_alone_and_both_sides_are_shown(state: StateFile) -> None:
    seen = row(state)
    state.row(WS, "completed", agent="agent-7")

    with pytest.raises(RefusedError, match="status is 'completed', it was 'running'"):
        update_row(str(state.path), changed(seen, status="failed"))

    assert row(state).status == "completed"


@pytest.mark.parametrize(
    ("column", "there", "seen"),
    [
        ("exit_code", 1, 1.0),
        ("error_message", None, ""),
        ("error_message", "1", 1),
        ("error_message", b"x", "x"),
        ("track", "core", "CORE"),
    ],
)
def test_values_that_only_look_alike_are_different(
    tmp_path: Path, column: str, there: Value, seen: Value
) -> None:
    state = StateFile(tmp_path / "state.db")
    with state.open() as database:
        database.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT,"
            " track TEXT COLLATE NOCASE, exit_code NUMERIC, error_message)"
        )
        database.execute(
            f"INSERT INTO workstream_status (workstream_id, status, {column}) VALUES ('ws-1', 'running', ?)",
            (there,),
        )
    true = row(state)
    false = Row(WS, Status.RUNNING, values=tuple((dict(true.values) | {column: seen}).items()))

    with pytest.raises(RefusedError, match=f"{column} is "):
        update_row(str(state.path), changed(false, status="failed"))

    update_row(str(state.path), changed(true, status="failed"))
    assert row(state).status == "failed"


def test_bytes_and_text_that_is_no_utf8_survive_a_change_and_its_undo(state: StateFile) -> None:
    with state.open() as database:
        database.execute(
            "UPDATE workstream_status SET error_message = CAST(X'626164FF' AS TEXT), track = X'00FF'"
            " WHERE workstream_id = 'ws-1'"
        )
    change = changed(row(state), status="failed", error_message=None, track=None)

    update_row(str(state.path), change)
    update_row(str(state.path), reverse(change))

    with state.open() as database:
        kept = database.execute(
            "SELECT CAST(error_message AS BLOB), typeof(error_message), track FROM workstream_status"
            " WHERE workstream_id = 'ws-1'"
        ).fetchone()
    assert kept == (b"bad\xff", "text", b"\x00\xff")


@pytest.mark.parametrize("name", HOSTILE_IDS)
def test_hostile_ids_change_their_own_row_only(state: StateFile, name: str) -> None:
    state.row(name, "running")
    others = [one for one in state.tables()["workstream_status"] if one[0] != name]

    update_row(str(state.path), changed(row(state, name), status="failed", error_message=name))

    assert row(state, name).status == "failed"
    assert [one for one in state.tables()["workstream_status"] if one[0] != name] == others


def test_hostile_column_names_are_only_names(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    name = 'x" = 1; DROP TABLE workstream_status; -- :y %(z)s ?'
    with state.open() as database:
        quoted = '"' + name.replace('"', '""') + '"'
        database.execute(
            f"CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT, {quoted} TEXT)"
        )
        database.execute("INSERT INTO workstream_status VALUES ('ws-1', 'running', 'kept')")
    change = changed(row(state), **{name: "new"})

    update_row(str(state.path), change)

    assert dict(row(state).values) == {"workstream_id": "ws-1", "status": "running", name: "new"}


def test_a_row_can_be_made_and_taken_away_again(state: StateFile) -> None:
    made = UpdateRow(WorkstreamId("ws-9"), (), (("workstream_id", "ws-9"), ("status", "failed")))
    before = state.tables()

    update_row(str(state.path), made)
    update_row(str(state.path), made)
    assert row(state, "ws-9").status == "failed"
    whole = row(state, "ws-9").values
    for _ in range(2):
        update_row(str(state.path), UpdateRow(WorkstreamId("ws-9"), whole, ()))

    assert state.tables()["workstream_status"] == before["workstream_status"]


def test_a_row_with_columns_that_were_never_seen_is_not_taken_away(state: StateFile) -> None:
    seen = tuple(one for one in row(state).values if one[0] != "error_message")

    with pytest.raises(RefusedError, match="error_message"):
        update_row(str(state.path), UpdateRow(WS, seen, ()))

    assert row(state).status == "running"


def test_a_row_that_vanished_or_appeared_is_not_written_over(state: StateFile) -> None:
    seen = row(state)
    with state.open() as database:
        database.execute("DELETE FROM workstream_status WHERE workstream_id = 'ws-1'")

    with pytest.raises(RefusedError, match="it is gone"):
        update_row(str(state.path), changed(seen, status="failed"))
    state.row(WS, "completed")
    with pytest.raises(RefusedError, match="there already"):
        update_row(str(state.path), UpdateRow(WS, (), seen.values))

    assert row(state).status == "completed"


def test_two_rows_of_one_name_are_both_left_alone(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    with state.open() as database:
        database.execute("CREATE TABLE workstream_status (workstream_id TEXT, status TEXT)")
        database.executemany(
            "INSERT INTO workstream_status VALUES ('ws-1', ?)", [("running",), ("failed",)]
        )
    change = UpdateRow(
        WS,
        (("workstream_id", "ws-1"), ("status", "running")),
        (("workstream_id", "ws-1"), ("status", "completed")),
    )

    with pytest.raises(RefusedError, match="2 such rows"):
        update_row(str(state.path), change)

    assert sorted(state.tables()["workstream_status"]) == [("ws-1", "failed"), ("ws-1", "running")]


def test_a_value_that_the_column_would_convert_is_not_written(state: StateFile) -> None:
    with pytest.raises(PermanentError, match="exit_code would become 5, not '5'"):
        update_row(str(state.path), changed(row(state), status="failed", exit_code="5"))

    assert row(state).status == "running"


def test_a_trigger_that_stamps_the_row_does_not_hinder_a_change(state: StateFile) -> None:
    with state.open() as database:
        database.execute("ALTER TABLE workstream_status ADD COLUMN updated_at TEXT")
        database.execute(
            "CREATE TRIGGER stamp AFTER UPDATE ON workstream_status BEGIN UPDATE workstream_status"
            " SET updated_at = datetime('now') WHERE workstream_id = NEW.workstream_id; END"
        )
    before = row(state)

    change = rehearse(str(state.path), changed(before, status="failed"))
    update_row(str(state.path), change)

    assert change.by_database == ("updated_at",)
    assert row(state).status == "failed"
    update_row(str(state.path), reverse(change))
    assert row(state).status == "running"


def test_a_held_database_is_worth_another_try(
    state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WRITE_TIMEOUT", 0.2)
    change = changed(row(state), status="failed")

    with held(state.path, "BEGIN IMMEDIATE"), pytest.raises(TransientError, match="locked"):
        update_row(str(state.path), change)

    update_row(str(state.path), change)
    assert row(state).status == "failed"


@pytest.mark.parametrize(
    "damage", [StateFile.becomes_empty, StateFile.becomes_text, StateFile.becomes_foreign]
)
def test_what_is_no_state_database_is_never_made_one(state: StateFile, damage: object) -> None:
    change = changed(row(state), status="failed")
    state.path.unlink()
    damage(state)  # type: ignore[operator]  # one of the three above
    before = state.path.read_bytes()

    with pytest.raises(PermanentError):
        update_row(str(state.path), change)

    assert state.path.read_bytes() == before


def test_a_database_is_never_created(tmp_path: Path) -> None:
    change = UpdateRow(WS, (), (("workstream_id", "ws-1"), ("status", "failed")))

    for form in ("{}", AS_URL):
        with pytest.raises(PermanentError, match=r"state .*none\.db"):
            update_row(form.format(tmp_path / "none.db"), change)

    assert not list(tmp_path.iterdir())


def test_a_change_that_names_another_row_is_a_mistake(state: StateFile) -> None:
    seen = row(state)

    with pytest.raises(PermanentError, match="must carry"):
        update_row(str(state.path), UpdateRow(WorkstreamId("ws-0"), seen.values, seen.values))


def test_the_first_write_after_a_crash_keeps_all_that_was_committed(tmp_path: Path) -> None:
    for mode in ("DELETE", "WAL"):
        state = StateFile(tmp_path / mode / "state.db")
        state.create()
        kill_writer(state.path, mode=mode, rows=50, during_commit=True)

        update_row(str(state.path), changed(row(state, "ws-007"), status="failed"))

        statuses = {one.workstream: one.status for one in read_state(str(state.path)).rows}
        assert len(statuses) == 50
        assert [name for name, status in statuses.items() if status != "running"] == ["ws-007"]


COUNTS = """
import os, sys
from unjam.adapters.state.rows.write import row_of, update_row
from unjam.domain.steps.change import UpdateRow
from unjam.errors import RefusedError, TransientError
location, times = sys.argv[1], int(sys.argv[2])
done = 0
while done < times:
    before = row_of(location, "ws-1")
    after = dict(before)
    after["agent_id"] = f"{os.getpid()} {done}"  # no two changes are the same
    after["error_message"] = "x" * (after["attempt"] % 7 * 900) or None
    after["attempt"] += 1
    try:
        update_row(location, UpdateRow("ws-1", before, tuple(after.items())))
        done += 1
    except (RefusedError, TransientError):
        pass
"""


@pytest.fixture
def counting() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_of_concurrent_writers_none_writes_over_another(
    state: StateFile, counting: list[subprocess.Popen[bytes]]
) -> None:
    command = [sys.executable, "-c", COUNTS, os.fspath(state.path), "40"]
    counting += [subprocess.Popen(command) for _ in range(3)]

    assert [process.wait(timeout=300) for process in counting] == [0, 0, 0]

    assert row(state).attempt == 1 + 3 * 40


def has_written(state: StateFile, *, more_than: int) -> bool:
    rows = read_state(str(state.path)).rows  # none while the writer holds it
    return any(one.workstream == WS and (one.attempt or 0) > more_than for one in rows)


def test_a_kill_leaves_the_row_as_before_or_as_wanted(
    state: StateFile, counting: list[subprocess.Popen[bytes]]
) -> None:
    command = [sys.executable, "-c", COUNTS, os.fspath(state.path), "1000000"]
    for round_ in range(6):
        written = (row(state).attempt or 0) + round_
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        counting.append(process)
        wait_until(partial(has_written, state, more_than=written), "writing")
        process.send_signal(signal.SIGKILL)
        process.wait()

        left = row(state)
        length = ((left.attempt or 0) - 1) % 7 * 900
        assert left.error_message == ("x" * length if length else None), "both columns or none"
    with state.open() as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert row(state, "ws-0").status == "pending"
