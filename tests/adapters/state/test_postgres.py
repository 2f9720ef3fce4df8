"""A state on PostgreSQL: every value is the server's own, and what the server sets itself stays its."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.state.server_state import WS, changed, host, made, new_server, reverse, rich
from tests.state_server import PLAIN, Server
from tests.world import git
from unjam.adapters.git.repository import find_repository
from unjam.adapters.state.rows.read import images_of, read_state, row_of
from unjam.adapters.state.rows.write import rehearse, update_row
from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.snapshot import Scalar
from unjam.domain.world.truth import Truth
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import Orchestration
from unjam.errors import PermanentError, RefusedError, TransientError
from unjam.settings import Settings
from unjam.settings.model import OrchestrationKeys as Places

__all__ = ["host", "new_server", "rich"]  # fixtures


def test_every_type_is_written_undone_removed_and_put_back(rich: Server) -> None:
    seen, before = row_of(rich.location, WS), rich.all()
    stamped = rich.run("SELECT updated_at FROM workstream_status WHERE workstream_id = 'ws-1'")

    change = made(
        rich.location,
        changed(
            seen,
            status="failed",
            error_message="its agent died",
            started_at=None,
            completed_at="2026-11-30T12:00:00+00:00",
            updated_at="2026-11-30T12:00:00",
        ),
    )
    assert change.by_database == ("updated_at",)
    assert change.not_taken == ("updated_at",)
    made(rich.location, reverse(change))
    whole = row_of(rich.location, WS)
    assert [one for one in whole if one[0] != "updated_at"] == [
        one for one in seen if one[0] != "updated_at"
    ]

    now = rich.all()
    removed = made(rich.location, UpdateRow(WS, whole, ()))
    assert row_of(rich.location, WS) == ()
    made(rich.location, reverse(removed))

    assert removed.by_database == ()
    assert rich.all() == now
    assert now[0] == before[0]
    assert rich.run("SELECT updated_at FROM workstream_status WHERE id = 2") != stamped


def test_the_times_of_a_server_are_instants_and_its_names_are_names(rich: Server) -> None:
    state = read_state(rich.location)

    assert state.readable is Truth.YES, state.because
    row = state.rows[1]
    assert (row.workstream, row.status, row.attempt) == ("ws-1", "running", 1)
    assert row.started_at is not None
    assert row.completed_at is None


@pytest.mark.parametrize("name", ["a_text_array", "a_jsonb", "a_stamp", "a_numeric", "a_uuid"])
def test_an_image_of_an_older_journal_can_still_be_put_back(rich: Server, name: str) -> None:
    old: dict[str, Scalar] = {
        "a_text_array": '["a,b", "c\\"d", null, "NULL", "", "{}"]',
        "a_jsonb": '{"a": [1.0, null], "b": 1}',
        "a_stamp": "2026-11-30 10:00:00.123456+00:00",
        "a_numeric": "12345678901234567890.000100",
        "a_uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    }
    before = rich.run(f"SELECT {name}::text FROM workstream_status WHERE id = 2")
    image = tuple((dict(row_of(rich.location, WS)) | {name: old[name]}).items())

    now, as_it_would_be = images_of(rich.location, WS, image)
    assert now == as_it_would_be
    rich.run("DELETE FROM workstream_status WHERE id = 2")
    made(rich.location, UpdateRow(WS, (), image))

    assert rich.run(f"SELECT {name}::text FROM workstream_status WHERE id = 2") == before


def test_a_status_that_a_trigger_keeps_is_said_and_nothing_is_written(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN});
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.status := OLD.status; NEW.error_message := NULL; RETURN NEW; END';
        CREATE TRIGGER keep BEFORE UPDATE ON workstream_status FOR EACH ROW
            WHEN (NEW.status = 'failed') EXECUTE FUNCTION keep();
        INSERT INTO workstream_status VALUES ('ws-1', 'running', 'all is well')
    """)
    seen, before = row_of(server.location, WS), server.all()

    with pytest.raises(PermanentError, match="status would become 'running', not 'failed'"):
        rehearse(server.location, changed(seen, status="failed", error_message="it died"))
    server.run("ALTER TABLE workstream_status DISABLE TRIGGER keep")
    change = made(server.location, changed(seen, status="failed", error_message="it died"))
    made(server.location, reverse(change))

    assert server.all() == before


