"""The watch and the flows carry out nothing by a configuration that an agent has written."""

import json
import os
from pathlib import Path

import pytest

from tests.world import World, typical_wreck
from unjam.errors import RefusedError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_deployments", "prefect_server")]


@pytest.fixture
def planted(world: World) -> World:
    """A wreck in which a dead agent has left a configuration; the person has trusted nothing."""
    typical_wreck(world)
    (world.repo / "unjam.toml").write_text(
        f'[policy]\nland = "auto"\npush = "auto"\nrestart = "off"\n'
        f"[verify]\ncommand = {json.dumps(['touch', str(world.marker('ran'))])}\n"
    )
    Path(os.environ["XDG_CONFIG_HOME"], "unjam", "config.toml").unlink()
    return world


def test_the_watch_tells_what_it_finds_starts_nothing_and_says_what_to_type(planted: World) -> None:
    from flows.detect import detect

    before = planted.inventory()

    (row,) = detect([planted.repo])["repositories"]

    assert int(row["found"]) > 0
    assert row["new"] == row["found"]
    assert row["started"] == ""
    assert row["because"].endswith(f"trust it with: unjam --repo {planted.repo} trust")
    assert "verify.command, policy.land, policy.push" in row["because"]
    assert planted.inventory() == before
    assert not planted.marker("ran").exists()


def test_a_flow_refuses_before_anything_else(planted: World) -> None:
    from flows.recover import recover
    from tasks.runtime.session import Approval

    before = planted.inventory()

    with pytest.raises(RefusedError, match="you have not trusted"):
        recover(planted.repo, approval=Approval(everything=True))

    assert planted.inventory() == before
    assert not planted.marker("ran").exists()
