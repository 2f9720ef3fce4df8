"""Worlds in which nothing is started again, so that they stand still after a recovery."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows.elsewhere.sharing import ALL_OF_A, clone_of, working
from tests.world import Program, World, fair


@pytest.fixture
def calm(world: World) -> World:
    """A world with an empty state and no orchestrator to start again."""
    return _calmed(world)


@pytest.fixture
def lonely(new_world: Callable[..., World]) -> World:
    """The same without a remote: what is undone there is undone to the last byte."""
    return _calmed(new_world(remote=False))


def _calmed(world: World) -> World:
    world.configure(policy={"restart": "off"})
    world.state.create()
    return world


@pytest.fixture
def busy(calm: World) -> World:
    """A state with rows that are settled, so that nothing but its file is wrong."""
    calm.configure(policy={"restart": "off"}, hang={"interval": f"{fair(0.3)}s"})
    for number in range(20):
        calm.state.row(f"ws-{number:02}", "pending", agent=None)
    return calm


@pytest.fixture
def pair(
    calm: World, tmp_path: Path, start: Callable[..., Program]
) -> Iterator[tuple[World, World]]:
    """One state, two clones: three agents live in the first one."""
    for number, name in enumerate(sorted(ALL_OF_A), 1):
        working(calm, name, start, f"agent-{number}")
    other = clone_of(calm, tmp_path / "other")
    yield calm, other
    other.close()
