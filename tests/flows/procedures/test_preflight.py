"""Before a run: what does not hold is named, with what to type; what holds does not stand in the way."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.command import unjam, unjam_json
from tests.flows.building import begun
from tests.recovering import recover
from tests.world import Program, World, git, typical_wreck, wait_until

# A place that is gone after a restart is one of the things it finds.
pytestmark = pytest.mark.disk


@pytest.fixture
def sound(world: World) -> World:
    """An orchestration that a run could begin in."""
    world.configure(policy={"restart": "off"}, limits={"free_disk": "1MB"})
    world.spec("ws-01", files_scope=["src/one.py"])
    world.spec("ws-02", depends_on=["ws-01"], files_scope=["src/two.py"])
    world.commit_specs()
    world.state.create()
    with world.state.open() as database:
        database.execute("PRAGMA journal_mode = WAL")
    return world


def checks(world: World, word: str | None = None) -> dict[str, dict[str, Any]]:
    """The checks by their names, or those of one word."""
    ended = unjam("preflight", "--json", cwd=world.repo)
    document = json.loads(ended.stdout)
    assert ended.returncode == (0 if document["ready"] else 1)
    found = {one["check"]: one for one in reversed(document["checks"])}
    bad = {one["word"] for one in document["checks"]} & {"failed", "cannot tell"}
    assert document["ready"] == (not bad)
    return {name: one for name, one in found.items() if word is None or one["word"] == word}


def test_a_sound_orchestration_is_ready_and_nothing_of_it_changes(sound: World) -> None:
    before = sound.inventory()

    ended = unjam("preflight", cwd=sound.repo)

    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.splitlines()[-1] == "ready to begin"
    assert checks(sound, "failed") == {}
    assert sound.inventory() == before


def test_the_document_has_its_published_shape(sound: World) -> None:
    document = unjam_json("preflight", cwd=sound.repo)

    assert document.keys() == {"schema", "kind", "repo", "trunk", "observed_at", "ready", "checks"}
    assert (document["schema"], document["kind"], document["ready"]) == (1, "preflight", True)
    assert all(one.keys() == {"check", "word", "sentence", "advice"} for one in document["checks"])


def a_person_edits(world: World) -> None:
    world.primary.edit("src/app.py", "half done\n")


def the_primary_is_elsewhere(world: World) -> None:
    world.primary.on_branch("mine")


def a_crash(world: World) -> None:
    begun(world)


def a_cycle(world: World) -> None:
    world.spec("ws-01", depends_on=["ws-02"])
    world.commit_specs()


def a_missing_dependency(world: World) -> None:
    world.spec("ws-02", depends_on=["nobody"])
    world.commit_specs()


def a_broken_spec(world: World) -> None:
    (world.repo / "workstreams" / "ws-09.json").write_text("{")
    world.commit_specs()


def a_broken_state(world: World) -> None:
    world.state.becomes_text()


def too_little_room(world: World) -> None:
    world.configure(limits={"free_disk": "900000GB"})


def no_verify_command(world: World) -> None:
    world.configure(verify={"command": ["no-such-runner"]})


def no_pytest(world: World) -> None:
    world.configure(verify={"command": [sys.executable, "-m", "no_such_runner"]})


def a_runner_that_git_ignores(world: World) -> None:
    (world.repo / "local").mkdir()
    (world.repo / "local" / "check").write_text("#!/bin/sh\n")
    (world.repo / "local" / "check").chmod(0o755)
    world.configure(verify={"command": ["local/check"]})


def the_remote_is_gone(world: World) -> None:
    git("remote", "set-url", "origin", str(world.root / "nowhere.git"), cwd=world.repo)


def the_remote_is_ahead(world: World) -> None:
    tip = world.trunk
    world.primary.commit("theirs.txt", "theirs\n")
    world.push()
    git("reset", "--quiet", "--hard", tip, cwd=world.repo)


def a_branch_in_the_way(world: World) -> None:
    git("branch", "ws/ws-02", cwd=world.repo)


def a_held_lock(world: World) -> None:
    world.primary.stale_lock()


def a_file_for_a_directory(world: World) -> None:
    (world.repo / ".worktrees").write_text("no directory\n")


FAILURES: dict[str, tuple[Callable[[World], None], str]] = {
    "a person edits": (a_person_edits, "primary clean, on the trunk"),
    "the primary is elsewhere": (the_primary_is_elsewhere, "primary clean, on the trunk"),
    "a crash": (a_crash, "nothing left of an earlier run"),
    "a stale lock": (a_held_lock, "nothing left of an earlier run"),
    "a cycle": (a_cycle, "order of work"),
    "a missing dependency": (a_missing_dependency, "order of work"),
    "a broken spec": (a_broken_spec, "specs"),
    "a broken state": (a_broken_state, "state"),
    "too little room": (too_little_room, "space"),
    "no verify command": (no_verify_command, "verify command"),
    "no pytest": (no_pytest, "verify command"),
    "a runner that Git ignores": (a_runner_that_git_ignores, "verify command"),
    "the remote is gone": (the_remote_is_gone, "remote"),
    "the remote is ahead": (the_remote_is_ahead, "remote"),
    "a branch in the way": (a_branch_in_the_way, "names of branches"),
    "a file for a directory": (a_file_for_a_directory, "directory of worktrees"),
}


@pytest.mark.parametrize(("breaks", "name"), FAILURES.values(), ids=FAILURES)
def test_what_does_not_hold_is_named(
    sound: World, breaks: Callable[[World], None], name: str
) -> None:
    breaks(sound)

    found = checks(sound)

    assert found[name]["word"] in {"failed", "cannot tell"}, found


def test_what_is_not_ready_is_status_one_and_said(sound: World) -> None:
    a_person_edits(sound)
    ended = unjam("preflight", cwd=sound.repo)

    assert ended.returncode == 1, ended.stdout
    assert ended.stdout.splitlines()[-1] == "not ready to begin"


def test_a_branch_in_the_way_is_one_that_would_stop_git(sound: World) -> None:
    a_branch_in_the_way(sound)
    add = ("git", "worktree", "add", "-b", "ws/ws-02/agent-1", ".worktrees/agent-1-ws-02", "main")
    refused = subprocess.run(add, cwd=sound.repo, capture_output=True, check=False)
    assert refused.returncode != 0

    advice = checks(sound)["names of branches"]["advice"]
    subprocess.run(shlex.split(advice), cwd=sound.repo, check=True)

    assert "names of branches" not in checks(sound)
    subprocess.run(add, cwd=sound.repo, capture_output=True, check=True)


def test_a_living_orchestrator_is_named_with_its_pid(sound: World) -> None:
    program = sound.run_orchestrator("--idle")
    wait_until(
        lambda: bool(sound.state.tables()["workstream_status"]) or program.alive, "it to live"
    )

    found = checks(sound)["nobody at work"]

    assert found["word"] == "failed"
    assert f"pid {program.pid}" in found["sentence"]
    program.kill()


def test_a_state_that_is_not_in_wal_mode_and_its_cure(sound: World) -> None:
    with sound.state.open() as database:
        database.execute("PRAGMA journal_mode = DELETE")

    found = checks(sound)["state in WAL mode"]

    assert found["word"] == "warning"
    assert found["advice"].endswith("'PRAGMA journal_mode=WAL'")


def test_orders_that_collide_are_a_warning(sound: World) -> None:
    sound.spec("ws-03", files_scope=["src/*.py"])
    sound.commit_specs()

    document = unjam_json("preflight", cwd=sound.repo)

    said = [one["sentence"] for one in document["checks"] if one["word"] == "warning"]
    assert sum("ws-03 may both change" in one for one in said) == 2
    assert document["ready"]


def test_a_branch_that_would_conflict_is_predicted_without_a_checkout(sound: World) -> None:
    stream = sound.workstream("ws-02", "agent-2").worktree()
    stream.commits({"src/app.py": "theirs = 1\n"})
    other = sound.workstream("ws-01", "agent-1").worktree()
    other.commits({"src/one.py": "one = 1\n"})
    sound.primary.commit("src/app.py", "ours = 1\n")
    sound.push()
    before = sound.inventory()

    found = [
        one
        for one in unjam_json("preflight", cwd=sound.repo)["checks"]
        if one["check"] == "branches that merge"
    ]

    (said,) = found
    assert said["word"] == "warning"
    assert said["sentence"] == "ws/ws-02/agent-2 would conflict with main in src/app.py"
    assert sound.inventory() == before


def test_a_directory_of_worktrees_that_git_sees_is_a_warning_and_the_advice_cures_it(
    sound: World,
) -> None:
    ignore = sound.repo / ".gitignore"
    ignore.write_text(ignore.read_text().replace(".worktrees/\n", ""))
    git("commit", "--quiet", "--all", "-m", "Ignore less", cwd=sound.repo)
    sound.push()
    found = checks(sound)["directory of worktrees"]
    assert found["word"] == "warning"

    subprocess.run(found["advice"], shell=True, cwd=sound.repo, check=True)

    assert checks(sound)["directory of worktrees"]["word"] == "ok"


def test_a_place_that_is_gone_after_a_restart_fails(sound: World) -> None:
    if (
        subprocess.run(("stat", "-fc%T", "/dev/shm"), capture_output=True, check=False).stdout
        != b"tmpfs\n"
    ):
        pytest.skip("this machine has no tmpfs")
    sound.configure(orchestration={"worktrees": f"/dev/shm/unjam-test-{os.getpid()}"})

    found = checks(sound)["directory of worktrees"]

    assert found["word"] == "failed"
    assert "tmpfs" in found["sentence"]


def test_a_recovery_that_was_killed_is_named(sound: World, start: Callable[..., Program]) -> None:
    typical_wreck(sound)
    script = (
        "from pathlib import Path\n"
        "from unjam.engine.orchestration import open_orchestration\n"
        "from unjam.engine.acts.recovery import Permission\n"
        "from unjam.engine.running.session import Terms, session\n"
        "import time\n"
        "with session(open_orchestration(Path('.')), Terms('recover'), Permission()):\n"
        "    print('began', flush=True)\n"
        "    time.sleep(600)\n"
    )
    program = start(sys.executable, "-c", script, cwd=sound.repo)
    wait_until(lambda: "began" in program.output.read_text(), "the recovery to begin")
    assert "a recovery is at work" in checks(sound)["nobody at work"]["sentence"]
    program.kill()

    assert checks(sound)["no recovery half done"]["word"] == "failed"
    recover(sound.repo)
    assert "no recovery half done" not in checks(sound)


def test_without_a_name_git_cannot_commit(sound: World, tmp_path: Any) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[init]\n\tdefaultBranch = main\n")

    document = unjam_json("preflight", cwd=sound.repo, env={"GIT_CONFIG_GLOBAL": str(config)})

    (found,) = [one for one in document["checks"] if one["check"] == "identity"]
    assert found["word"] == "failed"


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_says_the_same(sound: World) -> None:
    from flows.preflight import preflight

    assert preflight(sound.repo)["ready"]
    a_cycle(sound)
    assert not preflight(sound.repo)["ready"]
