"""A state on PostgreSQL, with every type it has and triggers of its own: recovered, reset, and taken back."""

from collections.abc import Iterator

import pytest

from tests.flows.building import begun
from tests.postgres import postgres
from tests.recovering import recover, sentences, undo
from tests.resetting import reset
from tests.state_server import EVERY_TYPE, Server
from tests.world import World
from unjam.adapters.state.rows.read import row_of
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Scalar

NAMES = tuple(map(WorkstreamId, ("ws-11", "ws-13")))


@pytest.fixture
def server() -> Iterator[Server]:
    with postgres() as url:
        made = Server(url.partition("host=")[2], "postgres")
        made.run(EVERY_TYPE)
        for old, new in zip(("ws-0", "ws-1"), NAMES, strict=True):
            made.run(
                f"UPDATE workstream_status SET workstream_id = '{new}' WHERE workstream_id = '{old}'"
            )
        yield made


def owned(server: Server) -> list[dict[str, Scalar]]:
    """The rows, but for what the trigger stamps."""
    rows = (dict(row_of(server.location, name)) for name in NAMES)
    return [{name: value for name, value in row.items() if name != "updated_at"} for row in rows]


def test_a_table_of_every_type_is_recovered_undone_reset_and_undone(
    calm: World, server: Server
) -> None:
    calm.configure(orchestration={"state": server.location}, policy={"restart": "off"})
    begun(calm, "ws-11").lands_as_merge()
    calm.workstream("ws-13").worktree().leaves({"draft.txt": "a draft\n"})
    before, treasure = owned(server), calm.treasure()

    recovery = recover(calm.repo)

    landed, died = owned(server)
    assert (landed["status"], landed["is_over"], died["status"]) == ("completed", True, "failed")
    assert f"refs/unjam/{recovery['run']}/worktree/" in str(died["error_message"])
    told = sentences(recovery, "record").values()
    assert all("its database sets updated_at itself" in one for one in told)
    undo(calm.repo, recovery["run"])
    assert owned(server) == before
    whole = server.all()
    emptied = reset(calm.repo)
    assert server.all() == []
    undo(calm.repo, emptied["run"])
    assert server.all() == whole
    assert calm.lost(treasure) == []
