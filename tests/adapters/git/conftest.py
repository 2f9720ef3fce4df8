"""Repositories with a worktree to save."""

from pathlib import Path

import pytest

from tests.adapters.git.salvaging import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "plain", brutal=False)
