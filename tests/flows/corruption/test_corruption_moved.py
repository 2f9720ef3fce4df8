"""A directory that was moved to where nobody looks: found where somebody names it, and never taken for gone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.corruption.test_worktree_corruption import ONLY, mended, works
from tests.recovering import recover, undo
from tests.world import Program, Workstream, World, at_work, git
from tests.world.state import COLUMNS
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration

Start = Callable[..., Program]


def moved_to(one: Workstream, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    one.tree.rename(place)
    return place


def place_in_git(world: World, place: Path) -> bool:
    return f"worktree {place}\n" in git("worktree", "list", "--porcelain", cwd=world.repo) + "\n"


def test_an_agent_that_goes_on_where_its_worktree_was_moved_to_names_the_place(
    lonely: World, start: Start
) -> None:
    one = at_work(lonely)
    agent = start("sleep", "600", cwd=one.tree)
    treasure, admin = lonely.treasure(), one.admin
    place = moved_to(one, lonely.root / "elsewhere" / "gone-there")
    before = (admin / "gitdir").read_bytes()

    document = mended(lonely)

    assert place_in_git(lonely, place)
    assert agent.alive
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert (admin / "gitdir").read_bytes() == before


@pytest.mark.parametrize("written", ["{place}", "{place}/src", "../elsewhere/gone-there"])
def test_a_row_that_says_where_its_worktree_is_names_the_place(lonely: World, written: str) -> None:
    lonely.state.path.unlink()
    lonely.state.create([*COLUMNS, "worktree_path"])
    one = at_work(lonely)
    place = lonely.root / "elsewhere" / "gone-there"
    lonely.state.row("ws-15", "blocked", worktree_path=written.format(place=place))
    treasure = lonely.treasure()
    moved_to(one, place)

    mended(lonely)

    assert place_in_git(lonely, place)
    assert lonely.lost(treasure) == []


def test_a_directory_put_around_worktrees_is_no_stray(lonely: World) -> None:
    one = at_work(lonely)
    treasure = lonely.treasure()
    place = moved_to(one, one.tree.parent / "archive" / one.tree.name)

    mended(lonely)

    assert place_in_git(lonely, place)
    assert lonely.lost(treasure) == []
    works(lonely, one)


def test_two_places_that_claim_one_worktree_are_neither_of_them_taken(
    lonely: World, start: Start
) -> None:
    one = at_work(lonely)
    place = moved_to(one, lonely.root / "elsewhere" / "gone-there")
    copy = lonely.root / "copy"
    copy.mkdir()
    (copy / ".git").write_bytes((place / ".git").read_bytes())
    for cwd in (place, copy):
        start("sleep", "600", cwd=cwd)

    (tree,) = observe(open_orchestration(lonely.repo)).worktrees

    assert tree.moved_to is None


def test_what_a_row_says_of_a_place_that_is_none_changes_nothing(lonely: World) -> None:
    one = at_work(lonely)
    lonely.state.row("ws-15", "blocked", error_message="see a/b/" + "x" * 5000)
    moved_to(one, lonely.root / "elsewhere" / "gone-there")

    document = recover(lonely.repo, ONLY)

    assert document["word"] == "recovered"
