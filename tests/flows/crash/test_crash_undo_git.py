"""Taking a recovery back: everything as before, or nothing where the world has moved on."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import ROOT, unjam
from tests.flows.building import begun, on_trunk, recovered
from tests.interrupt.killing import seeds
from tests.recovering import recover, undo
from tests.world import (
    Program,
    World,
    git,
    leave_brutal_work,
    prepare_for_brutal_work,
    typical_wreck,
    wait_until,
)
from unjam.errors import RefusedError


@pytest.fixture
def wreck(new_world: Callable[..., World]) -> World:
    """A wreck of every verdict with work of every kind and a primary left astray; no remote."""
    world = new_world(remote=False)
    world.configure(policy={"restart": "off"})
    prepare_for_brutal_work(world.repo)
    typical_wreck(world)
    leave_brutal_work(world.workstream("ws-04", "agent-4").tree)
    world.workstream("ws-03", "agent-3").leaves_commit_in_reflog({"thrown.txt": "thrown away\n"})
    conflicting = world.workstream("ws-09", "agent-9").worktree().row("conflict")
    conflicting.commits({"src/app.py": "theirs = 1\n"})
    world.primary.commit("src/app.py", "ours = 1\n")
    world.primary.mid_merge(conflicting.branch)
    world.primary.edit("mine.txt", "untracked, a person's\n")
    world.primary.stale_lock("refs/heads/main.lock").write_bytes(b"half a ref")
    return world


def test_undo_restores_refs_rows_worktrees_and_files_to_the_byte(wreck: World) -> None:
    treasure, before = wreck.treasure(), wreck.inventory()
    document = recovered(wreck)
    assert wreck.inventory() != before

    undone = undo(wreck.repo, document["run"])

    assert undone["word"] == "undone"
    assert {one["outcome"] for one in undone["outcomes"]} == {"undone"}
    assert wreck.inventory() == before
    assert git("fsck", "--no-dangling", cwd=wreck.repo) == ""
    assert wreck.lost(treasure) == []


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed"])
def test_undo_brings_the_reflog_of_a_removed_branch_back_to_the_byte(
    world: World, killed: bool
) -> None:
    world.configure(policy={"restart": "off"})
    stream = world.workstream("ws-15").worktree().row("running")
    stream.leaves_commit_in_reflog({"thrown.txt": "thrown away\n"})
    path = world.common / "logs" / "refs" / "heads" / stream.branch
    log = path.read_bytes()
    if killed:
        leave_as_killed_between_reflog_and_branch(world, stream.branch)
    document = recovered(world)
    assert git("branch", "--list", stream.branch, cwd=world.repo) == ""
    assert not path.exists()

    runs = sorted(one.stem for one in (world.common / "unjam" / "journal").iterdir())
    assert runs[-1] == document["run"]
    for run in reversed(runs):
        assert undo(world.repo, run)["word"] == "undone"

    assert path.read_bytes() == log
    assert git("rev-parse", stream.branch, cwd=world.repo) == world.trunk


def leave_as_killed_between_reflog_and_branch(world: World, branch: str) -> None:
    tip = git("rev-parse", branch, cwd=world.repo)
    recover(world.repo)
    unlogged = ("-c", "core.logAllRefUpdates=false")
    git(*unlogged, "update-ref", f"refs/heads/{branch}", tip, cwd=world.repo)
    (journal,) = (world.common / "unjam" / "journal").iterdir()
    lines = journal.read_text().splitlines(keepends=True)
    moved = [n for n, line in enumerate(lines) if '"made"' in line and "reflogs" in line]
    journal.write_text("".join(lines[: moved[0] + 1]))


def test_undone_twice_the_second_finds_it_done(wreck: World) -> None:
    before = wreck.inventory()
    document = recovered(wreck)
    undo(wreck.repo, document["run"])

    again = undo(wreck.repo, document["run"])

    assert again["word"] == "undone"
    assert {one["outcome"] for one in again["outcomes"]} == {"already done"}
    assert wreck.inventory() == before


def test_after_an_undo_the_recovery_can_be_made_again(wreck: World) -> None:
    document = recovered(wreck)
    undo(wreck.repo, document["run"])
    treasure = wreck.treasure()

    again = recovered(wreck)

    assert [one["step"] for one in again["plan"]] == [one["step"] for one in document["plan"]]
    assert on_trunk(wreck, "src/part_3.py") == "part = 3"
    assert wreck.lost(treasure) == []


def test_an_undo_can_be_undone(lonely: World) -> None:
    begun(lonely).leaves({"notes.txt": "unsaved\n"})
    document = recovered(lonely)
    after = lonely.inventory()
    undone = undo(lonely.repo, document["run"])

    assert undo(lonely.repo, undone["run"])["word"] == "undone"

    assert lonely.inventory() == after


@pytest.mark.parametrize("seed", seeds(1))
def test_an_undo_that_is_killed_again_and_again_ends_where_it_would_have(
    wreck: World, tmp_path: Path, seed: int
) -> None:
    treasure, before = wreck.treasure(), wreck.inventory()
    run = recovered(wreck)["run"]

    kills = kill_until_it_ends(wreck, run, tmp_path / "undo.out", random.Random(seed))

    assert kills > 0
    assert wreck.inventory() == before
    assert wreck.lost(treasure) == []


def kill_until_it_ends(world: World, run: str, output: Path, dice: random.Random) -> int:
    """Kill it some changes after it began, again and again; count the kills."""
    kills = 0
    while True:
        goal = changes_begun(world) + dice.randint(1, 6)
        words = (sys.executable, "-m", "tests.recovering", world.repo, run)
        program = Program(*words, cwd=ROOT, output=output)
        wait_until(lambda: not program.alive or changes_begun(world) >= goal, "some progress")  # noqa: B023 -- used at once
        if not program.alive:
            assert program.wait() == 0, output.read_text()
            return kills
        program.kill()
        kills += 1


def changes_begun(world: World) -> int:
    folder = world.common / "unjam" / "journal"
    return sum(path.read_bytes().count(b'"event":"intent"') for path in folder.glob("*.jsonl"))


# The world moved on


def refused(world: World, run: str) -> str:
    """What an undo says that is refused, having changed nothing."""
    before = world.inventory()
    with pytest.raises(RefusedError) as error:
        undo(world.repo, run)
    assert world.inventory() == before
    return str(error.value)


def test_undo_is_refused_with_both_sides_after_a_commit_on_the_trunk(lonely: World) -> None:
    begun(lonely)
    run = recovered(lonely)["run"]
    left = lonely.trunk
    theirs = lonely.primary.commit("mine.txt", "on top\n")

    said = refused(lonely, run)

    assert left[:12] in said
    assert theirs[:12] in said


def test_undo_is_refused_with_both_sides_after_a_row_was_edited(lonely: World) -> None:
    begun(lonely)
    run = recovered(lonely)["run"]
    with lonely.state.open() as database:
        database.execute("UPDATE workstream_status SET status = 'discarded'")

    said = refused(lonely, run)

    assert "ws-15" in said
    assert "discarded" in said
    assert "completed" in said


def test_undo_is_refused_after_something_took_a_worktrees_place(lonely: World) -> None:
    stream = begun(lonely)
    run = recovered(lonely)["run"]
    stream.tree.mkdir(parents=True)
    (stream.tree / "new.txt").write_text("somebody's\n")

    said = refused(lonely, run)

    assert str(stream.tree) in said
    assert (stream.tree / "new.txt").read_text() == "somebody's\n"


def test_undo_is_refused_where_a_person_edits_what_it_would_take_away(lonely: World) -> None:
    begun(lonely)
    run = recovered(lonely)["run"]
    lonely.primary.edit("src/part_15.py", "edited since\n")

    said = refused(lonely, run)

    assert "src/part_15.py" in said


def test_undo_is_refused_where_it_would_reset_an_edit_to_bring_an_operation_back(
    wreck: World,
) -> None:
    run = recovered(wreck)["run"]
    wreck.primary.edit("check.py", "edited since\n")

    said = refused(wreck, run)

    assert "check.py" in said
    assert (wreck.repo / "check.py").read_text() == "edited since\n"


def test_undo_is_refused_under_a_checkout_that_came_to_use_the_trunk(lonely: World) -> None:
    begun(lonely)
    lonely.primary.on_branch("mine")
    run = recovered(lonely)["run"]
    git("switch", "--quiet", "main", cwd=lonely.repo)

    said = refused(lonely, run)

    assert "main is in use by" in said


def test_undo_is_refused_after_the_branch_was_used_again(lonely: World) -> None:
    stream = lonely.workstream("ws-15").worktree().row("running")
    stream.leaves({"notes.txt": "unsaved\n"})
    run = recovered(lonely)["run"]
    git("branch", stream.branch, "main", cwd=lonely.repo)
    lonely.primary.commit("new.txt", "new\n")
    git("branch", "--force", stream.branch, "main", cwd=lonely.repo)

    said = refused(lonely, run)

    assert stream.branch in said


def test_edits_elsewhere_do_not_stop_an_undo_and_are_kept(lonely: World) -> None:
    begun(lonely)
    before = lonely.inventory()
    run = recovered(lonely)["run"]
    lonely.primary.edit("src/app.py", "edited since\n")
    lonely.primary.edit("new.txt", "new since\n")

    undo(lonely.repo, run)

    after = lonely.inventory()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == {"file src/app.py", "file new.txt"}
    assert (lonely.repo / "src/app.py").read_text() == "edited since\n"


WRITTEN = ("completed_at", "error_message")


def test_a_refusal_shows_each_side_in_a_line_of_its_own_with_status_three(lonely: World) -> None:
    begun(lonely)
    run = recovered(lonely)["run"]
    left = lonely.trunk[:12]
    theirs = lonely.primary.commit("mine.txt", "on top\n")[:12]
    with lonely.state.open() as database:
        database.execute("UPDATE workstream_status SET status = 'discarded'")

    ended = unjam("undo", run, "--dry-run", cwd=lonely.repo)

    rest = ", ".join(f"{name} {lonely.state.value('ws-15', name)!r}" for name in WRITTEN)
    assert ended.returncode == 3
    assert ended.stderr.splitlines() == [
        "unjam: the world has moved on since, so nothing was taken back",
        f"  row ws-15 has status 'discarded', {rest}",
        f"    the run left it with status 'completed', {rest}",
        f"  {lonely.repo} is on main at {theirs}",
        f"    the run left it on main at {left}",
    ]


def test_an_older_run_names_the_later_ones_that_have_to_be_taken_back_before_it(
    lonely: World,
) -> None:
    begun(lonely)
    first = recovered(lonely)["run"]
    begun(lonely, "ws-16", "agent-2")
    second = recovered(lonely)["run"]

    ended = unjam("undo", first, "--dry-run", cwd=lonely.repo)

    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-3:] == [
        "  a later run went on from there; to take both back:",
        f"    unjam undo {second}",
        f"    unjam undo {first}",
    ]
    undo(lonely.repo, second)
    undo(lonely.repo, first)


def test_an_unknown_run_is_said_in_one_line_with_status_two(lonely: World) -> None:
    ended = unjam("undo", "20250101T000000Z-0000", "--dry-run", cwd=lonely.repo)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


def test_what_was_parked_is_undone_as_well(lonely: World) -> None:
    text = (lonely.repo / "src/app.py").read_text()
    begun(lonely).commits({"src/app.py": f"{text}more = 1\n"})
    lonely.primary.edit("src/app.py", "a person's\n")
    before = lonely.inventory()
    document = recover(lonely.repo)

    undo(lonely.repo, document["run"])

    assert lonely.inventory() == before
