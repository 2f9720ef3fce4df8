"""Machines that share a server: each judges and recovers its own, and is told the truth about it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.states import Running
from sqlalchemy import Connection, create_engine, text

from tests.command import unjam_json
from tests.flows.building import on_trunk
from tests.flows.elsewhere.sharing import AGENT, recover_named
from tests.postgres import postgres
from tests.recovering import recover, sentences, undo
from tests.world import Program, World, typical_wreck
from unjam.adapters import clock
from unjam.adapters.machine import mark
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.scheduled_look import look_as_scheduled

MACHINES = ("build-1", "build-2", "build-3")
TABLE = """
CREATE TABLE workstream_status (
    workstream_id TEXT PRIMARY KEY, status TEXT NOT NULL, agent_id TEXT, track TEXT,
    started_at TEXT, completed_at TEXT, exit_code INTEGER, attempt INTEGER DEFAULT 1,
    error_message TEXT{more})
"""


@dataclass
class Fleet:
    """Three machines, a clone on each, one state on PostgreSQL."""

    url: str
    worlds: dict[str, World]

    @contextmanager
    def state(self) -> Iterator[Connection]:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def rows(self) -> dict[str, tuple[object, ...]]:
        with self.state() as connection:
            found = connection.execute(text("SELECT * FROM workstream_status"))
            return {str(row[0]): tuple(row) for row in found}

    def run(self, name: str, status: str, agent: str, machine: str | None = None) -> None:
        columns, values = (
            "workstream_id, status, agent_id, started_at",
            ":name, :status, :agent, :now",
        )
        if machine:
            columns, values = f"{columns}, host", f"{values}, :machine"
        words = f"INSERT INTO workstream_status ({columns}) VALUES ({values})"
        now = clock.now().astimezone().replace(tzinfo=None).isoformat()
        with self.state() as connection:
            named = {"name": name, "status": status, "agent": agent, "now": now, "machine": machine}
            connection.execute(text(words), named)


@pytest.fixture(params=["", ", host TEXT"], ids=["no column for it", "a column for it"])
def fleet(
    request: pytest.FixtureRequest,
    new_world: Callable[..., World],
    start: Callable[..., Program],
) -> Iterator[Fleet]:
    """On each machine an agent lives, and one has died with commits; agents have the same names."""
    pytest.importorskip("psycopg", reason="no driver for the state: pip install 'psycopg[binary]'")
    with postgres() as database:
        url = database.replace("asyncpg", "psycopg")
        made = Fleet(url, {machine: new_world(remote=False) for machine in MACHINES})
        with made.state() as connection:
            connection.execute(text(TABLE.format(more=request.param)))
        for number, (machine, world) in enumerate(made.worlds.items(), 1):
            world.configure(orchestration={"state": url}, policy={"restart": "off"})
            named = machine if request.param else None
            lives, died = f"ws-{number}1", f"ws-{number}2"
            made.run(lives, "running", "agent-1", named)
            made.run(died, "running", "agent-2", named)
            alive = world.workstream(lives, "agent-1").worktree().leaves({"draft.txt": "goes on\n"})
            start(sys.executable, "-c", AGENT, cwd=alive.tree)
            dead = world.workstream(died, "agent-2").worktree()
            dead.commits({f"src/part_{number}.py": f"part = {number}\n"})
        made.run("ws-91", "running", "agent-1", "build-9" if request.param else None)
        yield made


def test_each_machine_recovers_its_own_and_writes_no_row_of_another(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (machine, world) in enumerate(fleet.worlds.items(), 1):
        monkeypatch.setenv("UNJAM_MACHINE", machine)
        before, treasure = fleet.rows(), world.treasure()

        document = recover(world.repo)

        after = fleet.rows()
        assert document["word"] == "recovered", document["outcomes"]
        assert {name for name in after if after[name] != before[name]} == {f"ws-{number}2"}
        assert after[f"ws-{number}2"][1] == "completed"
        assert on_trunk(world, f"src/part_{number}.py") == f"part = {number}"
        assert "ws-91" in document["elsewhere"]
        assert f"ws-{number}1" not in document["elsewhere"]
        assert len(world.agents()) == 1
        assert world.lost(treasure) == []
        assert not unjam_json("check", cwd=world.repo)["healthy"]

        undo(world.repo, document["run"])
        assert fleet.rows() == before


def test_a_row_of_a_machine_that_is_gone_is_settled_by_name_on_any_other(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNJAM_MACHINE", "build-2")
    repo, before = fleet.worlds["build-2"].repo, fleet.rows()
    named = Request(
        (Scenario("orchestrator_crash"),),
        elsewhere=frozenset({WorkstreamId("ws-91")}),
        said_by="ada on build-2",
    )

    document = recover_named(repo, named)

    after = fleet.rows()
    assert document["word"] == "recovered"
    assert list(sentences(document, "record")) == ["ws-91"]
    assert {name for name in after if after[name] != before[name]} == {"ws-91"}
    assert "ada on build-2 said that its machine is gone for good" in str(after["ws-91"])
    undo(repo, document["run"])
    assert fleet.rows() == before


def test_clones_at_one_path_on_three_machines_ask_for_three_recoveries(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    typical_wreck(world)
    keys = []
    for machine in MACHINES:
        monkeypatch.setenv("UNJAM_MACHINE", machine)
        keys.append(look_as_scheduled(open_orchestration(world.repo), timedelta(minutes=5)).key)

    assert len(set(keys)) == len(MACHINES)


@pytest.mark.slow
@pytest.mark.usefixtures("_deployments", "prefect_server")
def test_on_one_server_each_of_three_machines_gets_a_recovery_and_is_told_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.detect import detect as look

    typical_wreck(world)
    for machine in MACHINES:
        monkeypatch.setenv("UNJAM_MACHINE", machine)
        (first,), (again,) = (look([world.repo])["repositories"] for _ in range(2))
        assert (bool(first["started"]), again["started"]) == (True, "")
        assert again["because"] == "a recovery of it waits or is at work already"

    with get_client(sync_client=True) as client:
        runs = [one.id for machine in MACHINES for one in runs_of(client, machine, world)]
    assert len(set(runs)) == len(MACHINES)


def runs_of(client: SyncPrefectClient, machine: str, world: World) -> list[FlowRun]:
    tags = FlowRunFilterTags(all_=["detected", f"machine:{machine}"])
    found = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))
    return [one for one in found if one.parameters["repo"] == str(world.repo)]


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_watch_closes_no_run_of_another_machine_s_clone_at_the_same_path(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.runtime.dead_runs import close_the_dead

    runs = {}
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name("recover")
        nobodys = client.create_deployment(flow, f"served by nobody {uuid4()}", paused=True)
        for machine in MACHINES:
            monkeypatch.setenv("UNJAM_MACHINE", machine)
            made = client.create_flow_run_from_deployment(
                nobodys,
                parameters={"repo": str(world.repo)},
                tags=["unjam", f"repository:{mark(world.repo)}"],
            )
            client.set_flow_run_state(made.id, Running(), force=True)
            runs[machine] = made

        closed = close_the_dead()

        states = {machine: client.read_flow_run(run.id).state_name for machine, run in runs.items()}
        client.delete_deployment(nobodys)
    assert [runs[MACHINES[-1]].name] == [
        one for one in closed if one in {r.name for r in runs.values()}
    ]
    assert states == {MACHINES[0]: "Running", MACHINES[1]: "Running", MACHINES[2]: "Crashed"}
