"""SIGKILL in the middle of a reset, then again until it ends: the end is that of an undisturbed one."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import recovering
from tests.flows.reset.test_reset import exact, wreck
from tests.interrupt.killing import comparable, journal_lines, kill_until_it_ends, seeds, start
from tests.recovering import undo
from tests.resetting import DRIVER, reset
from tests.world import World, wait_until

UNDO = Path(recovering.__file__)


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_again_and_again_it_ends_as_an_undisturbed_reset_and_can_be_taken_back(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    calm, disturbed = wreck(new_world(remote=False)), wreck(new_world(remote=False))
    treasure, bytes_before = disturbed.treasure(), exact(disturbed)
    before = disturbed.inventory()
    words: list[str | Path] = [sys.executable, DRIVER, "."]
    assert start(calm, tmp_path / "calm.out", *words).wait() == 0, (
        tmp_path / "calm.out"
    ).read_text()

    kills = kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed)

    assert kills > 0
    # Killed right after it wrote down that it ended, it finds nothing to do when it runs again.
    last_word = (tmp_path / "disturbed.out").read_text().splitlines()[-1]
    assert last_word in {"recovered", "nothing to do"}
    assert disturbed.lost(treasure) == []
    assert comparable(disturbed) == comparable(calm)
    runs = sorted(one.stem for one in (disturbed.common / "unjam" / "journal").glob("*.jsonl"))
    for run in reversed(runs):  # one may have been killed before it had done anything
        assert undo(disturbed.repo, run)["word"] in {"undone", "nothing to take back"}
    assert exact(disturbed) == bytes_before
    assert disturbed.inventory() == before


@pytest.mark.parametrize("seed", seeds(1))
def test_an_undo_that_is_killed_again_and_again_brings_all_of_it_back(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    world = wreck(new_world(remote=False))
    treasure, bytes_before, before = world.treasure(), exact(world), world.inventory()
    document = reset(world.repo)
    words: list[str | Path] = [sys.executable, UNDO, ".", document["run"]]
    dice = random.Random(seed)

    for _ in range(3):  # each tells first what the ones before it have taken back
        program = start(world, tmp_path / "undo.out", *words)
        goal = journal_lines(world) + dice.randint(2, 60)
        wait_until(lambda: journal_lines(world) >= goal or not program.alive, "some progress")  # noqa: B023 -- used at once
        program.kill()
    last = start(world, tmp_path / "undo.out", *words).wait()

    assert last == 0, (tmp_path / "undo.out").read_text()
    assert exact(world) == bytes_before
    assert world.inventory() == before
    assert world.lost(treasure) == []
