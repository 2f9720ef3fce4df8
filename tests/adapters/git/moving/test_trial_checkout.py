"""A trial is a pristine checkout whose Git cannot reach the real repository."""

import os
from pathlib import Path

import pytest

from tests.adapters.git.scene import Scene, arm, fired
from tests.world.inventory import entries
from tests.world.shell import git
from unjam.adapters.git.moving.trial_checkout import (
    discard_trial,
    trial_checkout,
    trial_environment,
    trial_move,
    trial_root,
)
from unjam.errors import RefusedError


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "repo", {"a.txt": "1\n", "dir/b.txt": "1\n", ".gitignore": "*.pyc\n"})


@pytest.fixture
def target(scene: Scene) -> Path:
    return trial_root(scene.common) / "run-1" / "batch"


def files_in(place: Path) -> dict[str, str]:
    return dict(entries(place, without={".git"}))


def test_it_holds_the_commit_and_nothing_is_registered(scene: Scene, target: Path) -> None:
    before = scene.look()

    trial_checkout(scene.common, scene.first, target)

    assert files_in(target) == files_in(scene.path)
    assert git("status", "--porcelain", "--ignored", cwd=target) == ""
    assert git("rev-parse", "HEAD", cwd=target) == scene.first
    assert scene.look() == before
    assert len(scene.git("worktree", "list").splitlines()) == 1


def test_git_commands_in_it_do_not_reach_the_real_repository(scene: Scene, target: Path) -> None:
    trial_checkout(scene.common, scene.first, target)
    before = scene.look()
    config = (scene.common / "config").read_bytes()

    git("config", "user.name", "Trial", cwd=target)
    git("checkout", "-q", "-B", "main", cwd=target)
    git("commit", "-q", "--allow-empty", "-m", "in the trial", cwd=target)
    git("tag", "owned", cwd=target)
    git("stash", "list", cwd=target)

    assert scene.look() == before
    assert (scene.common / "config").read_bytes() == config
    assert git("cat-file", "-t", scene.first, cwd=target) == "commit"


def test_git_does_not_climb_out_when_the_trial_loses_its_own(
    scene: Scene, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial_checkout(scene.common, scene.first, target)
    (target / ".git").rename(target.parent / "away")
    for name, value in trial_environment(scene.common).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(AssertionError, match="not a git repository"):
        git("rev-parse", "--git-dir", cwd=target)


def test_moving_it_leaves_nothing_of_the_last_trial(scene: Scene, target: Path) -> None:
    new = scene.ahead({"a.txt": "2\n", "new.txt": "2\n", "dir/b.txt": None, "dir": "a file now\n"})
    trial_checkout(scene.common, scene.first, target)
    (target / "a.txt").write_text("x\n")  # as long as what it replaces
    (target / "dir/__pycache__").mkdir()
    (target / "dir/__pycache__/b.pyc").write_text("stale")
    (target / "nested").mkdir()
    git("init", "-q", cwd=target / "nested")
    git("update-index", "--assume-unchanged", "a.txt", cwd=target)
    git("config", "core.bare", "true", cwd=target)
    (target / ".git/info/attributes").write_text("* -text filter=evil\n")

    trial_move(scene.common, target, new)

    fresh = trial_checkout(scene.common, new, target.with_name("fresh"))
    assert files_in(target) == files_in(fresh)
    assert git("status", "--porcelain", "--ignored", cwd=target) == ""
    assert git("rev-parse", "HEAD", cwd=target) == new


def test_a_trial_that_is_beyond_cleaning_is_built_anew(scene: Scene, target: Path) -> None:
    trial_checkout(scene.common, scene.first, target)
    (target / "dir/locked").mkdir()
    (target / "dir/locked/file").touch()
    (target / "dir/locked").chmod(0o500)
    (target.with_name(f".{target.name}.index.lock")).touch()  # of a killed attempt

    trial_move(scene.common, target, scene.first)

    assert files_in(target) == files_in(scene.path)


def test_discarding_it_does_not_follow_links(scene: Scene, target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    trial_checkout(scene.common, scene.first, target)
    (target / "link").symlink_to(outside)
    (target / "locked/deep").mkdir(parents=True)
    (target / "locked").chmod(0o000)

    discard_trial(scene.common, target)

    assert list(target.parent.iterdir()) == []
    assert (outside / "precious").exists()


@pytest.mark.parametrize("name", [".", "..", "../vault", "run/../../journal", "/tmp/elsewhere"])
def test_nothing_but_a_trial_is_removed(scene: Scene, name: str) -> None:
    home = scene.common / "unjam"
    (home / "vault").mkdir(parents=True)
    (home / "journal").mkdir()
    (home / "trial/run").mkdir(parents=True)
    target = Path(os.path.join(trial_root(scene.common), name))  # noqa: PTH118 -- keeps the dots

    with pytest.raises(RefusedError):
        discard_trial(scene.common, target)

    assert {one.name for one in home.iterdir()} == {"vault", "journal", "trial"}


def test_a_link_on_the_way_is_refused(scene: Scene, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "batch").mkdir(parents=True)
    trial_root(scene.common).mkdir(parents=True)
    (trial_root(scene.common) / "run-1").symlink_to(outside)

    with pytest.raises(RefusedError, match="is a link"):
        discard_trial(scene.common, trial_root(scene.common) / "run-1/batch")

    assert (outside / "batch").exists()


def test_no_code_of_the_repository_runs(scene: Scene, target: Path, tmp_path: Path) -> None:
    new = scene.commit({".gitattributes": "* filter=evil diff=evil\n"})
    arm(scene.path, tmp_path / "canaries")

    trial_checkout(scene.common, scene.first, target)
    trial_move(scene.common, target, new)
    discard_trial(scene.common, target)

    assert fired(tmp_path / "canaries") == []
