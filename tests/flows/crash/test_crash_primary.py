"""The primary checkout as a crash leaves it, with a person's own work in it."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.building import begun, on_trunk, recovered
from tests.recovering import recover, sentences, undo
from tests.world import Program, Workstream, World, git, wait_until
from unjam.domain.world.identity import Scenario

# What Git starts to have a message written: the commit that waits for it holds the index lock.
EDITOR = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"


def conflicting(world: World, name: str = "ws-09") -> Workstream:
    """A workstream that does not go together with the trunk; it is marked so already."""
    stream = world.workstream(name, "agent-9").worktree().row("conflict")
    stream.commits({"src/app.py": "theirs = 1\n"})
    world.primary.commit("src/app.py", "ours = 1\n")
    return stream


def without_rows(inventory: dict[str, str]) -> dict[str, str]:
    """Everything but what the state says and where the trunk is."""
    return {key: one for key, one in inventory.items() if not key.startswith("row ")}


# Left on an agent's branch


def test_a_clean_primary_on_an_agents_branch_is_returned_to_the_trunk(lonely: World) -> None:
    stream = begun(lonely)
    git("worktree", "remove", "--force", str(stream.tree), cwd=lonely.repo)
    lonely.primary.on_branch(stream.branch)
    (lonely.repo / "mine.txt").write_text("untracked, a person's\n")
    treasure, before = lonely.treasure(), lonely.inventory()

    document = recovered(lonely)

    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == "refs/heads/main"
    assert git("status", "--porcelain", cwd=lonely.repo) == "?? mine.txt"
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert (lonely.repo / "src/part_15.py").exists()
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def test_a_dirty_primary_on_an_agents_branch_stays_there_and_says_how_to_leave(
    lonely: World,
) -> None:
    stream = begun(lonely)
    git("worktree", "remove", "--force", str(stream.tree), cwd=lonely.repo)
    lonely.primary.on_branch(stream.branch)
    lonely.primary.edit("src/app.py", "a person's edit\n")
    lonely.primary.stage("src/part_15.py", "staged by a person\n")
    treasure, edits = lonely.treasure(), git("diff", "HEAD", cwd=lonely.repo)

    document = recover(lonely.repo)

    said = sentences(document, "return primary")["to main"]
    assert said.startswith("refused: it holds uncommitted edits (src/app.py, src/part_15.py)")
    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == f"refs/heads/{stream.branch}"
    assert git("diff", "HEAD", cwd=lonely.repo) == edits
    assert document["word"] == "partly recovered"
    assert lonely.lost(treasure) == []
    git("stash", "--quiet", cwd=lonely.repo)
    (command,) = re.findall(r"then: (git .*)$", said)
    git(*shlex.split(command)[1:], cwd=lonely.root)
    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == "refs/heads/main"


# Left in the middle of something


def mid_merge(world: World) -> None:
    world.primary.mid_merge(conflicting(world).branch)


def mid_clean_merge(world: World) -> None:
    stream = world.workstream("ws-09", "agent-9").worktree().row("conflict")
    stream.commits({"src/nine.py": "nine = 9\n"})
    world.primary.mid_clean_merge(stream.branch)


def mid_rebase(world: World) -> None:
    world.primary.mid_rebase(conflicting(world).tip)


def mid_cherry_pick(world: World) -> None:
    world.primary.mid_cherry_pick(conflicting(world).tip)


OPERATIONS: dict[str, Callable[[World], None]] = {
    "merge": mid_merge,
    "merge without conflicts": mid_clean_merge,
    "rebase": mid_rebase,
    "cherry-pick": mid_cherry_pick,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_nobody_touched_is_aborted_and_undo_brings_it_back(
    lonely: World, operation: str
) -> None:
    begun(lonely)
    OPERATIONS[operation](lonely)
    (lonely.repo / "mine.txt").write_text("untracked, a person's\n")
    treasure, before = lonely.treasure(), lonely.inventory()

    document = recovered(lonely)

    assert git("status", "--porcelain", cwd=lonely.repo) == "?? mine.txt"
    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == "refs/heads/main"
    assert not any((lonely.common / name).exists() for name in ("MERGE_HEAD", "rebase-merge"))
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before
    assert lonely.lost(treasure) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_a_person_works_on_is_left_alone_and_said(
    lonely: World, operation: str
) -> None:
    begun(lonely)
    OPERATIONS[operation](lonely)
    touched = "src/nine.py" if operation == "merge without conflicts" else "src/app.py"
    (lonely.repo / touched).write_text("half resolved by a person\n")
    treasure, before = lonely.treasure(), lonely.inventory(without=[".state"])

    document = recover(lonely.repo, (Scenario("orchestrator_crash"),))

    (said,) = sentences(document, "abort").values()
    kind = operation.split(maxsplit=1)[0]
    assert said.startswith("refused: ")
    assert f"{kind} --abort" in said
    (landing,) = sentences(document, "land").values()
    assert "parked" in landing
    assert without_rows(lonely.inventory(without=[".state"])) == without_rows(before)
    assert lonely.state.status("ws-15") == "running"
    assert lonely.workstream("ws-15").tree.is_dir()
    assert document["word"] == "needs a human"
    assert lonely.lost(treasure) == []


def test_once_a_person_has_ended_the_operation_the_next_run_lands(lonely: World) -> None:
    begun(lonely)
    mid_rebase(lonely)
    (lonely.repo / "src/app.py").write_text("half resolved by a person\n")
    said = sentences(recover(lonely.repo), "abort")["the primary"]

    (command,) = re.findall(r"or: (git .*)$", said)
    git(*shlex.split(command)[1:], cwd=lonely.root)

    recovered(lonely)
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert lonely.state.status("ws-15") == "completed"


# Locks


@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock", "refs/heads/main.lock"])
def test_a_dead_owners_lock_is_moved_into_the_vault(lonely: World, name: str) -> None:
    begun(lonely)
    lock = lonely.primary.stale_lock(name)
    lock.write_bytes(b"half an index")
    before = lonely.inventory()

    document = recovered(lonely)

    assert not lock.exists()
    (kept,) = [one for one in document["vault"] if "/locks/" in one]
    assert Path(kept).read_bytes() == b"half an index"
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def test_the_lock_of_a_commit_that_waits_for_its_message_is_left(
    lonely: World, start: Callable[..., Program]
) -> None:
    begun(lonely)
    lonely.primary.edit("src/app.py", "about to be committed\n")
    waits = lonely.marker("editor")
    editor = shlex.join((sys.executable, "-c", EDITOR, str(waits)))
    person = start("git", "commit", "--all", cwd=lonely.repo, env={"GIT_EDITOR": editor})
    wait_until(waits.exists, "the editor")
    lock = lonely.common / "index.lock"
    index, trunk, treasure = lock.read_bytes(), lonely.trunk, lonely.treasure()

    document = recover(lonely.repo)

    assert lock.read_bytes() == index
    assert person.alive
    assert lonely.trunk == trunk
    assert document["word"] == "needs a human"
    assert lonely.state.status("ws-15") == "running"
    assert lonely.lost(treasure) == []


def test_a_persons_edit_parks_only_the_landing_that_meets_it(calm: World) -> None:
    for number in (1, 2, 3):
        calm.spec(f"ws-{number}", depends_on=["ws-1"] if number == 3 else [])
    calm.commit_specs()
    calm.push()
    meets = calm.workstream("ws-1", "agent-1").worktree().row("completed")
    meets.commits({"src/app.py": "theirs = 1\n"})
    calm.workstream("ws-2", "agent-2").worktree().row("completed").commits({"src/two.py": "2\n"})
    calm.workstream("ws-3", "agent-3").worktree().row("completed").commits({"src/three.py": "3\n"})
    calm.primary.edit("src/app.py", "a person's\n")
    treasure = calm.treasure()

    document = recover(calm.repo)

    said = sentences(document, "land")
    assert on_trunk(calm, "src/two.py") == "2"
    assert on_trunk(calm, "src/three.py") is None
    assert calm.state.status("ws-2") == "completed"
    assert said["ws/ws-2/agent-2"].startswith("done")
    assert "parked: edits in" in said["ws/ws-1/agent-1"]
    assert "src/app.py" in said["ws/ws-1/agent-1"]
    assert "ws-1" in said["ws/ws-3/agent-3"]
    assert (calm.repo / "src/app.py").read_text() == "a person's\n"
    assert calm.lost(treasure) == []
