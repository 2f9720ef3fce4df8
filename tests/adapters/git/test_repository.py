"""A repository is found from everywhere in it, and each unusable one has its own sentence."""

import os
from pathlib import Path

import pytest

from tests.world import World, git
from unjam.adapters.git.repository import Repository, find_repository
from unjam.errors import UsageError


def _found(world: World) -> Repository:
    return Repository(world.repo.resolve(), world.common.resolve())


def test_it_is_found_from_the_primary_and_below(world: World) -> None:
    deep = world.repo / "src" / "deep"
    deep.mkdir(parents=True)

    assert find_repository(world.repo) == _found(world)
    assert find_repository(deep) == _found(world)
    assert find_repository(world.common / "refs") == _found(world)


def test_from_an_agents_worktree_its_primary_is_found(world: World, tmp_path: Path) -> None:
    one = world.workstream("ws-1").worktree()
    outside = tmp_path / "outside"
    git("worktree", "add", "--quiet", "--detach", str(outside), cwd=world.repo)

    assert find_repository(one.tree / "src") == _found(world)
    assert find_repository(outside) == _found(world)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"gitdir: /nowhere\n", b"\0\xff"])
def test_a_broken_worktree_leads_to_its_primary(world: World, content: bytes | None) -> None:
    one = world.workstream("ws-1").worktree()
    dot_git = one.tree / ".git"
    dot_git.unlink()
    if content is not None:
        dot_git.write_bytes(content)

    assert find_repository(one.tree) == _found(world)


def test_a_worktree_outside_whose_administration_is_gone_leads_to_its_primary(
    world: World, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    git("worktree", "add", "--quiet", "--detach", str(outside), cwd=world.repo)
    (world.common / "worktrees" / "outside").rename(tmp_path / "lost")

    assert find_repository(outside) == _found(world)


def test_a_repository_an_agent_made_in_its_worktree_is_not_the_orchestrations(
    world: World,
) -> None:
    one = world.workstream("ws-1").worktree()
    (one.tree / ".git").unlink()
    git("init", "--quiet", cwd=one.tree)

    assert find_repository(one.tree) == _found(world)


def test_a_git_directory_elsewhere_is_followed(tmp_path: Path) -> None:
    place, apart = tmp_path / "place", tmp_path / "apart.git"
    git("init", "--quiet", f"--separate-git-dir={apart}", str(place), cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=place)
    tree = place / ".worktrees" / "one"
    git("worktree", "add", "--quiet", "--detach", str(tree), cwd=place)

    expected = Repository(place.resolve(), apart.resolve())
    assert find_repository(place) == expected
    assert find_repository(tree) == expected


def test_a_flipped_bare_is_seen_through(world: World) -> None:
    git("config", "core.bare", "true", cwd=world.repo)

    assert find_repository(world.repo) == _found(world)


def test_packed_refs_are_commits_too(world: World) -> None:
    git("pack-refs", "--all", cwd=world.repo)

    assert find_repository(world.repo) == _found(world)


def _nothing(place: Path) -> None:
    place.mkdir()


def _missing(place: Path) -> None:
    del place


def _damaged(place: Path) -> None:
    place.mkdir()
    (place / ".git").write_text("garbage\n")


def _bare(place: Path) -> None:
    git("init", "--quiet", "--bare", str(place), cwd=place.parent)


def _bare_called_dot_git(place: Path) -> None:
    place.mkdir()
    git("init", "--quiet", "--bare", str(place / ".git"), cwd=place)


def _unborn(place: Path) -> None:
    git("init", "--quiet", str(place), cwd=place.parent)


def _sha256(place: Path) -> None:
    git("init", "--quiet", "--object-format=sha256", str(place), cwd=place.parent)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=place)


def _reftable(place: Path) -> None:
    _unborn(place)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=place)
    with (place / ".git/config").open("a") as file:
        file.write("[extensions]\n\trefStorage = reftable\n")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_nothing, "no Git repository"),
        (_missing, "no such directory"),
        (_damaged, "damaged"),
        (_bare, "bare repository"),
        (_bare_called_dot_git, "bare repository"),
        (_unborn, "no commits"),
        (_sha256, "sha256"),
        (_reftable, "reftable"),
    ],
)
def test_what_cannot_be_worked_on_is_said_in_one_line(
    tmp_path: Path, made: object, said: str
) -> None:
    place = tmp_path / "place"
    assert callable(made)
    made(place)

    with pytest.raises(UsageError) as raised:
        find_repository(place)

    assert said in str(raised.value)
    assert str(place) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_machine_without_git_is_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match=r"install Git 2\.38"):
        find_repository(world.repo)


def test_an_old_git_is_told(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.37.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(UsageError, match=r"2\.37\.9: too old; install Git 2\.38"):
        find_repository(world.repo)
