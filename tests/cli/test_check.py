"""``unjam check``: it says what is wrong, changes nothing, and answers from wherever it is asked."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import environment, unjam, unjam_json
from tests.world import World, leave_brutal_work, prepare_for_brutal_work, typical_wreck


def everything(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every name below a directory with its inode, its time of change and its size."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in [*names, *files]:
            path = Path(directory, name)
            status = path.lstat()
            found[str(path)] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found


@pytest.fixture
def wreck(world: World) -> World:
    """A wreck with unsaved work of every kind."""
    prepare_for_brutal_work(world.repo)
    typical_wreck(world)
    leave_brutal_work(world.workstream("ws-04", "agent-4").tree)
    return world


def test_looking_leaves_every_file_as_it_is(wreck: World) -> None:
    wreck.primary.stale_lock()
    before = everything(wreck.root)

    for words in (["check"], ["status"], ["recover", "--dry-run"], ["history"], ["vault", "list"]):
        assert unjam(*words, cwd=wreck.repo).returncode in (0, 1)

    assert everything(wreck.root) == before


@pytest.mark.example("orchestrator_crash")
def test_it_answers_the_same_from_anywhere_inside(wreck: World) -> None:
    tree = wreck.workstream("ws-04", "agent-4").tree
    (tree / "deep").mkdir()
    places = [wreck.repo, wreck.repo / "src", tree, tree / "deep"]

    told = [unjam_json("check", cwd=place) for place in places]

    assert {one["repo"] for one in told} == {str(wreck.repo)}
    findings = [[finding["fingerprint"] for finding in one["findings"]] for one in told]
    assert findings == [findings[0]] * len(places)
    assert len(findings[0]) == 5


@pytest.mark.example("orchestrator_crash")
def test_every_finding_has_the_evidence_and_the_names_a_program_needs(wreck: World) -> None:
    document = unjam_json("check", "orchestrator-crash", cwd=wreck.repo)

    assert document.keys() >= {"schema", "repo", "trunk", "observed_at", "healthy", "unknown"}
    assert document["healthy"] is False
    verdicts = {ws: one for found in document["findings"] for ws, one in found["verdicts"].items()}
    assert verdicts == {
        "ws-01": "landed, unrecorded",
        "ws-02": "recorded, unlanded",
        "ws-03": "dead with commits",
        "ws-04": "dead, only uncommitted work",
        "ws-05": "dead and empty",
    }
    (unsaved,) = [one for one in document["findings"] if one["workstreams"] == ["ws-04"]]
    assert {"kind": "worktree", "name": ".worktrees/agent-4-ws-04"} in unsaved["subjects"]
    assert {one["source"] for one in unsaved["evidence"]} == {"state", "git", "processes"}
    (line,) = [one for one in document["workstreams"] if one["id"] == "ws-04"]
    assert line["branch"] == "ws/ws-04/agent-4"
    assert line["landed"] == "no"
    assert line["own_commits"] == 0
    assert line["unsaved_paths"] > 5
    assert line["process"] is None


@pytest.mark.parametrize("words", ["check", "recover --dry-run", "status", "history"])
def test_json_is_one_document_and_nothing_else_whatever_the_names(
    tmp_path: Path, words: str
) -> None:
    world = World(tmp_path / os.fsdecode(b"caf\xe9"))
    typical_wreck(world)
    world.workstream("ws-04", "agent-4").leaves({os.fsdecode(b"\xff\n.txt"): "odd\n"})

    ended = subprocess.run(
        [sys.executable, "-m", "unjam", *words.split(), "--json"],
        cwd=world.repo,
        env=environment(),
        capture_output=True,
        check=False,
    )

    assert ended.returncode in (0, 1), ended.stderr
    assert ended.stderr == b""
    document = json.loads(ended.stdout.decode("ascii"))
    assert document["schema"] == 1
    assert words != "check" or "caf\\xe9" in document["repo"]


@pytest.mark.parametrize("words", ["check", "check --json", "status", "history", "--help"])
def test_looking_needs_no_prefect(wreck: World, words: str) -> None:
    packages = {one.partition(".")[0] for one in imported(wreck, words)}

    assert "unjam" in packages
    assert packages.isdisjoint({"prefect", "fastapi", "sqlalchemy", "flows", "tasks"})


def test_a_check_imports_nothing_that_only_repairs_need(world: World) -> None:
    """With findings or without: on a large orchestration imports would be a third of it."""
    stream = world.workstream("ws-01").worktree().commits({"a.py": "1\n"})
    stream.lands_as_merge().row("running")

    names = imported(world, "check --json")

    assert "unjam.engine.observing.observe" in names
    repairs = {"git", "pydantic", "psutil", "rich", "unjam.engine.acts", "unjam.domain.steps.plan"}
    assert names & repairs == set()


def imported(world: World, words: str) -> set[str]:
    """Name every module that a command imports; plainly, without configuration of its own."""
    (world.repo / "unjam.toml").unlink(missing_ok=True)
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "unjam", *words.split()],
        cwd=world.repo,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return {line.rpartition("|")[2].strip() for line in ended.stderr.split("\n")}


def test_a_healthy_orchestration_is_zero_and_a_line(world: World) -> None:
    world.state.row("ws-01", "pending", agent=None)

    ended = unjam("check", cwd=world.repo)

    assert ended.returncode == 0
    assert ended.stdout == "healthy: 1 workstream, trunk main\n"
    assert unjam_json("check", cwd=world.repo)["healthy"] is True


def test_what_cannot_be_told_is_not_healthy(world: World) -> None:
    world.state.becomes_text()

    ended = unjam("check", cwd=world.repo)

    assert ended.returncode == 1
    assert "\ncannot tell state database: " in ended.stdout


@pytest.mark.example("orchestrator_crash")
def test_git_s_own_variables_lead_nowhere_else(
    wreck: World, new_world: Callable[..., World]
) -> None:
    elsewhere = new_world()
    astray = {
        "GIT_DIR": str(elsewhere.common),
        "GIT_WORK_TREE": str(elsewhere.repo),
        "GIT_INDEX_FILE": str(elsewhere.common / "index"),
    }

    ended = unjam("check", cwd=wreck.repo, env=astray)

    assert ended.returncode == 1
    assert "5 findings in 6 workstreams" in ended.stdout