def test_a_write_that_a_trigger_suppresses_is_not_told_as_done(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN});
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER no BEFORE UPDATE OR DELETE ON workstream_status FOR EACH ROW EXECUTE FUNCTION no();
        INSERT INTO workstream_status VALUES ('ws-1', 'running')
    """)
    seen, before = row_of(server.location, WS), server.all()

    for change in (changed(seen, status="failed"), UpdateRow(WS, seen, ())):
        for make in (rehearse, update_row):
            with pytest.raises(PermanentError, match="keeps it as it is"):
                make(server.location, change)

    assert server.all() == before


def test_a_row_whose_removal_takes_rows_of_other_tables_along_stays(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN});
        CREATE TABLE notes (of text REFERENCES workstream_status ON DELETE CASCADE, said text);
        INSERT INTO workstream_status VALUES ('ws-1', 'running');
        INSERT INTO notes VALUES ('ws-1', 'worth keeping')
    """)

    with pytest.raises(PermanentError, match="rows of notes would go with it"):
        rehearse(server.location, UpdateRow(WS, row_of(server.location, WS), ()))

    assert server.run("SELECT said FROM notes") == [("worth keeping",)]


def test_a_row_that_cannot_be_put_back_stays(new_server: Callable[..., Server]) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN});
        CREATE FUNCTION fresh() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.status <> 'pending' THEN RAISE 'rows begin as pending'; END IF; RETURN NEW; END $$;
        INSERT INTO workstream_status VALUES ('ws-1', 'running');
        CREATE TRIGGER fresh BEFORE INSERT ON workstream_status FOR EACH ROW EXECUTE FUNCTION fresh();
    """)

    with pytest.raises(PermanentError, match="could not be put back, so it stays: rows begin as"):
        rehearse(server.location, UpdateRow(WS, row_of(server.location, WS), ()))

    assert len(server.all()) == 1


def test_what_a_trigger_makes_of_a_row_that_is_put_back_is_written_again(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN}, made_at timestamptz);
        CREATE FUNCTION fresh() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN NEW.status := ''pending''; NEW.made_at := clock_timestamp(); RETURN NEW; END';
        CREATE TRIGGER fresh BEFORE INSERT ON workstream_status FOR EACH ROW EXECUTE FUNCTION fresh();
        INSERT INTO workstream_status VALUES ('ws-1', 'running');
        UPDATE workstream_status SET status = 'completed'
    """)
    before = server.all()

    removed = made(server.location, UpdateRow(WS, row_of(server.location, WS), ()))
    assert server.all() == []
    made(server.location, reverse(removed))

    assert server.all() == before


