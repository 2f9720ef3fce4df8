"""Any value of any type that PostgreSQL knows goes into a row, out of it and back."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Json, Jsonb
from psycopg.types.range import Range

from tests.adapters.state.server_state import WS, changed, host, made, reverse
from tests.state_server import PLAIN, Server
from unjam.adapters.state.rows.read import row_of
from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.identity import WorkstreamId

__all__ = ["host"]  # a fixture


_TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_OF_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "character varying(40)": _TEXT,
    "character(20)": _TEXT,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(width=32),
    "double precision": st.floats(),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "bytea": st.binary(max_size=20),
    "timestamptz": st.datetimes(timezones=st.just(UTC)),
    "timestamp": st.datetimes(),
    "date": st.dates(),
    "time": st.times(),
    "interval": st.timedeltas(timedelta(-100_000), timedelta(100_000)),
    "uuid": st.uuids(),
    "text[]": st.lists(_TEXT | st.none(), max_size=4),
    "double precision[]": st.lists(st.floats(), max_size=4),
    "json": _JSON.map(Json),
    "jsonb": _JSON.map(Jsonb),
    "inet": st.ip_addresses(),
    "int8range": st.builds(
        lambda low, more: Range(low, low + more), st.integers(-9, 9), st.integers(0, 9)
    ),
}
_ROWS = st.tuples(*(st.none() | one for one in _OF_TYPE.values()))


@pytest.fixture(scope="module")
def typed(host: str) -> Server:
    Server(host, "postgres").run("CREATE DATABASE typed")
    server = Server(host, "typed")
    columns = ", ".join(f'"{kind}" {kind}' for kind in _OF_TYPE)
    server.run(f"CREATE TABLE workstream_status ({PLAIN}, {columns})")
    return server


def goes_and_comes_back(server: Server, old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    marks = ", ".join(f"%s::{kind}" for kind in _OF_TYPE)
    with server.connected() as connection:
        connection.execute("TRUNCATE workstream_status")
        insert = f"INSERT INTO workstream_status VALUES (%s, 'running', NULL, {marks})"
        connection.execute(insert, (WS, *old))
        connection.execute(insert, ("ws-2", *new))
    before, (_, *others) = server.all(), row_of(server.location, WorkstreamId("ws-2"))

    change = made(server.location, changed(row_of(server.location, WS), **dict(others)))
    first, second = (one[0].partition(",")[2] for one in server.all())
    assert first == second
    made(server.location, reverse(change))
    assert server.all() == before
    removed = made(server.location, UpdateRow(WS, row_of(server.location, WS), ()))
    assert len(server.all()) == 1
    made(server.location, reverse(removed))
    assert server.all() == before
    assert (change.by_database, removed.by_database) == ((), ())


@settings(max_examples=8)
@given(old=_ROWS, new=_ROWS)
def test_any_value_of_any_type_goes_and_comes_back(
    typed: Server, old: tuple[Any, ...], new: tuple[Any, ...]
) -> None:
    goes_and_comes_back(typed, old, new)


@pytest.mark.thorough
@settings(max_examples=300)
@given(old=_ROWS, new=_ROWS)
def test_many_values_of_every_type_go_and_come_back(
    typed: Server, old: tuple[Any, ...], new: tuple[Any, ...]
) -> None:
    goes_and_comes_back(typed, old, new)
