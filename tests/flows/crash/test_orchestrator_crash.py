"""The whole recovery as a person runs it: the command line, a Prefect flow run, its traces there."""

import os
import re
import uuid
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Running

from tests.command import unjam, unjam_json
from tests.flows.building import begun, on_trunk
from tests.world import World, git, typical_wreck, wait_until
from unjam.adapters.machine import key

PLAN = {"step", "subject", "workstream", "reason", "approval", "class"}
OUTCOME = {"step", "subject", "workstream", "outcome", "sentence", "kept"}
WORDS = {"done", "already done", "refused", "failed"}


@pytest.fixture
def recovered(calm: World, prefect_server: str) -> dict[str, Any]:
    """What ``unjam recover --yes --json`` says of a typical wreck."""
    assert prefect_server
    typical_wreck(calm)
    document: dict[str, Any] = unjam_json("recover", "orchestrator_crash", "--yes", cwd=calm.repo)
    return document


def test_its_document_and_its_flow_run_tell_what_was_done(
    calm: World, recovered: dict[str, Any]
) -> None:
    has_its_published_shape(recovered)
    statuses = {f"ws-0{number}": calm.state.status(f"ws-0{number}") for number in range(1, 7)}
    assert statuses == {
        "ws-01": "completed",
        "ws-02": "completed",
        "ws-03": "completed",
        "ws-04": "failed",
        "ws-05": "failed",
        "ws-06": "pending",
    }
    assert on_trunk(calm, "src/part_3.py") == "part = 3"
    run_id = uuid.UUID(recovered["flow_run"]["id"])
    with get_client(sync_client=True) as client:
        flow_run: FlowRun = client.read_flow_run(run_id)
        mine = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run_id]))
        logs = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
        steps = {f"{one['step']} {one['subject']}" for one in recovered["plan"]}
        wait_until(
            lambda: (
                {"assess", "report", *steps}
                <= {
                    one.name
                    for one in client.read_task_runs(task_run_filter=mine)
                    if one.state is not None and one.state.is_completed()
                }
            ),
            "the task runs to be recorded as completed",
        )
        tasks = client.read_task_runs(task_run_filter=mine)
        said = " ".join(one.message for one in client.read_logs(logs, limit=200))
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )

    assert flow_run.state is not None
    assert flow_run.state.is_completed()
    assert flow_run.name == f"orchestrator_crash {calm.repo.name} on {os.uname().nodename}"
    assert all(one.state is not None and one.state.is_completed() for one in tasks)
    assert "landed in" in said
    kinds = {one.key: one.type for one in made}
    assert kinds == {
        key("report", calm.repo): "markdown",
        key("workstreams", calm.repo): "table",
        key("run", calm.repo): "image",
    }
    (page,) = [str(one.data) for one in made if one.key == key("report", calm.repo)]
    assert recovered["undo"] in page
    assert all(name in page for name in ("ws-03", "ws-04"))


def has_its_published_shape(document: dict[str, Any]) -> None:
    run = document["run"]
    assert document["schema"] == 1
    assert document["word"] == "recovered"
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", run)
    assert re.fullmatch(r"[0-9a-f]{16}", document["digest"])
    assert all(step.keys() >= PLAN for step in document["plan"])
    assert all(one.keys() >= OUTCOME for one in document["outcomes"])
    assert {one["outcome"] for one in document["outcomes"]} <= WORDS
    assert all(one["sentence"] for one in document["outcomes"])
    assert document["findings_before"]
    assert document["findings_after"] == []
    assert all(one.startswith((f"refs/unjam/{run}/", "/")) for one in document["vault"])
    assert document["undo"] == f"unjam undo {run}"
    assert document["flow_run"].keys() == {"id", "name"}


