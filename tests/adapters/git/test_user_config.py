"""What plain Git would find configured here, for whoever is at this machine."""

import pytest

from tests.world import World, git
from unjam.adapters.git.command import Git
from unjam.adapters.git.user_config import is_on


@pytest.mark.parametrize(
    ("personal", "own", "expected"),
    [(None, None, False), ("true", None, True), ("true", "false", False), (None, "on", True)],
)
def test_a_switch_is_what_the_repository_says_and_else_the_person(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    personal: str | None,
    own: str | None,
    expected: bool,
) -> None:
    file = world.repo.parent / "personal"
    file.write_text("" if personal is None else f"[commit]\n\tgpgSign = {personal}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    if own is not None:
        git("config", "commit.gpgSign", own, cwd=world.repo)

    assert is_on(Git(world.common), "commit.gpgsign") is expected
