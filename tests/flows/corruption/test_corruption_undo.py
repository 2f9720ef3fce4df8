"""A repair is taken back to the last byte, and refused where the world has moved on since."""

import pytest

from tests.flows.corruption.test_worktree_corruption import NOBODYS, mended
from tests.recovering import undo
from tests.world import BREAKAGES, World, at_work, to_the_byte
from unjam.errors import RefusedError


@pytest.mark.parametrize("breakage", sorted(BREAKAGES.keys() - NOBODYS))
def test_undo_brings_the_damage_back_to_the_last_byte(lonely: World, breakage: str) -> None:
    one = at_work(lonely)
    BREAKAGES[breakage](one, one.admin)
    before = to_the_byte(lonely)
    document = mended(lonely)
    assert to_the_byte(lonely) != before

    taken_back = undo(lonely.repo, document["run"])

    assert taken_back["word"] == "undone"
    assert to_the_byte(lonely) == before


def test_a_head_that_moved_since_refuses_the_undo_and_nothing_is_taken_back(lonely: World) -> None:
    one = at_work(lonely)
    admin = one.admin
    BREAKAGES["head_empty"](one, admin)
    BREAKAGES["dot_git_missing"](one, admin)
    document = mended(lonely)
    (admin / "HEAD").write_text("ref: refs/heads/somewhere-else\n")
    before = to_the_byte(lonely)

    with pytest.raises(RefusedError, match="HEAD"):
        undo(lonely.repo, document["run"])

    assert to_the_byte(lonely) == before
