"""Damage may be planted: a repair writes nowhere but where it says, and follows no link."""

from pathlib import Path

import pytest

from tests.flows.corruption.test_worktree_corruption import ONLY, mended, works
from tests.recovering import recover
from tests.world import BREAKAGES, World, at_work, git
from tests.world.inventory import entries


@pytest.fixture
def calm(world: World) -> World:
    """A world with an empty state, in which nothing is started again."""
    world.configure(policy={"restart": "off"})
    world.state.create()
    return world


@pytest.fixture
def outside(calm: World) -> Path:
    """Somebody else's directory."""
    place = calm.root / "outside"
    place.mkdir()
    (place / "HEAD").write_text("not yours\n")
    return place


def test_a_git_file_that_is_a_link_is_set_aside_and_its_target_kept(
    calm: World, outside: Path
) -> None:
    one = at_work(calm)
    (one.tree / ".git").unlink()
    (one.tree / ".git").symlink_to(outside / "HEAD")

    mended(calm)

    assert (outside / "HEAD").read_text() == "not yours\n"
    works(calm, one)


def test_an_admin_directory_that_is_a_link_is_written_through_by_nobody(calm: World) -> None:
    one = at_work(calm)
    admin = one.admin
    kept = admin.rename(calm.root / "admin")
    admin.symlink_to(kept)
    (kept / "HEAD").write_bytes(b"")
    before = dict(entries(kept))

    document = recover(calm.repo, ONLY)

    assert document["word"] != "recovered"
    assert dict(entries(kept)) == before


def test_branches_below_a_link_are_written_by_nobody(calm: World, outside: Path) -> None:
    one = at_work(calm)
    folder = (calm.common / "refs/heads" / one.branch).parent
    (folder / "agent-1").unlink()
    folder.rmdir()
    folder.symlink_to(outside)
    before = dict(entries(outside))

    recover(calm.repo, ONLY)

    assert dict(entries(outside)) == before


@pytest.mark.parametrize("name", ["../../hooks", "..", "a\nb", "-rf", "x/../../../y", "locked\0"])
def test_a_name_an_agent_chose_for_its_admin_directory_leads_nowhere(
    calm: World, name: str
) -> None:
    one = at_work(calm)
    admin = one.admin
    BREAKAGES["admin_gone"](one, admin)
    (one.tree / ".git").write_text(f"gitdir: {calm.common}/worktrees/{name}\n")
    treasure = calm.treasure()
    before = {path.name for path in calm.common.iterdir()}

    recover(calm.repo, ONLY)

    assert {path.name for path in calm.common.iterdir()} - before <= {"unjam", "logs"}
    assert calm.lost(treasure) == []
    assert "locked" not in git("worktree", "list", "--porcelain", cwd=calm.repo)


def test_a_directory_that_claims_anothers_worktree_takes_nothing_from_it(calm: World) -> None:
    one = at_work(calm)
    thief = calm.repo / ".worktrees" / "thief"
    thief.mkdir()
    (thief / ".git").write_text(f"gitdir: {one.admin}\n")
    gitdir = (one.admin / "gitdir").read_text()

    document = recover(calm.repo, ONLY)

    assert document["word"] == "nothing to do"
    assert (one.admin / "gitdir").read_text() == gitdir
    assert (thief / ".git").read_text() == f"gitdir: {one.admin}\n"
    works(calm, one)