def test_a_row_that_a_policy_lets_us_read_and_not_write_is_said(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN});
        INSERT INTO workstream_status VALUES ('ws-0', 'running'), ('ws-1', 'running'), ('ws-2', 'secret');
        DROP ROLE IF EXISTS reader;
        CREATE ROLE reader LOGIN;
        GRANT SELECT, UPDATE, DELETE ON workstream_status TO reader;
        ALTER TABLE workstream_status ENABLE ROW LEVEL SECURITY;
        CREATE POLICY seen ON workstream_status FOR SELECT USING (status <> 'secret');
        CREATE POLICY mine ON workstream_status FOR UPDATE USING (workstream_id = 'ws-0');
    """)
    location = server.location.replace("unjam@", "reader@")
    before, state = server.all(), read_state(location)

    with pytest.raises(PermanentError, match="may read it and not write it"):
        rehearse(location, changed(row_of(location, WS), status="failed"))

    assert [one.workstream for one in state.rows] == ["ws-0", "ws-1"]
    assert "row-level security" in state.because
    assert server.all() == before
    assert read_state(server.location).because == ""


def test_a_look_says_that_rows_may_be_hidden_and_does_not_call_it_healthy(
    new_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = new_server(f"""
        CREATE TABLE workstream_status ({PLAIN});
        INSERT INTO workstream_status VALUES ('ws-2', 'secret');
        DROP ROLE IF EXISTS looker;
        CREATE ROLE looker LOGIN;
        GRANT SELECT ON workstream_status TO looker;
        ALTER TABLE workstream_status ENABLE ROW LEVEL SECURITY;
    """)
    git("init", "-b", "main", cwd=tmp_path)
    git("commit", "--allow-empty", "-m", "begin", cwd=tmp_path)

    def unknown(location: str) -> list[str]:
        written = Settings(orchestration=Places(state=location))
        seen = observe(Orchestration(find_repository(tmp_path), written))
        return [one.what for one in seen.unknown]

    assert unknown(server.location.replace("unjam@", "looker@")) == ["all rows of the state"]
    assert unknown(server.location) == []


def test_a_table_in_a_schema_of_its_own_is_found_and_one_of_two_is_asked_for(
    new_server: Callable[..., Server],
) -> None:
    server = new_server(f"""
        CREATE SCHEMA "Team A";
        CREATE TABLE "Team A".workstream_status ({PLAIN});
        INSERT INTO "Team A".workstream_status VALUES ('ws-1', 'running')
    """)

    made(server.location, changed(row_of(server.location, WS), status="failed"))
    assert server.run('SELECT status FROM "Team A".workstream_status') == [("failed",)]
    server.run(f"CREATE SCHEMA b; CREATE TABLE b.workstream_status ({PLAIN})")
    state = read_state(server.location)
    chosen = read_state(f"{server.location}&options=-csearch_path%3Db")

    assert state.readable is Truth.UNKNOWN
    assert 'in several schemas ("Team A", b)' in state.because
    assert (chosen.readable, chosen.rows) == (Truth.YES, ())


def test_a_row_that_an_idle_transaction_locks_is_given_up_and_its_holder_is_named(
    new_server: Callable[..., Server],
) -> None:
    server = new_server()
    server.run("INSERT INTO workstream_status VALUES ('ws-1', 'running')")
    seen = row_of(server.location, WS)

    with server.connected(application_name="a forgotten shell") as holder:
        holder.execute("BEGIN")
        holder.execute("UPDATE workstream_status SET status = 'mine'")
        pid = holder.info.backend_pid
        with pytest.raises(TransientError) as told:
            rehearse(server.location, changed(seen, status="failed"))
        assert f"backend {pid} (user unjam, application a forgotten shell" in str(told.value)
        assert "idle in transaction, in a transaction since 20" in str(told.value)
        holder.execute("ROLLBACK")
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE workstream_status")
        state = read_state(server.location)
        holder.execute("ROLLBACK")

    assert state.readable is Truth.UNKNOWN
    assert f"backend {pid} (user unjam" in state.because
    made(server.location, changed(seen, status="failed"))


def test_a_row_on_a_server_that_moved_on_is_left_alone(rich: Server) -> None:
    rich.run("ALTER TABLE workstream_status DISABLE TRIGGER stamp")
    seen = row_of(rich.location, WS)
    rich.run("UPDATE workstream_status SET a_json = '{}' WHERE id = 2")

    with pytest.raises(RefusedError, match=r"a_json is '\{\}', it was "):
        rehearse(rich.location, changed(seen, status="failed"))

    assert str(dict(row_of(rich.location, WS))["a_json"]) == "{}"


def test_what_another_only_made_the_server_stamp_does_not_hinder_an_undo(rich: Server) -> None:
    before = row_of(rich.location, WS)
    change = made(rich.location, changed(before, status="failed"))
    rich.run("UPDATE workstream_status SET attempt = attempt WHERE id = 2")

    made(rich.location, reverse(change))

    after = row_of(rich.location, WS)
    assert {name for name, value in after if dict(before)[name] != value} == {"updated_at"}
