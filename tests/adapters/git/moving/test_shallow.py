"""In a shallow clone, that two commits share none says nothing: the one they share may be cut off."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.world import git
from unjam.adapters.git.moving.conflict_prediction import predicted
from unjam.adapters.git.moving.merge import OURS, Conflict, Merged, merge_onto
from unjam.domain.world.conflicts import CUT_OFF
from unjam.domain.world.identity import CommitId

WHEN = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def committed(repo: Path, name: str) -> CommitId:
    (repo / name).write_text(f"{name}\n")
    git("add", name, cwd=repo)
    git("commit", "--quiet", "-m", name, cwd=repo)
    return CommitId(git("rev-parse", "HEAD", cwd=repo))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of depth one, with a branch of work, whose trunk was fetched again at depth one."""
    up, clone = tmp_path / "up", tmp_path / "clone"
    git("init", "--quiet", "--initial-branch=main", str(up), cwd=tmp_path)
    for name in ("a", "b", "c", "one"):
        committed(up, name)
    git("clone", "--quiet", "--depth=1", f"file://{up}", str(clone), cwd=tmp_path)
    git("switch", "--quiet", "-c", "work", cwd=clone)
    committed(clone, "work")
    committed(up, "two")
    committed(up, "three")
    git("fetch", "--quiet", "--depth=1", cwd=clone)
    return clone


def sides(clone: Path) -> tuple[CommitId, CommitId]:
    base, tip = git("rev-parse", "origin/main", "work", cwd=clone).split()
    return CommitId(base), CommitId(tip)


def test_neither_a_landing_nor_a_prediction_says_what_it_cannot_tell(clone: Path) -> None:
    base, tip = sides(clone)

    landed = merge_onto(clone / ".git", (base, tip), "merge\n", OURS, WHEN)

    assert isinstance(landed, Conflict)
    assert landed.kinds == (CUT_OFF,)
    assert "git fetch --deepen" in landed.messages[0]
    assert predicted(clone / ".git", base, [tip]) == {tip: landed}


def test_with_more_of_the_history_it_merges(clone: Path) -> None:
    git("fetch", "--quiet", "--deepen=2", cwd=clone)
    assert (clone / ".git/shallow").exists()
    base, tip = sides(clone)

    assert predicted(clone / ".git", base, [tip]) == {}
    assert isinstance(merge_onto(clone / ".git", (base, tip), "merge\n", OURS, WHEN), Merged)
