"""A branch that names a submodule's commit, and who has that commit."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.world import git
from unjam.adapters.git.proving.submodules import OnlyHere, only_here
from unjam.domain.world.identity import CommitId


class Places(NamedTuple):
    """A repository with a submodule, and a worktree in which an agent committed inside of that."""

    repo: Path
    tree: Path
    commit: str

    def only_here(self) -> list[OnlyHere]:
        base, tip = git("rev-parse", "main", "work", cwd=self.repo).split()
        sides = (CommitId(base), CommitId(tip))
        return list(only_here(self.repo / ".git", sides, self.repo, [self.tree]))


def committed(repo: Path, message: str) -> str:
    git("commit", "--quiet", "--allow-empty", "-m", message, cwd=repo)
    return git("rev-parse", "HEAD", cwd=repo)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    lib, repo, tree = tmp_path / "lib", tmp_path / "repo", tmp_path / "tree"
    for place in (lib, repo):
        git("init", "--quiet", "--initial-branch=main", str(place), cwd=tmp_path)
        committed(place, "first")
    git("submodule", "--quiet", "add", str(lib), "vendor/lib", cwd=repo)
    committed(repo, "with a submodule")
    git("worktree", "add", "--quiet", "-b", "work", str(tree), cwd=repo)
    git("submodule", "--quiet", "update", "--init", cwd=tree)
    commit = committed(tree / "vendor/lib", "only here")
    git("add", "vendor/lib", cwd=tree)
    committed(tree, "names it")
    return Places(repo, tree, commit)


def test_a_commit_that_only_the_worktrees_submodule_has_is_named(places: Places) -> None:
    inside = places.tree / "vendor/lib"

    assert places.only_here() == [OnlyHere("vendor/lib", places.commit, inside)]


def test_what_the_primarys_submodule_has_is_fine(places: Places) -> None:
    inside = str(places.tree / "vendor/lib")
    git("fetch", "--quiet", inside, "HEAD", cwd=places.repo / "vendor/lib")

    assert places.only_here() == []


def test_what_was_pushed_is_fine(places: Places) -> None:
    git("push", "--quiet", "origin", "HEAD:refs/heads/new", cwd=places.tree / "vendor/lib")

    assert places.only_here() == []


def test_what_nobody_here_has_was_not_made_here(places: Places) -> None:
    git("submodule", "--quiet", "deinit", "--force", "--all", cwd=places.tree)

    assert places.only_here() == []
