"""Every way a worktree gets damaged, done for real: afterwards Git works in it, and nothing is lost."""

from pathlib import Path

import pytest

from tests.recovering import recover
from tests.world import BREAKAGES, Workstream, World, at_work, git, git_status, taken_by
from unjam.domain.reports.check_report import Document
from unjam.domain.world.identity import Scenario

ONLY = (Scenario("worktree_corruption"),)
GONE = {"directory_gone", "never_finished"}  # what is moved away instead of repaired
NOBODYS = {"stray_directory", "copied", "link_to_outside"}  # what no proof calls an agent's


def mended(world: World) -> Document:
    document = recover(world.repo, ONLY)
    assert document["word"] == "recovered", document["outcomes"]
    return document


def works(world: World, one: Workstream) -> None:
    """Git lists every worktree, finds its history whole, and commits in this one."""
    tree = next(
        Path(line.removeprefix("worktree "))
        for line in git("worktree", "list", "--porcelain", cwd=world.repo).splitlines()
        if line.startswith("worktree ") and ".worktrees" in line
    )
    assert git("rev-parse", "--show-toplevel", cwd=tree) == str(tree)
    assert git_status("fsck", "--connectivity-only", cwd=world.repo) == 0
    before = one.tip
    git("add", "--all", cwd=tree)
    git("commit", "--quiet", "--allow-empty", "-m", "on it goes", cwd=tree)
    assert git("rev-parse", "HEAD~1", cwd=tree) == before
    assert git("rev-parse", f"refs/heads/{one.branch}~1", cwd=world.repo) == before
    shown = git("show", "--stat", "--format=", "HEAD", cwd=tree)
    assert "draft.txt" in shown
    assert "delete" not in git("show", "--summary", "--format=", "HEAD", cwd=tree)


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_after_the_repair_git_works_again_and_nothing_is_lost(calm: World, breakage: str) -> None:
    one = at_work(calm)
    treasure, before = calm.treasure(), one.tip
    BREAKAGES[breakage](one, one.admin)

    if breakage in NOBODYS:
        assert recover(calm.repo, ONLY)["word"] == "nothing to do"
    else:
        mended(calm)

    assert [one for one in calm.lost(treasure) if not taken_by(breakage, one)] == []
    assert one.tip == before
    if breakage not in GONE:
        works(calm, one)
