"""SIGKILL at any moment, then again until it ends: the end state is that of an undisturbed run."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from tests.command import command, unjam_json
from tests.interrupt.driver import DRIVER
from tests.interrupt.killing import comparable, kill_until_it_ends, seeds, start, trees
from tests.world import (
    World,
    leave_brutal_work,
    prepare_for_brutal_work,
    typical_wreck,
)


def wreck(world: World) -> None:
    """A wreck of every verdict, with work of every kind, and a primary that was left astray."""
    world.configure(policy={"restart": "off"})
    prepare_for_brutal_work(world.repo)
    world.push()
    typical_wreck(world)
    leave_brutal_work(world.workstream("ws-04", "agent-4").tree)
    world.primary.edit("src/app.py", "a person's edit\n")
    world.primary.stale_lock()


def flow_runs(world: World) -> list[UUID]:
    """The flow runs that this world's runs name: other tests share the server."""
    journals = (world.common / "unjam" / "journal").glob("*.jsonl")
    began = [json.loads(path.read_text().splitlines()[0]) for path in journals]
    return [UUID(one["flow_run"]["id"]) for one in began]


@pytest.mark.parametrize("seed", seeds(1))
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


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_flow_run_that_is_killed_is_continued_and_closed_by_the_next(
    world: World, tmp_path: Path
) -> None:
    wreck(world)
    treasure = world.treasure()
    words: list[str | Path] = [*command("recover", "--yes")]

    kills = kill_until_it_ends(world, tmp_path / "recover.out", words, seed=7, furthest=60)

    assert kills > 0
    assert world.lost(treasure) == []
    assert (tmp_path / "recover.out").read_text().splitlines()[-1] == "recovered"
    assert unjam_json("check", cwd=world.repo)["healthy"]
    with get_client(sync_client=True) as client:
        mine = FlowRunFilter(id=FlowRunFilterId(any_=flow_runs(world)))
        told = {run.state_name for run in client.read_flow_runs(flow_run_filter=mine)}
    # One that met a lock of its victim's Git has failed, and is tried again; none is left open.
    assert {"Recovered", "Crashed"} <= told <= {"Recovered", "Crashed", "Failed"}
