"""Repositories with a worktree to save, and scenes in which something moves."""

from pathlib import Path

import pytest

from tests.adapters.git.scene import Scene
from tests.adapters.git.taking.salvaging import Repository


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "plain", brutal=False)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "repo")
