"""A recovery that was killed and run again ends with the word of one that nobody disturbed."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, environment
from tests.flows.building import begun
from tests.interrupt.driver import DRIVER
from tests.recovering import recover, sentences
from tests.world import Program, World, processes_below, wait_until

STAYS = "import time; time.sleep(600)"


def journal(world: World) -> str:
    folder = world.common / "unjam" / "journal"
    return "".join(path.read_text() for path in sorted(folder.glob("*.jsonl")))


def killed_after(world: World, output: Path, lines: int) -> None:
    """Run a recovery and kill it when its journal has this many lines, if it lives so long."""
    words = (sys.executable, DRIVER, ".")
    env = environment({"PYTHONPATH": str(ROOT)})
    program = Program(*words, cwd=world.repo, output=output, env=env)
    wait_until(lambda: journal(world).count("\n") >= lines or not program.alive, "some progress")
    program.kill()


def cut_after(world: World, *marks: str) -> None:
    """Leave the journal as a kill leaves it right after the line that holds all of these."""
    (path,) = (world.common / "unjam" / "journal").iterdir()
    lines = path.read_text().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if all(mark in line for mark in marks))
    path.write_text("".join(lines[: last + 1]))


def lands_in_part(world: World) -> None:
    """One that lands, one that conflicts, and nothing to start."""
    world.configure(policy={"restart": "off"})
    world.state.create()
    begun(world)
    stream = world.workstream("ws-16", "agent-2").worktree().row("running")
    stream.commits({"src/app.py": "theirs = 1\n"})
    world.primary.commit("src/app.py", "ours = 1\n")
    world.push()


def has_something_to_run(world: World) -> None:
    script = world.root / "multi_agent_orchestrator.py"
    script.write_text(STAYS)
    world.configure(orchestration={"resume": [sys.executable, str(script)]})
    world.state.create()
    world.state.row("ws-06", "pending", agent=None)
    begun(world)


def test_undisturbed_it_is_recovered_in_part(world: World) -> None:
    lands_in_part(world)

    assert recover(world.repo)["word"] == "partly recovered"


@pytest.mark.parametrize("lines", [3, 12, 20, 24, 28])
def test_killed_at_any_point_it_is_recovered_in_part_too(
    world: World, tmp_path: Path, lines: int
) -> None:
    lands_in_part(world)
    killed_after(world, tmp_path / "killed.out", lines)
    assert '"event":"ended"' not in journal(world)

    assert recover(world.repo)["word"] == "partly recovered"
    assert world.state.status("ws-16") == "conflict"


def test_what_is_parked_is_left_to_a_human_each_time(world: World) -> None:
    world.configure(policy={"restart": "off"})
    stream = world.workstream("ws-15").worktree().row("completed")
    stream.commits({"src/app.py": "theirs = 1\n"})
    world.primary.edit("src/app.py", "a person's edit\n")

    words = [recover(world.repo)["word"] for _ in range(2)]

    assert words == ["needs a human", "needs a human"]


def test_an_orchestrator_that_was_proven_and_has_ended_is_not_started_again(world: World) -> None:
    has_something_to_run(world)
    assert recover(world.repo)["word"] == "recovered"
    cut_after(world, '"event":"made"', "StartProcess")
    (living,) = processes_below(world.repo)
    os.kill(living.pid, signal.SIGKILL)
    wait_until(lambda: not processes_below(world.repo), "the orchestrator to end")

    document = recover(world.repo)

    assert document["word"] == "recovered"
    assert sentences(document, "restart") == {}
    assert processes_below(world.repo) == []


def test_an_orchestrator_whose_start_was_not_proven_is_started_again(world: World) -> None:
    has_something_to_run(world)
    assert recover(world.repo)["word"] == "recovered"
    cut_after(world, '"event":"intent"', "StartProcess")
    (living,) = processes_below(world.repo)
    os.kill(living.pid, signal.SIGKILL)
    wait_until(lambda: not processes_below(world.repo), "the orchestrator to end")

    document = recover(world.repo)

    assert document["word"] == "recovered"
    (said,) = sentences(document, "restart").values()
    assert said.startswith("done: the orchestrator runs")
    assert len(processes_below(world.repo)) == 1
