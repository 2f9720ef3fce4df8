"""SIGKILL a recovery from hangs at any moment, then again until it ends: nothing is lost, nobody stays frozen."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.building import on_trunk
from tests.flows.hang.hanging import alive, impatient, ordered, silence
from tests.interrupt.killing import kill_until_it_ends, seeds
from tests.world import World, processes_below
from tests.world.hanging import Stage, stage

RECOVER = (
    "import pathlib\n"
    "from tests.recovering import recover\n"
    "from unjam.domain.world.identity import Scenario\n"
    "print(recover(pathlib.Path('.'), (Scenario('agent_hang'),))['word'])"
)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "stage") as made:
        yield made


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_again_and_again_a_recovery_from_hangs_reaches_its_end(
    world: World, scene: Stage, tmp_path: Path, seed: int
) -> None:
    impatient(world).configure(policy={"restart": "off"})
    world.state.create()
    unsaved = ordered(world, "ws-15")
    committed = ordered(world, "ws-16", "agent-2").commits({"src/part_16.py": "part = 16\n"})
    working = ordered(world, "ws-17", "agent-3")
    kinds = ("read of a pipe", "stopped by SIGSTOP", "short-lived children")
    streams = (unsaved, committed, working)
    agents = [scene.start(kind, one.tree) for kind, one in zip(kinds, streams, strict=True)]
    silence(*(one.tree for one in streams))
    treasure = world.treasure()
    output = tmp_path / "recover.out"

    kills = kill_until_it_ends(world, output, [sys.executable, "-c", RECOVER], seed)

    assert kills > 0
    assert world.lost(treasure) == []
    assert [alive(one) for one in agents] == [False, False, True]
    assert processes_below(unsaved.tree) == processes_below(committed.tree) == []
    assert [world.state.status(one.name) for one in streams] == ["failed", "failed", "running"]
    assert world.state.value("ws-15", "started_at") is None
    assert on_trunk(world, "src/part_16.py") == "part = 16"
    assert [one.tree.exists() for one in streams] == [False, False, True]
    (_, *children) = [one.status() for one in processes_below(working.tree)]
    assert "stopped" not in children
