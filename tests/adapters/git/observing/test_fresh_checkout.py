"""What a suite may need and no fresh checkout has: it is named, and what tools or orchestrators keep is not."""

from pathlib import Path

import pytest

from tests.world import git
from unjam.adapters.git.observing.fresh_checkout import not_in_a_fresh_checkout


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    repo = tmp_path / "repo"
    git("init", "--quiet", "--initial-branch=main", str(repo), cwd=tmp_path)
    (repo / ".gitignore").write_text(
        ".env\nnode_modules/\n.state/\n__pycache__/\n*.pyc\n*.so\nlogs/\n"
    )
    (repo / "src").mkdir()
    (repo / "src/app.py").write_text("x\n")
    git("add", "-A", cwd=repo)
    git("commit", "--quiet", "-m", "first", cwd=repo)
    return repo


def left_out(repo: Path) -> tuple[str, ...]:
    apart = (repo / ".state/orchestration.db", repo / "logs")
    return not_in_a_fresh_checkout(repo / ".git", repo, apart)


def written(repo: Path, *paths: str) -> None:
    for one in paths:
        (repo / one).parent.mkdir(parents=True, exist_ok=True)
        (repo / one).write_text("x\n")


def test_what_git_ignores_is_named_whole_directories_as_one(repo: Path) -> None:
    written(repo, ".env", "node_modules/a/b.js", "node_modules/c.js", "src/fast.so", "draft.py")

    assert left_out(repo) == (".env", "node_modules/", "src/fast.so")


def test_caches_and_what_an_orchestrator_keeps_are_not_named(repo: Path) -> None:
    written(repo, "src/__pycache__/a.pyc", "old.pyc", ".state/orchestration.db", "logs/agent.log")

    assert left_out(repo) == ()


def test_a_submodule_that_is_checked_out_is_named(repo: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    git("init", "--quiet", str(lib), cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=lib)
    git("submodule", "--quiet", "add", str(lib), "vendor/lib", cwd=repo)

    assert left_out(repo) == ("vendor/lib",)

    git("submodule", "--quiet", "deinit", "--force", "vendor/lib", cwd=repo)

    assert left_out(repo) == ()
