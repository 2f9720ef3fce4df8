"""SIGKILL at any moment, then again until it ends: the end state is that of an undisturbed run."""

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from tests.command import ROOT, command, environment, unjam_json
from tests.interrupt.driver import DRIVER
from tests.world import (
    Inventory,
    Program,
    World,
    git,
    leave_brutal_work,
    prepare_for_brutal_work,
    typical_wreck,
    wait_until,
)

SEEDS = range(4)
TRIES = 5


def wreck(world: World) -> None:
    """A wreck of every verdict, with work of every kind, and a primary that was left astray."""
    world.configure(policy={"restart": "off"})
    prepare_for_brutal_work(world.repo)
    world.push()
    typical_wreck(world)
    leave_brutal_work(world.workstream("ws-04", "agent-4").tree)
    world.primary.edit("src/app.py", "a person's edit\n")
    world.primary.stale_lock()


def start(world: World, output: Path, *words: str | Path) -> Program:
    return Program(
        *words, cwd=world.repo, output=output, env=environment({"PYTHONPATH": str(ROOT)})
    )


def journal_lines(world: World) -> int:
    folder = world.common / "unjam" / "journal"
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def flow_runs(world: World) -> list[UUID]:
    """The flow runs that this world's runs name: other tests share the server."""
    journals = (world.common / "unjam" / "journal").glob("*.jsonl")
    began = [json.loads(path.read_text().splitlines()[0]) for path in journals]
    return [UUID(one["flow_run"]["id"]) for one in began]


def has_ended(world: World) -> bool:
    """Whether the newest run said that it ended: it only has to tell Prefect and to go."""
    newest = max((world.common / "unjam" / "journal").glob("*.jsonl"))
    return '{"event":"ended"' in newest.read_text()


def kill_until_it_ends(world: World, output: Path, words: list[str | Path], seed: int) -> int:
    """Kill it a random number of journal lines after it began, again and again; count the kills."""
    dice = random.Random(seed)
    kills = tries = 0
    while True:
        program = start(world, output, *words)
        goal = journal_lines(world) + dice.randint(1, 25)
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


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_again_and_again_it_reaches_the_end_of_an_undisturbed_run(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    calm, disturbed = new_world(), new_world()
    for one in (calm, disturbed):
        wreck(one)
    treasure = disturbed.treasure()
    words: list[str | Path] = [sys.executable, DRIVER, "."]
    assert start(calm, tmp_path / "calm.out", *words).wait() == 0, (
        tmp_path / "calm.out"
    ).read_text()

    kills = kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed)

    assert kills > 0
    assert disturbed.lost(treasure) == []
    assert trees(disturbed) == trees(calm)
    assert comparable(disturbed) == comparable(calm)


def comparable(world: World) -> dict[str, str]:
    """The inventory without the paths of this world and without dated commits."""
    own = str(world.root)
    found = normalised(world.inventory(without=[".state"]))
    return {
        key.replace(own, "ROOT"): re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", value).replace(own, "ROOT")
        for key, value in found.items()
        if key != "git primary config"  # it names this world's remote
    }


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_flow_run_that_is_killed_is_continued_and_closed_by_the_next(
    world: World, tmp_path: Path
) -> None:
    wreck(world)
    treasure = world.treasure()
    words: list[str | Path] = [*command("recover", "--yes")]

    kills = kill_until_it_ends(world, tmp_path / "recover.out", words, seed=7)

    assert kills > 0
    assert world.lost(treasure) == []
    assert (tmp_path / "recover.out").read_text().splitlines()[-1] == "recovered"
    assert unjam_json("check", cwd=world.repo)["healthy"]
    with get_client(sync_client=True) as client:
        mine = FlowRunFilter(id=FlowRunFilterId(any_=flow_runs(world)))
        told = {run.state_name for run in client.read_flow_runs(flow_run_filter=mine)}
    # One that met a lock of its victim's Git has failed, and is tried again; none is left open.
    assert {"Completed", "Crashed"} <= told <= {"Completed", "Crashed", "Failed"}
