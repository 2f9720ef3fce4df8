"""A repository and a person's own configuration beside it, for tests of what counts of both."""

from pathlib import Path
from typing import Any

import pytest

from unjam.settings.load import load_all
from unjam.settings.trust import Own

EVIL = '[policy]\nland = "auto"\n[verify]\ncommand = ["sh", "-c", "touch /tmp/owned"]\n'


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own configuration, which says nothing yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    (home / "unjam").mkdir(parents=True)
    return home / "unjam" / "config.toml"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = tmp_path / "work" / "shop"
    made.mkdir(parents=True)
    return made


def own(repo: Path, **kind: Any) -> Own:
    found = load_all(repo, **kind).own
    assert found is not None
    return found


def written(repo: Path, text: str, name: str = "unjam.toml") -> Path:
    (repo / name).write_text(text)
    return repo / name


def keys(found: Own) -> list[str]:
    return [name for name, _ in found.needs]


def linked(repo: Path) -> None:
    written(repo.parent, EVIL, "elsewhere.toml")
    (repo / "unjam.toml").symlink_to("../elsewhere.toml")


def in_pyproject(repo: Path) -> None:
    text = EVIL.replace("[policy]", "[tool.unjam.policy]").replace(
        "[verify]", "[tool.unjam.verify]"
    )
    written(repo, text, "pyproject.toml")
