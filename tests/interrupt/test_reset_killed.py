"""SIGKILL in the middle of a reset, then again until it ends: the end is that of an undisturbed one."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.test_reset import exact, wreck
from tests.interrupt.test_sigkill import comparable, kill_until_it_ends, start
from tests.recovering import undo
from tests.resetting import DRIVER
from tests.world import World


@pytest.mark.parametrize("seed", range(5))
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
    for run in reversed(runs):
        assert undo(disturbed.repo, run)["word"] == "undone"
    assert exact(disturbed) == bytes_before
    assert disturbed.inventory() == before
