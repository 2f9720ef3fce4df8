"""Starting the orchestrator again: proven, or said why not; never half, never twice."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam
from tests.flows.building import begun
from tests.recovering import recover, sentences
from tests.world import World, git, processes_below, typical_wreck
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import preview

RUNS = "import time; print('up', flush=True); time.sleep(600)"


def resuming(world: World, *command: str) -> None:
    """A wreck with something left to run, and this command to run it."""
    world.configure(orchestration={"resume": list(command)})
    world.state.create()
    world.state.row("ws-06", "pending", agent=None)
    begun(world)


def told(document: dict[str, object]) -> str:
    (said,) = sentences(document, "restart").values()
    return said


def test_what_starts_and_stays_is_proven_by_its_pid(world: World) -> None:
    script = world.root / "multi_agent_orchestrator.py"
    script.write_text(RUNS)
    resuming(world, sys.executable, str(script), "--resume", "{workstreams}")
    treasure = world.treasure()

    document = recover(world.repo)

    (living,) = processes_below(world.repo)
    assert document["word"] == "recovered"
    assert told(document).startswith(f"done: the orchestrator runs: pid {living.pid} ")
    assert living.cmdline() == [sys.executable, str(script), "--resume"]
    assert Path(living.cwd()) == world.repo
    (log,) = (world.common / "unjam" / "restart").iterdir()
    assert log.read_text() == "up\n"
    assert world.lost(treasure) == []


def test_what_fails_is_told_with_its_last_words_and_the_rest_is_done(world: World) -> None:
    resuming(world, sys.executable, "-c", "raise SystemExit('no such database')")
    treasure = world.treasure()

    document = recover(world.repo)

    assert document["word"] == "partly recovered"
    assert re.match(
        r"failed: the orchestrator ended with status 1 after \d+\.\d s: no such database",
        told(document),
    )
    assert world.state.status("ws-15") == "completed"
    assert world.lost(treasure) == []


def test_what_ends_at_once_and_did_nothing_was_not_started(world: World) -> None:
    resuming(world, sys.executable, "-c", "print('bye')")

    document = recover(world.repo)

    assert document["word"] == "partly recovered"
    assert told(document).startswith("failed: the command ended with status 0 after ")
    assert "left no orchestrator running" in told(document)
    assert ": bye (see " in told(document)


def test_what_did_all_the_work_before_it_ended_is_proven_by_the_rows(world: World) -> None:
    statement = "UPDATE workstream_status SET status = 'completed' WHERE workstream_id = 'ws-06'"
    body = f"import sqlite3\nwith sqlite3.connect('.state/orchestration.db') as d: d.execute({statement!r})"
    resuming(world, sys.executable, "-c", body)

    document = recover(world.repo)

    assert document["word"] == "recovered"
    assert told(document).startswith("done: the command ended with status 0 after ")
    assert "its work shows: ws-06 pending → completed" in told(document)


def test_a_configured_command_that_is_missing_stops_all_before_anything_changes(
    world: World,
) -> None:
    resuming(world, "no-such-orchestrator", "--resume")
    before = world.inventory()

    ended = unjam("recover", "--yes", cwd=world.repo)

    assert ended.returncode == 2
    assert ended.stderr.startswith("unjam: resume command not found: no-such-orchestrator")
    assert len(ended.stderr.splitlines()) == 1
    assert world.inventory() == before


def test_the_default_command_is_only_missed_in_a_note(new_world: Callable[..., World]) -> None:
    world = new_world(configured=False)
    world.configure(verify={"command": world.verify_command})
    world.state.row("ws-06", "pending", agent=None)
    begun(world)

    document = recover(world.repo)

    assert document["word"] == "recovered"
    assert sentences(document, "restart") == {}
    assert "start the orchestrator yourself" in " ".join(document["notes"])


def test_an_orchestrator_is_not_started_on_a_primary_that_is_off_the_trunk(world: World) -> None:
    resuming(world, sys.executable, "-c", RUNS)
    world.primary.on_branch("mine")

    document = recover(world.repo)

    assert "is not on main" in told(document)
    assert processes_below(world.repo) == []


@pytest.mark.parametrize("other", ["running", "completed"])
def test_only_the_chosen_are_named_and_only_if_nobody_else_is_in_the_way(
    world: World, other: str
) -> None:
    resuming(world, sys.executable, "-c", RUNS, "--only={workstreams}")
    world.workstream("ws-15").row(other)
    world.workstream("ws-16", "agent-2").worktree().row("running")
    chosen = frozenset({WorkstreamId("ws-16")})

    request = Request((Scenario("orchestrator_crash"),), chosen)
    prepared, _, _ = preview(open_orchestration(world.repo), request)

    commands = [step.command for step in prepared.plan.restarts()]
    named = (sys.executable, "-c", RUNS, "--only=ws-16")
    assert commands == ([] if other == "running" else [named])


def test_nothing_is_started_when_nothing_is_left_to_run(world: World) -> None:
    world.state.create()
    begun(world)

    document = recover(world.repo)

    assert document["word"] == "recovered"
    assert sentences(document, "restart") == {}
    assert processes_below(world.repo) == []
    assert git("status", "--porcelain", cwd=world.repo) == ""


def test_a_whole_wreck_ends_with_one_orchestrator_at_work(world: World) -> None:
    typical_wreck(world)

    document = recover(world.repo)

    assert document["word"] == "recovered"
    assert len(processes_below(world.repo)) == 1
    assert recover(world.repo)["word"] == "nothing to do"
    assert len(processes_below(world.repo)) == 1
