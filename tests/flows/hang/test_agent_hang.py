"""The whole recovery as a person runs it: the command line, a Prefect flow run, its traces there."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from tests.command import unjam, unjam_json
from tests.flows.hang.hanging import alive, hung, impatient, ordered, silence
from tests.world import World
from tests.world.hanging import Stage, stage
from unjam.adapters.machine import key

LINE = {
    "pid",
    "command",
    "cpu_percent",
    "memory",
    "age_seconds",
    "waits",
    "last_sign",
    "worktree",
    "workstream",
    "verdict",
}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "stage") as made:
        yield made


@pytest.fixture
def still(calm: World) -> World:
    return impatient(calm)


def test_a_check_shows_who_hangs_and_who_only_works_in_a_table(still: World, scene: Stage) -> None:
    guilty, innocent = ordered(still, "ws-15"), ordered(still, "ws-16", "agent-2")
    agent = scene.start("read of a pipe", guilty.tree)
    scene.start("short-lived children", innocent.tree)
    silence(guilty.tree, innocent.tree)
    before = still.inventory()

    document = unjam_json("check", "agent_hang", cwd=still.repo)
    read = unjam("check", "agent-hang", cwd=still.repo)

    assert [one["verdicts"] for one in document["findings"]] == [{"ws-15": "waiting for input"}]
    lines = {one["pid"]: one for one in document["agents"]}
    assert all(one.keys() == LINE for one in lines.values())
    assert lines[agent.pid]["workstream"] == "ws-15"
    assert lines[agent.pid]["verdict"] == "waiting for input"
    assert lines[agent.pid]["worktree"] == ".worktrees/agent-1-ws-15"
    assert lines[agent.pid]["memory"] > 0
    assert lines[agent.pid]["age_seconds"] > 1
    assert {"working silently"} == {
        one["verdict"] for one in lines.values() if one["workstream"] == "ws-16"
    }
    assert read.returncode == 1
    assert "pid" in read.stdout
    assert any(
        str(agent.pid) in line and "waiting for input" in line for line in read.stdout.splitlines()
    )
    assert still.inventory() == before


@pytest.mark.usefixtures("prefect_server")
def test_a_recovery_runs_as_a_flow_of_its_name_and_shows_the_agents_there(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "read of a pipe")
    treasure = still.treasure()

    document = unjam_json("recover", "agent_hang", "--yes", cwd=still.repo)

    assert document["word"] == "recovered"
    assert [one["step"] for one in document["plan"]] == [
        "stop",
        "salvage",
        "record",
        "remove worktree",
        "remove branch",
    ]
    assert not alive(agent)
    assert still.state.status("ws-15") == "failed"
    assert unjam_json("check", cwd=still.repo)["healthy"]
    run_id = uuid.UUID(document["flow_run"]["id"])
    with get_client(sync_client=True) as client:
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    (table,) = [str(one.data) for one in made if one.key == key("agents", still.repo)]
    assert str(agent.pid) in table
    assert "waiting for input" in table
    undone = unjam_json("undo", document["run"], "--yes", cwd=still.repo)
    assert undone["word"] == "partly undone"
    assert undone["differences"] == [
        f"pid {agent.pid} was ended, and cannot be started where it was"
    ]
    assert still.state.status("ws-15") == "running"
    assert stream.tree.is_dir()
    assert still.lost(treasure) == []


def test_a_preview_names_every_step_and_its_reason_and_touches_nobody(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "busy loop")
    before = still.inventory()

    document = unjam_json("recover", "agent_hang", "--dry-run", cwd=still.repo)
    again = unjam_json("recover", "agent_hang", "--dry-run", cwd=still.repo)

    (stop,) = [one for one in document["plan"] if one["step"] == "stop"]
    assert (stop["approval"], stop["subject"]) == ("ask", f"pid {agent.pid}")
    assert "busy loop" in stop["reason"]
    assert document["digest"] == again["digest"]
    assert alive(agent)
    assert still.inventory() == before
