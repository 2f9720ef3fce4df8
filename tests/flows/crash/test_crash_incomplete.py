"""Work that landed and is not finished: it never simply says completed, and whoever retries it is told."""

import json
from pathlib import Path

import pytest

from tests.command import unjam
from tests.flows.building import PUSHED, begun, on_trunk, recovered
from tests.recovering import recover, undo
from tests.world import World, git

PASSES, FAILS = "def test_it():\n    assert True\n", "def test_it():\n    assert False\n"
ACCEPTANCE = "accept/check_ws_15.py"  # not collected by the verify command, which knows test_*.py


@pytest.fixture
def ordered(world: World) -> World:
    """A world whose verify command is pytest, and that orders work with an acceptance test."""
    world.configure(verify={"command": ["python", "-m", "pytest", "-q", "tests"]})
    (world.repo / "tests").mkdir(exist_ok=True)
    world.primary.commit("tests/test_base.py", PASSES)
    world.spec("ws-15", acceptance_tests=[f"pytest {ACCEPTANCE} -q"])
    world.commit_specs()
    return world


def message(world: World) -> str:
    return str(world.state.value("ws-15", "error_message"))


def context(world: World) -> str:
    return str(
        json.loads(git("show", "main:workstreams/ws-15.json", cwd=world.repo)).get("context")
    )


def test_what_was_left_unsaved_is_not_finished_and_the_retry_is_told_where_it_is(
    world: World,
) -> None:
    world.spec("ws-15")
    world.commit_specs()
    stream = begun(world).leaves({"next.py": "half of the next step\n"})
    treasure = world.treasure()

    document = recovered(world)

    assert on_trunk(world, "src/part_15.py") == "part = 15"
    assert document["word"] == "partly recovered"
    assert world.state.status("ws-15") == "failed"
    assert message(world).startswith("incomplete: landed in ")
    assert "it left 1 uncommitted file" in message(world)
    (kept,) = [one for one in document["vault"] if one.endswith("/worktree/agent-1-ws-15")]
    assert kept in message(world)
    assert kept in context(world)
    assert git("branch", "--list", stream.branch, cwd=world.repo) == ""  # a retry makes it anew
    assert world.lost(treasure) == []
    told = unjam("check", cwd=world.repo)
    assert told.returncode == 1
    assert "incomplete: ws-15: landed in " in told.stdout
    assert unjam("postflight", "--no-verify", cwd=world.repo).stdout.count("incomplete: landed in")


def test_the_retry_is_told_also_where_the_primary_was_not_left_on_the_trunk(world: World) -> None:
    world.spec("ws-15")
    world.commit_specs()
    begun(world).leaves({"next.py": "half of the next step\n"})
    git("switch", "--quiet", "--detach", cwd=world.repo)

    document = recovered(world)

    (kept,) = [one for one in document["vault"] if one.endswith("/worktree/agent-1-ws-15")]
    assert kept in context(world)
    assert kept in (world.repo / "workstreams/ws-15.json").read_text()


def test_commits_whose_acceptance_test_fails_are_not_finished(ordered: World) -> None:
    begun(ordered).commits({ACCEPTANCE: FAILS})

    document = recovered(ordered)

    assert document["word"] == "partly recovered"
    assert ordered.state.status("ws-15") == "failed"
    assert "its acceptance test fails: " in message(ordered)
    assert "its acceptance test fails: " in context(ordered)


def test_an_acceptance_test_that_nobody_has_written_yet_is_no_sign_of_an_end(
    ordered: World,
) -> None:
    begun(ordered)

    recovered(ordered)

    assert ordered.state.status("ws-15") == "failed"
    assert "its acceptance test fails: " in message(ordered)


def test_commits_whose_acceptance_test_passes_are_completed(ordered: World) -> None:
    stream = begun(ordered).commits({ACCEPTANCE: PASSES})

    document = recovered(ordered)

    assert document["word"] == "recovered"
    assert ordered.state.status("ws-15") == "completed"
    assert ordered.state.value("ws-15", "error_message") is None
    assert context(ordered) == "None"
    assert git("branch", "--list", stream.branch, cwd=ordered.repo)
    assert unjam("check", cwd=ordered.repo).returncode == 0


def test_a_command_that_a_spec_chose_is_not_started_and_that_is_said(
    world: World, tmp_path: Path
) -> None:
    world.spec("ws-15", acceptance_tests=[f"touch {tmp_path / 'planted'}"])
    world.commit_specs()
    begun(world)

    recovered(world)

    assert not (tmp_path / "planted").exists()
    assert world.state.status("ws-15") == "completed"
    assert "was not tried" in message(world)
    assert "no end of its agent was recorded" in message(world)


def test_finished_as_the_orchestrator_recorded_it_is_finished_whatever_lies_about(
    world: World,
) -> None:
    stream = begun(world).leaves({"scratch.txt": "a note\n"}).row("completed")

    document = recovered(world)

    assert document["word"] == "recovered"
    assert world.state.status(stream.name) == "completed"


def test_undo_takes_all_of_it_back(world: World) -> None:
    world.spec("ws-15")
    world.commit_specs()
    begun(world).leaves({"next.py": "half of the next step\n"})
    before = world.inventory(without=[".state"])

    undo(world.repo, recovered(world)["run"])

    after = world.inventory(without=[".state"])
    assert {one for one in before | after if before.get(one) != after.get(one)} <= PUSHED
    assert world.state.status("ws-15") == "running"


def test_what_an_earlier_run_knew_is_not_forgotten_when_its_landing_was_not_recorded(
    world: World,
) -> None:
    world.spec("ws-15")
    world.commit_specs()
    stream = begun(world).leaves({"next.py": "half of the next step\n"})
    world.configure(policy={"record": "off"})
    recover(world.repo)
    assert on_trunk(world, "src/part_15.py") == "part = 15"
    assert world.state.status("ws-15") == "running"
    told = context(world)
    world.configure(policy={"record": "auto"})

    document = recovered(world)

    assert document["word"] == "partly recovered"
    assert world.state.status("ws-15") == "failed"
    assert message(world).startswith("incomplete: it left 1 uncommitted file")
    assert context(world) == told  # once is enough
    assert git("branch", "--list", stream.branch, cwd=world.repo) == ""
