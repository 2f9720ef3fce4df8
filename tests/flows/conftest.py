"""Worlds in which nothing is started again, so that they stand still after a recovery."""

import pytest

from tests.world import World


@pytest.fixture
def calm(world: World) -> World:
    """A world with an empty state and no orchestrator to start again."""
    world.configure(policy={"restart": "off"})
    world.state.create()
    return world
