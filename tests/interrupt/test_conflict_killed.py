"""SIGKILL while conflicts are told and finished: the end, to the byte, is that of an undisturbed run."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.conflict.conflicting import BLOCKABLE, settle, text
from tests.interrupt.driver import DRIVER
from tests.interrupt.killing import comparable, kill_until_it_ends, seeds, start, trees
from tests.recovering import recover
from tests.world import World


def wreck(world: World) -> None:
    """One conflict that was settled, with a dependent; one that is new; one that lands; a person's edit."""
    world.configure(policy={"restart": "off"})
    world.state.create(BLOCKABLE)
    world.spec("ws-15")
    world.spec("ws-16", depends_on=["ws-15"])
    world.spec("ws-17", depends_on=["ws-20"])
    world.spec("ws-20")
    world.commit_specs()
    world.state.row("ws-16", "pending", agent=None)
    world.state.row("ws-17", "pending", agent=None)
    stream = text(world)
    recover(world.repo)
    settle(stream)
    other = world.workstream("ws-20", "agent-2").worktree().row("completed")
    other.commits({"notes.txt": "branch\n"}).leaves({"half.txt": "half done\n"})
    world.primary.commit("notes.txt", "trunk\n")
    lands = world.workstream("ws-21", "agent-3").worktree().row("conflict")
    lands.commits({"src/part_21.py": "part = 21\n"})
    world.primary.edit("check.txt", "a person's edit\n")


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_again_and_again_it_ends_as_an_undisturbed_run(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    calm, disturbed = new_world(), new_world()
    wreck(calm)
    wreck(disturbed)
    treasure = disturbed.treasure()
    words: list[str | Path] = [sys.executable, DRIVER, "."]
    assert start(calm, tmp_path / "calm.out", *words).wait() == 0

    kills = kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed)

    assert kills > 0
    for world in (calm, disturbed):
        finish(world)
    grown = "logs/conflicts.log"  # its lines are looked for one by one; the file gets more of them
    assert [one for one in disturbed.lost(treasure) if grown not in one] == []
    assert rows(disturbed) == rows(calm)
    assert rows(calm) == {
        "ws-15": "completed",
        "ws-16": "pending",
        "ws-17": "blocked",
        "ws-20": "conflict",
        "ws-21": "completed",
    }
    assert trees(disturbed) == trees(calm)
    assert told(disturbed) == told(calm)
    assert without_pages(comparable(disturbed)) == without_pages(comparable(calm))


def finish(world: World) -> None:
    """Go on until nothing is left but what waits for a person."""
    for _ in range(3):
        if not recover(world.repo)["plan"]:
            return
    raise AssertionError("it never comes to an end")


def rows(world: World) -> dict[str, object]:
    """What every row says."""
    return {f"ws-{one}": world.state.status(f"ws-{one}") for one in (15, 16, 17, 20, 21)}


def told(world: World) -> list[str]:
    """Pages and log, without what names a commit of this world or a moment."""
    paths = [*sorted((world.repo / "reports").iterdir()), world.repo / "logs/conflicts.log"]
    texts = [f"{path.name}\n{path.read_text()}" for path in paths]
    return [
        re.sub(r"\b[0-9a-f]{7,40}\b", "ID", re.sub(r"\d{4}-\d\d-\d\dT\S+", "TIME", one))
        for one in texts
    ]


def without_pages(inventory: dict[str, str]) -> dict[str, str]:
    """Without what names commits and is compared as text, and the two links that name this world's place."""
    return {
        key: one
        for key, one in inventory.items()
        if not key.startswith(("file reports/", "file logs/"))
        and not key.endswith((" gitdir", "/.git"))
    }
