"""SIGKILL while a deadlock is cut, then again until it ends: the end is that of an undisturbed run."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.deadlock.test_dependency_deadlock import deadlock, depends_on
from tests.interrupt.driver import DRIVER
from tests.interrupt.killing import comparable, kill_until_it_ends, seeds, start
from tests.recovering import recover
from tests.world import World, git


def wreck(world: World) -> None:
    """Three deadlocks of different kinds, and a person's edit beside them."""
    world.configure(policy={"restart": "off"})
    deadlock(world)
    world.spec("ws-05", depends_on=["ws-05", "ws-01"])
    world.spec("ws-06", depends_on=["nobody"])
    world.commit_specs()
    world.state.row("ws-07", "blocked", agent=None, blocked_by="ws-01")
    world.primary.edit("src/app.py", "a person's edit\n")


@pytest.mark.parametrize("seed", seeds(2))
def test_killed_again_and_again_it_cuts_what_an_undisturbed_run_cuts(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    calm, disturbed = new_world(), new_world()
    wreck(calm)
    wreck(disturbed)
    treasure = disturbed.treasure()
    words: list[str | Path] = [sys.executable, DRIVER, "."]
    calmed = start(calm, tmp_path / "calm.out", *words).wait()
    assert calmed == 0, (tmp_path / "calm.out").read_text()

    kills = kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed)

    assert kills > 0
    assert disturbed.lost(treasure) == []
    assert subjects(disturbed) == subjects(calm)
    assert comparable(disturbed) == comparable(calm)
    assert disturbed.state.tables()["workstream_status"]
    assert depends_on(disturbed, "ws-06") == []
    assert recover(disturbed.repo)["word"] == "nothing to do"


def subjects(world: World) -> list[str]:
    """What was committed, in order."""
    return git("log", "--format=%s", "main", cwd=world.repo).splitlines()
