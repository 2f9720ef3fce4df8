"""Operations left in the middle are told, and whether a hand was at their files."""

import pytest

from tests.adapters.git.observing.looking import asked, look, told, worktree_of
from tests.world import (
    Workstream,
    World,
    git,
    git_status,
)
from unjam.domain.world.snapshot import Operation
from unjam.domain.world.truth import Truth


def _conflicting(world: World) -> Workstream:
    one = world.workstream("ws-1").worktree().commits({"src/app.py": "mine\n", "added.py": "1\n"})
    world.primary.commit("src/app.py", "theirs\n")
    return one


def test_a_merge_as_git_left_it_is_intact(world: World) -> None:
    world.primary.mid_merge(_conflicting(world).branch)

    seen = look(world.repo).primary

    assert (seen.operation, seen.operation_intact) == (Operation.MERGE, Truth.YES)
    assert seen.unsaved.conflicted == ("src/app.py",)
    assert told(seen.unsaved) == asked(world.repo)


def test_a_rebase_as_git_left_it_is_intact(world: World) -> None:
    world.primary.mid_rebase(_conflicting(world).branch)

    seen = look(world.repo).primary

    assert (seen.operation, seen.operation_intact) == (Operation.REBASE, Truth.YES)
    assert seen.branch is None


def test_a_cherry_pick_as_git_left_it_is_intact(world: World) -> None:
    world.primary.mid_cherry_pick(_conflicting(world).branch)

    seen = look(world.repo).primary

    assert (seen.operation, seen.operation_intact) == (Operation.CHERRY_PICK, Truth.YES)


def _resolve_by_hand(world: World) -> None:
    world.primary.edit("src/app.py", "both\n")


def _resolve_and_stage(world: World) -> None:
    world.primary.stage("src/app.py", "both\n")


def _edit_another(world: World) -> None:
    world.primary.edit("added.py", "edited\n")


def _remove(world: World) -> None:
    git("rm", "--quiet", "--force", "src/app.py", cwd=world.repo)


@pytest.mark.parametrize("hand", [_resolve_by_hand, _resolve_and_stage, _edit_another, _remove])
def test_a_merge_that_a_hand_touched_is_not_intact(world: World, hand: object) -> None:
    world.primary.mid_merge(_conflicting(world).branch)
    assert callable(hand)
    hand(world)

    assert look(world.repo).primary.operation_intact is Truth.NO


def test_a_merge_that_was_killed_before_its_commit_is_intact(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"})
    world.primary.mid_clean_merge(one.branch)

    seen = look(world.repo).primary

    assert (seen.operation, seen.operation_intact) == (Operation.MERGE, Truth.YES)


def test_of_a_merge_that_git_wrote_no_tree_for_it_cannot_be_told(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"})
    merge = ("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", one.branch)
    git(*merge, cwd=world.repo)

    seen = look(world.repo).primary

    assert (seen.operation, seen.operation_intact) == (Operation.MERGE, Truth.UNKNOWN)


def test_operations_in_worktrees_are_told(world: World) -> None:
    one = _conflicting(world)
    assert git_status("rebase", "main", cwd=one.tree) == 1
    two = world.workstream("ws-2", "agent-2").worktree()
    git("bisect", "start", cwd=two.tree)

    facts = look(world.repo)

    assert worktree_of(facts, "agent-1-ws-1").operation is Operation.REBASE
    assert worktree_of(facts, "agent-2-ws-2").operation is Operation.BISECT
    assert worktree_of(facts, "agent-2-ws-2").operation_intact is Truth.YES
