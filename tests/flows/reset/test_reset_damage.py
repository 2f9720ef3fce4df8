"""A reset of an orchestration whose worktrees are damaged: nothing is lost, and undo brings the damage back."""

import random

import pytest

from tests.recovering import undo
from tests.resetting import reset
from tests.world import BREAKAGES, World, at_work, git, taken_by, to_the_byte

DRAWN = random.Random(20261130).sample(sorted(BREAKAGES), 12)
REST = [pytest.param(one, marks=pytest.mark.thorough) for one in sorted(BREAKAGES.keys() - DRAWN)]


@pytest.mark.parametrize("breakage", [*DRAWN, *REST])
def test_whatever_is_damaged_is_kept_and_comes_back_as_it_was(lonely: World, breakage: str) -> None:
    one = at_work(lonely)
    treasure = lonely.treasure()
    BREAKAGES[breakage](one, one.admin)
    before = to_the_byte(lonely)

    document = reset(lonely.repo)

    if breakage != "branch_garbage":  # with such a ref Git lists nothing at all; see below
        assert [lost for lost in lonely.lost(treasure) if not taken_by(breakage, lost)] == []
    assert document["word"] in {"recovered", "partly recovered"}, document["outcomes"]
    assert undo(lonely.repo, document["run"])["word"] == "undone"
    assert to_the_byte(lonely) == before


def test_a_branch_that_cannot_be_read_is_restored_to_go_into_the_vault(lonely: World) -> None:
    one = at_work(lonely)
    tip = one.tip
    BREAKAGES["branch_garbage"](one, one.admin)
    before = to_the_byte(lonely)

    first, second = reset(lonely.repo), reset(lonely.repo)

    assert first["word"] == "partly recovered"
    assert any("reset again" in note for note in first["notes"])
    assert second["word"] == "recovered", second["outcomes"]
    kept = git(
        "for-each-ref", "--format=%(objectname)", f"refs/unjam/{second['run']}", cwd=lonely.repo
    )
    assert tip in kept.split()
    for document in (second, first):
        told = undo(lonely.repo, document["run"])
        assert told["word"] == "undone", told["differences"]
    assert to_the_byte(lonely) == before
