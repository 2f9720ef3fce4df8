"""Servers for states, and changes of their rows as the journal has them."""

import itertools
import json
from collections.abc import Callable, Iterator

import pytest

from tests.postgres import postgres
from tests.state_server import EVERY_TYPE, PLAIN, Server
from unjam.adapters.state.rows.write import rehearse, update_row
from unjam.domain.catalogue.codec import from_record, to_record
from unjam.domain.steps.change import UpdateRow
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Scalar

WS = WorkstreamId("ws-1")
Image = tuple[tuple[str, Scalar], ...]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with postgres() as url:
        yield url.partition("host=")[2]


@pytest.fixture
def new_server(host: str) -> Callable[..., Server]:
    def make(statements: str = "") -> Server:
        name = f"state_{next(_NUMBERS)}"
        Server(host, "postgres").run(f"CREATE DATABASE {name}")
        made = Server(host, name)
        made.run(statements or f"CREATE TABLE workstream_status ({PLAIN})")
        return made

    return make


@pytest.fixture
def rich(new_server: Callable[..., Server]) -> Server:
    return new_server(EVERY_TYPE)


def changed(before: Image, **values: Scalar) -> UpdateRow:
    return UpdateRow(WS, before, tuple((dict(before) | values).items()))


def made(location: str, change: UpdateRow) -> UpdateRow:
    """Make a change as the door does; give it back as a journal would."""
    found = rehearse(location, change)
    update_row(location, found)
    return read_again(found)


def read_again(change: UpdateRow) -> UpdateRow:
    """Take it through a journal's line."""
    again = from_record(json.loads(json.dumps(to_record(change))))
    assert isinstance(again, UpdateRow)
    return again


def reverse(change: UpdateRow) -> UpdateRow:
    return UpdateRow(change.workstream, change.after, change.before, change.by_database)