def test_history_show_and_undo_know_the_run_and_close_its_flow_run_if_that_was_killed(
    calm: World, recovered: dict[str, Any]
) -> None:
    run, flow_run = recovered["run"], recovered["flow_run"]
    assert calm.origin is not None
    run_id = uuid.UUID(flow_run["id"])

    (past,) = unjam_json("history", cwd=calm.repo)["runs"]
    shown = unjam_json("show", run, cwd=calm.repo)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, Running(), force=True)  # killed after it had ended
        undone = unjam_json("undo", run, "--yes", cwd=calm.repo)
        state = client.read_flow_run(run_id).state

    assert (past["run"], past["word"], past["flow_run"]) == (run, "recovered", flow_run)
    assert shown["flow_run"] == flow_run
    assert [one["step"] for one in shown["plan"]] == [one["step"] for one in recovered["plan"]]
    assert shown["outcomes"] == recovered["outcomes"]
    assert undone["undoes"] == run
    assert undone["word"] == "partly undone"  # it had pushed
    assert undone["differences"] == [
        f"origin keeps main at {calm.origin.tip[:12]}: unjam never forces a remote back"
    ]
    assert state is not None
    assert (state.name, state.type) == ("Recovered", StateType.COMPLETED)
    assert state.message == "recovered; then unjam was killed"
    assert {calm.state.status(f"ws-0{number}") for number in (1, 3, 4, 5)} == {"running"}
    assert calm.workstream("ws-04", "agent-4").tree.is_dir()
    last = unjam_json("history", cwd=calm.repo)["runs"][-1]
    assert (last["undoes"], last["word"]) == (run, "partly undone")


def test_what_a_person_reads_is_a_plan_its_outcomes_and_the_way_back(
    calm: World, prefect_server: str
) -> None:
    assert prefect_server
    begun(calm)

    ended = unjam("recover", "--yes", cwd=calm.repo)

    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "error: ws-15: its agent is gone and left commits that never landed"
    assert any(re.match(r"land \(ask\) +ws-15 ", line) for line in lines)
    assert any(re.match(r" +done +land ws/ws-15/agent-1", line) for line in lines)
    assert any(re.search(r"unjam undo \d{8}T\d{6}Z-[0-9a-f]{4}$", line) for line in lines)
    assert lines[-1] == "recovered"
    again = unjam("recover", "--yes", cwd=calm.repo)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "nothing to do")


def test_what_is_left_is_status_one_and_said(calm: World, prefect_server: str) -> None:
    assert prefect_server
    text = (calm.repo / "src/app.py").read_text()
    begun(calm).commits({"src/app.py": f"{text}more = 1\n"})
    calm.primary.edit("src/app.py", "a person's\n")

    ended = unjam("recover", "--yes", cwd=calm.repo)

    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "merge --ff-only refs/unjam/" in ended.stdout
    assert "still found: ws-15" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "needs a human"


def test_a_dry_run_and_an_unapproved_run_change_nothing(calm: World) -> None:
    begun(calm)
    before = calm.inventory()

    planned = unjam_json("recover", "--dry-run", cwd=calm.repo)
    unapproved = unjam("recover", cwd=calm.repo)
    stale = unjam("recover", "--plan", "0123456789abcdef", cwd=calm.repo)

    assert (planned["word"], planned["outcomes"], planned["undo"]) == ("planned", [], None)
    assert [one["step"] for one in planned["plan"]].count("land") == 1
    assert (unapproved.returncode, stale.returncode) == (3, 3)
    assert planned["digest"] in unapproved.stderr
    assert len(stale.stderr.splitlines()) == 1
    assert calm.inventory() == before
    assert not (calm.common / "unjam" / "journal").exists()


def test_the_plan_that_was_seen_is_carried_out(calm: World, prefect_server: str) -> None:
    assert prefect_server
    begun(calm)
    digest = unjam_json("recover", "--dry-run", cwd=calm.repo)["digest"]

    document = unjam_json("recover", "--plan", digest, cwd=calm.repo)

    assert (document["word"], document["digest"]) == ("recovered", digest)


@pytest.mark.slow
def test_without_a_server_it_runs_on_the_embedded_backend(calm: World) -> None:
    begun(calm)

    document = unjam_json("recover", "--yes", cwd=calm.repo)

    assert document["word"] == "recovered"
    assert str(uuid.UUID(document["flow_run"]["id"])) == document["flow_run"]["id"]
    assert git("rev-parse", "main", cwd=calm.repo) == git("rev-parse", "origin/main", cwd=calm.repo)
