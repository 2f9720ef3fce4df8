"""Kill a program at a random moment, start it again, until it ends; and compare what it leaves."""

import random
import re
from pathlib import Path

import pytest

from tests.command import ROOT, environment
from tests.world import Inventory, Program, World, git, wait_until

TRIES = 5


def seeds(always: int, of: int = 8) -> list[object]:
    """Throw the dice differently so often: some of it with every test run, all of it thoroughly."""
    rest = [pytest.param(one, marks=pytest.mark.thorough) for one in range(always, of)]
    return [*range(always), *rest]


def start(world: World, output: Path, *words: str | Path) -> Program:
    return Program(
        *words, cwd=world.repo, output=output, env=environment({"PYTHONPATH": str(ROOT)})
    )


def journal_lines(world: World) -> int:
    folder = world.common / "unjam" / "journal"
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def has_ended(world: World) -> bool:
    """Whether the newest run said that it ended: it only has to tell Prefect and to go."""
    newest = max((world.common / "unjam" / "journal").glob("*.jsonl"))
    return '{"event":"ended"' in newest.read_text()


def kill_until_it_ends(
    world: World, output: Path, words: list[str | Path], seed: int, furthest: int = 25
) -> int:
    """Kill it a random number of journal lines after it began, again and again; count the kills."""
    dice = random.Random(seed)
    kills = tries = 0
    while True:
        program = start(world, output, *words)
        goal = journal_lines(world) + dice.randint(1, furthest)
        wait_until(lambda: journal_lines(world) >= goal or not program.alive, "some progress")  # noqa: B023 -- used at once
        if not program.alive or has_ended(world):
            if program.wait() == 0:
                return kills
            # A Git child of the last victim may still hold a lock: that is one more try.
            tries += 1
            assert tries < TRIES, output.read_text()
            continue
        program.kill()
        kills += 1


def normalised(inventory: Inventory) -> Inventory:
    """Without what names a run or a moment."""
    text = {
        key: re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{4}", "RUN", value) for key, value in inventory.items()
    }
    text = {
        key: re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+", "TIME", value) for key, value in text.items()
    }
    trunk = text["ref refs/heads/main"].strip()
    return {key: value.replace(trunk, "TRUNK") for key, value in text.items()}


def trees(world: World) -> str:
    """What the trunk holds and how it came there, without the dates of its merges."""
    return git("log", "--first-parent", "--format=%T %s", "main", cwd=world.repo)


def comparable(world: World) -> dict[str, str]:
    """The inventory without the paths of this world and without dated commits."""
    own = str(world.root)
    found = normalised(world.inventory(without=[".state"]))
    return {
        key.replace(own, "ROOT"): re.sub(
            r"\b[0-9a-f]{12}(?:[0-9a-f]{28})?\b", "COMMIT", value
        ).replace(own, "ROOT")
        for key, value in found.items()
        if key != "git primary config"  # it names this world's remote
    }
