"""SIGKILL while commits that no branch holds get one: they land all the same, and no word of the row is false."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interrupt.driver import DRIVER
from tests.interrupt.killing import comparable, kill_until_it_ends, seeds, start, trees
from tests.world import World, git


def wreck(world: World) -> None:
    """Two agents that died on no branch at all, one of them with files that it never committed."""
    world.configure(policy={"restart": "off"})
    for name in ("ws-15", "ws-16"):
        stream = world.workstream(name).worktree().row("running")
        git("switch", "--quiet", "--detach", cwd=stream.tree)
        stream.commits({f"src/{name}.py": "own = 1\n"})
    world.workstream("ws-16").leaves({"draft.txt": "a draft\n"})


def nameless(text: str) -> str:
    """Without the commits that such branches are called after: they are dated."""
    return re.sub(r"-[0-9a-f]{12}\b", "-COMMIT", text)


def told(world: World) -> dict[str, str]:
    """What is left; a run that found the landing of a killed one says no more than that it took place."""
    return {
        nameless(key): value.replace("incomplete: landed in COMMIT; ", "incomplete: ")
        for key, value in comparable(world).items()
    }


@pytest.mark.parametrize("seed", seeds(0, 4))
def test_commits_on_no_branch_reach_the_end_of_an_undisturbed_run(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    calm, disturbed = new_world(), new_world()
    for one in (calm, disturbed):
        wreck(one)
    treasure = disturbed.treasure()
    words: list[str | Path] = [sys.executable, DRIVER, "."]
    assert start(calm, tmp_path / "calm.out", *words).wait() == 0

    kills = kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed)

    assert kills > 0
    assert disturbed.lost(treasure) == []
    assert nameless(trees(disturbed)) == nameless(trees(calm))
    assert told(disturbed) == told(calm)
