"""After a run: what is not done, not landed, not pushed or left lying about is named."""

import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.command import unjam, unjam_json
from tests.world import World, git, wait_until
from tests.world.script import commit, write


@pytest.fixture
def ended(world: World) -> World:
    """A run that ended well: two workstreams landed and pushed; their worktrees are still there."""
    world.configure(policy={"restart": "off"})
    for number in (1, 2):
        world.spec(f"ws-0{number}")
    world.commit_specs()
    for number in (1, 2):
        stream = world.workstream(f"ws-0{number}", f"agent-{number}").worktree()
        stream.commits({f"src/part_{number}.py": f"part = {number}\n"}).row("completed")
        stream.lands_as_merge()
    world.push()
    return world


@pytest.fixture
def tidy(ended: World) -> World:
    """The same, cleaned up."""
    for number in (1, 2):
        tree = ended.workstream(f"ws-0{number}", f"agent-{number}").tree
        git("worktree", "remove", str(tree), cwd=ended.repo)
        git("branch", "-d", f"ws/ws-0{number}/agent-{number}", cwd=ended.repo)
    return ended


def document_of(world: World, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = unjam_json("postflight", *options, cwd=world.repo)
    return document


def found(world: World, name: str, *options: str) -> list[dict[str, Any]]:
    return [one for one in document_of(world, *options)["checks"] if one["check"] == name]


def test_a_run_that_ended_well_is_done_and_nothing_of_it_changes(tidy: World) -> None:
    before = tidy.inventory()

    ended = unjam("postflight", cwd=tidy.repo)

    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.splitlines()[-1] == "done"
    assert {one["word"] for one in document_of(tidy)["checks"]} == {"ok"}
    assert tidy.inventory() == before
    assert not list((tidy.common / "unjam").rglob("tree"))


def test_what_is_left_is_named_with_the_command_that_loses_nothing(ended: World) -> None:
    for _ in range(2):  # first the worktrees, then their branches
        advice = [
            one["advice"]
            for name in ("no worktrees left", "no branches left")
            for one in found(ended, name, "--no-verify")
            if one["advice"]
        ]
        assert len(advice) == 2
        for command in advice:
            subprocess.run(shlex.split(command), cwd=ended.repo, check=True, capture_output=True)

    assert document_of(ended)["ready"]


def test_a_worktree_with_unsaved_work_is_never_advised_away(ended: World) -> None:
    ended.workstream("ws-01", "agent-1").leaves({"notes.txt": "do not lose me\n"})

    left = found(ended, "no worktrees left", "--no-verify")

    assert [one["word"] for one in left] == ["failed", "warning"]
    assert "remove" not in left[0]["advice"]


def test_a_branch_whose_reflog_alone_reaches_work_is_never_advised_away(ended: World) -> None:
    stream = ended.workstream("ws-02", "agent-2")
    stream.leaves_commit_in_reflog({"thrown.txt": "thrown away\n"})
    treasure = ended.treasure()

    for name in ("no worktrees left", "no branches left"):
        for one in found(ended, name, "--no-verify"):
            subprocess.run(
                shlex.split(one["advice"]), cwd=ended.repo, check=True, capture_output=True
            )

    (left,) = found(ended, "no branches left", "--no-verify")
    assert left["word"] == "failed"
    assert "its reflog alone reaches 1 commit" in left["sentence"]
    assert [one for one in ended.lost(treasure) if one.startswith("commit")] == []


def failed_row(world: World) -> None:
    world.state.row("ws-02", "failed", error_message="the tests did not pass")


def never_begun(world: World) -> None:
    world.spec("ws-03", depends_on=["ws-02"])
    world.commit_specs()


def completed_and_not_landed(world: World) -> None:
    stream = world.workstream("ws-03", "agent-3").worktree().row("completed")
    stream.commits({"src/part_3.py": "part = 3\n"})


def broken_trunk(world: World) -> None:
    world.primary.commit("src/broken.py", "BROKEN\n")
    world.push()


def not_pushed(world: World) -> None:
    world.primary.commit("src/mine.py", "mine = 1\n")


def a_dead_agent(world: World) -> None:
    world.workstream("ws-05", "agent-5").worktree().row("running")


FAILURES: dict[str, tuple[Callable[[World], None], str, str]] = {
    "a failed row": (failed_row, "everything completed", "ws-02 is failed: the tests did not pass"),
    "never begun": (never_begun, "everything completed", "ws-03 is pending"),
    "not landed": (completed_and_not_landed, "everything landed", "1 commit the trunk has not"),
    "a broken trunk": (broken_trunk, "tests pass on the trunk", "failed with status 1"),
    "not pushed": (not_pushed, "trunk pushed", "lacks commits of main"),
    "a dead agent": (a_dead_agent, "rows, Git and processes agree", "ws-05"),
}


@pytest.mark.parametrize(("breaks", "name", "said"), FAILURES.values(), ids=FAILURES)
def test_what_does_not_hold_is_named(
    tidy: World, breaks: Callable[[World], None], name: str, said: str
) -> None:
    breaks(tidy)

    document = document_of(tidy)

    assert not document["ready"]
    sentences = [
        one["sentence"]
        for one in document["checks"]
        if (one["check"], one["word"]) == (name, "failed")
    ]
    assert any(said in one for one in sentences), document["checks"]
    assert unjam("postflight", "--no-verify", cwd=tidy.repo).returncode == (
        0 if name == "tests pass on the trunk" else 1
    )


def test_work_that_was_flattened_by_a_pull_has_landed_all_the_same(tidy: World) -> None:
    tidy.spec("ws-03")
    tidy.commit_specs()
    stream = tidy.workstream("ws-03", "agent-3").worktree().row("completed")
    stream.commits({"src/part_3.py": "part = 3\n"}).lands_flattened()

    assert [one["word"] for one in found(tidy, "everything landed", "--no-verify")] == ["ok"]


def test_after_a_real_run_of_the_orchestrator(world: World) -> None:
    world.configure(policy={"restart": "off"})
    world.spec("ws-01", script=[write("src/one.py", "one = 1\n"), commit("one")])
    world.commit_specs()
    program = world.run_orchestrator()
    wait_until(lambda: not program.alive, "the run to end")

    document = document_of(world)

    words = {one["check"]: one["word"] for one in document["checks"]}
    assert words["everything completed"] == words["everything landed"] == "ok", document
    assert words["tests pass on the trunk"] == "ok"


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_says_the_same(tidy: World) -> None:
    from flows.postflight import postflight

    assert postflight(tidy.repo)["ready"]
    broken_trunk(tidy)
    assert not postflight(tidy.repo)["ready"]
    assert postflight(tidy.repo, verify=False)["ready"]
