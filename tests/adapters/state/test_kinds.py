"""Whatever kind of table a SQLite state has: a row goes, comes back, and every value is the same."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.world.state import StateFile, Value
from unjam.adapters.state.rows.read import row_of
from unjam.adapters.state.rows.write import rehearse, update_row
from unjam.domain.catalogue.codec import from_record, to_record
from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Scalar
from unjam.errors import PermanentError

WS = WorkstreamId("ws-1")
Image = tuple[tuple[str, Scalar], ...]
NAMES = ("workstream_id", "status", "a", "b", "c", "d")
KINDS = {
    "without types": "workstream_id PRIMARY KEY, status, a, b, c, d)",
    "with affinities": "workstream_id TEXT PRIMARY KEY, status TEXT, a INTEGER, b REAL, c NUMERIC, d BLOB)",
    "strict": "workstream_id TEXT PRIMARY KEY, status TEXT, a ANY, b ANY, c ANY, d ANY) STRICT",
    "without rowids": "workstream_id TEXT PRIMARY KEY, status TEXT, a, b TEXT, c REAL, d) WITHOUT ROWID",
}
_BY_TRIGGER = """
    CREATE TABLE rows (workstream_id TEXT, status TEXT, a, b, c, d, e AS (status || '!') STORED);
    CREATE VIEW workstream_status AS SELECT * FROM rows;
    CREATE TRIGGER up INSTEAD OF UPDATE ON workstream_status BEGIN UPDATE rows SET
        status = NEW.status, a = NEW.a, b = NEW.b, c = NEW.c, d = NEW.d
        WHERE workstream_id = OLD.workstream_id; END;
    CREATE TRIGGER down INSTEAD OF DELETE ON workstream_status BEGIN
        DELETE FROM rows WHERE workstream_id = OLD.workstream_id; END;
    CREATE TRIGGER inside INSTEAD OF INSERT ON workstream_status BEGIN
        INSERT INTO rows (workstream_id, status, a, b, c, d)
        VALUES (NEW.workstream_id, NEW.status, NEW.a, NEW.b, NEW.c, NEW.d); END;
"""
_SCHEMAS = {
    **{kind: f"CREATE TABLE workstream_status ({columns}" for kind, columns in KINDS.items()},
    "a view with triggers": _BY_TRIGGER,
}
_VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=10),
    st.binary(max_size=10),
    st.sampled_from(["5", "1.0", "a\0b", "1e400", 2**53 + 1, float("inf")]),
)
_FOUR = st.tuples(*[_VALUES] * 4)


def made(location: str, change: UpdateRow) -> UpdateRow:
    """Make a change as the door does; give it back as a journal would."""
    found = rehearse(location, change)
    update_row(location, found)
    again = from_record(json.loads(json.dumps(to_record(found))))
    assert isinstance(again, UpdateRow)
    return again


def reverse(change: UpdateRow) -> UpdateRow:
    return UpdateRow(change.workstream, change.after, change.before, change.by_database)


def changed(before: Image, **values: Scalar) -> UpdateRow:
    return UpdateRow(WS, before, tuple((dict(before) | values).items()))


def everything(path: Path) -> list[tuple[Value, ...]]:
    with closing(sqlite3.connect(path)) as database:
        kept = database.execute("SELECT * FROM workstream_status ORDER BY 1").fetchall()
        kinds = "SELECT typeof(a), typeof(b), typeof(c), typeof(d) FROM workstream_status ORDER BY workstream_id"
        return kept + database.execute(kinds).fetchall()


def goes_and_comes_back(state: StateFile, old: tuple[Value, ...], new: tuple[Value, ...]) -> None:
    with state.open() as database:
        database.execute("DELETE FROM workstream_status")
        query = (
            f"INSERT INTO workstream_status ({', '.join(NAMES)}) VALUES (?, 'running', ?, ?, ?, ?)"
        )
        database.executemany(query, [(WS, *old), ("ws-2", *new)])
    location, before = str(state.path), everything(state.path)
    other = dict(row_of(location, WorkstreamId("ws-2")))
    wanted = {name: other[name] for name in NAMES[2:]}

    change = made(location, changed(row_of(location, WS), status="failed", **wanted))
    assert {name: dict(row_of(location, WS))[name] for name in wanted} == wanted
    made(location, reverse(change))
    assert everything(state.path) == before
    removed = made(location, UpdateRow(WS, row_of(location, WS), ()))
    assert row_of(location, WS) == ()
    made(location, reverse(removed))
    assert everything(state.path) == before


@pytest.fixture(params=_SCHEMAS)
def state(tmp_path: Path, request: pytest.FixtureRequest) -> StateFile:
    file = StateFile(tmp_path / "state.db")
    with closing(sqlite3.connect(file.path)) as database:
        database.executescript(_SCHEMAS[request.param])
    return file


@settings(
    max_examples=5,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(old=_FOUR, new=_FOUR)
def test_any_value_in_any_kind_of_table_goes_and_comes_back(
    state: StateFile, old: tuple[Value, ...], new: tuple[Value, ...]
) -> None:
    goes_and_comes_back(state, old, new)


@pytest.mark.thorough
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=_FOUR, new=_FOUR)
def test_many_values_in_every_kind_of_table_go_and_come_back(
    state: StateFile, old: tuple[Value, ...], new: tuple[Value, ...]
) -> None:
    goes_and_comes_back(state, old, new)


def test_a_column_that_is_computed_from_the_status_is_left_to_its_database(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    with state.open() as database:
        database.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT,"
            " is_over AS (status = 'failed') STORED, in_words AS ('it is ' || status))"
        )
        database.execute("INSERT INTO workstream_status VALUES ('ws-1', 'running')")
    location = str(state.path)
    before = row_of(location, WS)

    change = made(location, changed(before, status="failed"))

    assert change.by_database == ("is_over", "in_words")
    assert dict(row_of(location, WS))["in_words"] == "it is failed"
    made(location, reverse(change))
    assert row_of(location, WS) == before


def test_a_trigger_that_writes_elsewhere_and_keeps_the_status_is_told_from_one_that_stamps(
    tmp_path: Path,
) -> None:
    state = StateFile(tmp_path / "state.db")
    with state.open() as database:
        database.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT, status TEXT, n INTEGER)"
        )
        database.execute("CREATE TABLE history (said TEXT)")
        database.execute("INSERT INTO workstream_status VALUES ('ws-1', 'running', 1)")
        database.execute(
            "CREATE TRIGGER tell AFTER UPDATE ON workstream_status WHEN NEW.n = OLD.n BEGIN"
            " UPDATE workstream_status SET n = n + 1; INSERT INTO history VALUES (NEW.status); END"
        )
    location = str(state.path)

    change = made(location, changed(row_of(location, WS), status="failed"))
    made(location, reverse(change))

    assert state.tables()["history"] == [("failed",), ("running",)]
    assert row_of(location, WS) == (("workstream_id", "ws-1"), ("status", "running"), ("n", 3))
    with state.open() as database:
        database.execute(
            "CREATE TRIGGER keep AFTER UPDATE OF status ON workstream_status BEGIN"
            " UPDATE workstream_status SET status = OLD.status; END"
        )
    with pytest.raises(PermanentError, match="status would become 'running', not 'failed'"):
        made(location, changed(row_of(location, WS), status="failed"))
    assert len(state.tables()["history"]) == 2
