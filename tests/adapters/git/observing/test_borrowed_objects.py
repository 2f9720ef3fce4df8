"""A repository that borrows its objects, and whose lender was moved away."""

from pathlib import Path

import pytest

from tests.adapters.git.observing.looking import look
from tests.world import git
from unjam.domain.world.damage import SharedDamage

Places = tuple[Path, Path]


@pytest.fixture
def borrowed(tmp_path: Path) -> Places:
    """A lender, and a clone that borrows its objects."""
    lender, clone = tmp_path / "lender", tmp_path / "clone"
    git("init", "--quiet", "--initial-branch=main", str(lender), cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=lender)
    git("clone", "--quiet", "--shared", str(lender), str(clone), cwd=tmp_path)
    return lender, clone


def test_a_lender_that_is_there_is_nothing_to_speak_of(borrowed: Places) -> None:
    _, clone = borrowed

    assert look(clone).shared == ()


def test_a_lender_that_was_moved_is_named_beside_what_is_missing(borrowed: Places) -> None:
    lender, clone = borrowed
    lender.rename(lender.with_name("moved"))

    facts = look(clone)

    (one,) = facts.shared
    assert (one.damage, one.lender) == (SharedDamage.LENDER, lender / ".git/objects")
    assert one.path == clone / ".git/objects/info/alternates"
    assert facts.trunk_damaged
    assert facts.lost  # they may be found elsewhere


def test_where_only_a_part_is_missing_the_lender_is_named_too(borrowed: Places) -> None:
    lender, clone = borrowed
    git("repack", "-a", "-d", "--quiet", cwd=clone)  # what was borrowed until now is its own
    git("commit", "--quiet", "--allow-empty", "-m", "second", cwd=lender)
    git("fetch", "--quiet", cwd=clone)
    git("branch", "ws/ws-1/agent-1", "origin/main", cwd=clone)
    lender.rename(lender.with_name("moved"))

    facts = look(clone)

    assert [one.lender for one in facts.shared] == [lender / ".git/objects"]
    assert not facts.trunk_damaged


def test_a_lender_that_lends_nothing_any_more_is_in_nobodys_way(borrowed: Places) -> None:
    lender, clone = borrowed
    git("repack", "-a", "-d", "--quiet", cwd=clone)
    lender.rename(lender.with_name("moved"))

    assert look(clone).shared == ()


def test_a_lender_that_borrows_in_its_turn_is_followed(borrowed: Places, tmp_path: Path) -> None:
    lender, clone = borrowed
    second = tmp_path / "second"
    git("clone", "--quiet", "--shared", str(clone), str(second), cwd=tmp_path)
    (second / ".git/objects/info/alternates").write_text(f"{clone}/.git/objects\n")
    lender.rename(lender.with_name("moved"))

    assert [one.lender for one in look(second).shared] == [lender / ".git/objects"]
