"""SIGKILL while a culprit is searched or taken out: the next run ends where an undisturbed one does."""

import random
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, environment
from tests.flows.building import on_trunk
from tests.flows.failing_merge.failing import landed, with_suite
from tests.interrupt.killing import seeds
from tests.world import Program, World, processes_below, wait_until

DRIVER = Path(__file__).with_name("failing_merge_driver.py")


def traces(world: World) -> int:
    """How much a search and a recovery have written down so far."""
    home = world.common / "unjam"
    written = [*home.glob("journal/*.jsonl"), *home.glob("tests/runs-*.jsonl")]
    return sum(path.read_bytes().count(b"\n") for path in written)


def start(world: World, output: Path) -> Program:
    env = environment({"PYTHONPATH": str(ROOT)})
    return Program(sys.executable, DRIVER, ".", cwd=world.repo, output=output, env=env)


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_again_and_again_it_takes_the_culprit_out_once(
    world: World, tmp_path: Path, seed: int
) -> None:
    with_suite(world).spec("ws-03")
    world.commit_specs()
    for number in range(1, 7):
        landed(world, number, "ALPHA" if number == 3 else "")
    world.push()
    world.primary.edit("src/app.py", "a person's edit\n")
    treasure, dice, kills = world.treasure(), random.Random(seed), 0

    while True:
        program = start(world, tmp_path / "recover.out")
        goal = traces(world) + dice.randint(4, 24)
        wait_until(lambda: traces(world) >= goal or not program.alive, "some progress")  # noqa: B023 -- used at once
        if not program.alive and program.wait() == 0:
            break
        program.kill()
        kills += 1
        assert kills < 20, (tmp_path / "recover.out").read_text()

    assert kills > 0
    assert world.lost(treasure) == []
    assert on_trunk(world, "src/part_03.py") is None
    assert on_trunk(world, "src/part_04.py") is not None
    assert world.state.status("ws-03") in ("pending", "reverted")
    assert str(on_trunk(world, "workstreams/ws-03.json")).count("This work landed") <= 1
    assert world.origin is not None
    assert world.origin.tip == world.trunk
    assert (world.repo / "src" / "app.py").read_text() == "a person's edit\n"
    wait_until(lambda: not processes_below(world.common), "the last trial to end")


def test_a_search_that_was_killed_repeats_no_run_it_paid_for(world: World, tmp_path: Path) -> None:
    with_suite(world)
    for number in range(1, 7):
        landed(world, number, "ALPHA" if number == 3 else "")
    counter = world.markers / "count"
    program = start(world, tmp_path / "first.out")
    wait_until(lambda: traces(world) >= 16, "some runs")
    program.kill()
    wait_until(lambda: not processes_below(world.common), "its trials to end")
    known = traces(world) // 2

    assert start(world, tmp_path / "second.out").wait() == 0

    lines = sum(
        path.read_text().count('"tree"')
        for path in (world.common / "unjam").glob("tests/runs-*.jsonl")
    )
    assert known >= 8
    assert counter.stat().st_size <= lines + 2  # what was at work when it was killed ran again
