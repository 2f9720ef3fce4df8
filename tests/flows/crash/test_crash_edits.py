"""A person's own edits in the primary while something lands: they stay to the byte, or park it."""

import re
import shlex
from collections.abc import Callable

import pytest

from tests.flows.building import begun, on_trunk, recovered
from tests.flows.crash.test_crash_primary import without_rows
from tests.recovering import recover, sentences, undo
from tests.world import World, git


def edits(world: World) -> None:
    """A person's uncommitted work of every kind, in files that no landing touches."""
    for name in ("staged.txt", "both.txt", "changed.txt", "gone.txt"):
        (world.repo / name).write_text(f"{name}\n")
    git("add", "--all", cwd=world.repo)
    git("commit", "--quiet", "-m", "A person's files", cwd=world.repo)
    world.primary.stage("staged.txt", "staged\n")
    world.primary.stage("both.txt", "staged\n")
    world.primary.edit("both.txt", "then edited\n")
    world.primary.edit("changed.txt", "changed\n")
    world.primary.edit("new.txt", "untracked\n")
    world.primary.stage("added.txt", "added\n")
    (world.repo / "gone.txt").unlink()


def test_edits_elsewhere_are_kept_to_the_byte_with_their_index(lonely: World) -> None:
    begun(lonely)
    edits(lonely)
    treasure, before = lonely.treasure(), lonely.inventory()
    seen = git("status", "--porcelain", cwd=lonely.repo), git("diff", cwd=lonely.repo)
    staged = git("diff", "--cached", cwd=lonely.repo)

    document = recovered(lonely)

    assert (git("status", "--porcelain", cwd=lonely.repo), git("diff", cwd=lonely.repo)) == seen
    assert git("diff", "--cached", cwd=lonely.repo) == staged
    assert (lonely.repo / "src/part_15.py").read_text() == "part = 15\n"
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def stage_it(world: World) -> None:
    world.primary.stage("src/app.py", "staged by a person\n")


def stage_and_edit_it(world: World) -> None:
    world.primary.stage("src/app.py", "staged by a person\n")
    world.primary.edit("src/app.py", "and edited\n")


def edit_it(world: World) -> None:
    world.primary.edit("src/app.py", "edited by a person\n")


def make_it(world: World) -> None:
    world.primary.edit("src/more_15.py", "untracked, by a person\n")


def delete_it(world: World) -> None:
    (world.repo / "src/app.py").unlink()


@pytest.mark.parametrize("hand", [stage_it, stage_and_edit_it, edit_it, make_it, delete_it])
def test_edits_in_the_way_park_the_landing_with_a_command_that_works(
    lonely: World, hand: Callable[[World], None]
) -> None:
    text = (lonely.repo / "src/app.py").read_text()
    stream = begun(lonely).commits({"src/app.py": f"{text}more = 1\n"})
    hand(lonely)
    treasure, before = lonely.treasure(), lonely.inventory(without=[".state"])

    document = recover(lonely.repo)

    (said,) = sentences(document, "land").values()
    assert ("src/more_15.py" if hand is make_it else "src/app.py") in said
    assert document["word"] == "needs a human"
    assert without_rows(lonely.inventory(without=[".state"])) == without_rows(before)
    assert lonely.state.status("ws-15") == "running"
    assert stream.tree.is_dir()
    assert lonely.lost(treasure) == []
    git("stash", "--quiet", "--include-untracked", cwd=lonely.repo)
    (command,) = re.findall(r"or: (git .*)$", said)
    git(*shlex.split(command)[1:], cwd=lonely.root)
    assert on_trunk(lonely, "src/more_15.py") == "more = 15"
    recovered(lonely)
    assert lonely.state.status("ws-15") == "completed"
    assert lonely.lost(treasure) == []


def test_edits_that_were_committed_meanwhile_are_landed_upon(lonely: World) -> None:
    text = (lonely.repo / "src/app.py").read_text()
    begun(lonely).commits({"src/app.py": f"{text}more = 1\n"})
    lonely.primary.edit("src/app.py", f"first = 0\n{text}")
    assert recover(lonely.repo)["word"] == "needs a human"
    git("commit", "--quiet", "-am", "A person's commit", cwd=lonely.repo)

    recovered(lonely)

    assert on_trunk(lonely, "src/app.py") == f"first = 0\n{text}more = 1"


def test_a_primary_on_another_branch_keeps_its_place_and_the_trunk_moves(lonely: World) -> None:
    begun(lonely)
    lonely.primary.on_branch("mine")
    lonely.primary.edit("src/app.py", "a person's edit\n")
    head = git("rev-parse", "HEAD", cwd=lonely.repo)

    recovered(lonely)

    assert git("rev-parse", "HEAD", cwd=lonely.repo) == head
    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == "refs/heads/mine"
    assert (lonely.repo / "src/app.py").read_text() == "a person's edit\n"
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
