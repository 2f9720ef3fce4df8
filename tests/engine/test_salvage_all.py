"""All worktrees of a plan are one pack; each is still pinned, read back and told of by itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import ROOT
from tests.recovering import recover
from tests.world import World, git
from unjam.domain.steps.outcome import StepWord
from unjam.domain.steps.plan import Salvage
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Permission, Recovery
from unjam.engine.acts.salvage import salvage_all
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import look_and_prepare
from unjam.engine.running.session import Terms, session

KILLED = """
import os, signal
from pathlib import Path
from tests.engine.test_salvage_all import prepared
from unjam.engine.acts.salvage import salvage_all
with prepared(Path(".")) as (run, steps):
    assert salvage_all(run, steps) == 3
    os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def prepared(repo: Path) -> Iterator[tuple[Recovery, list[Salvage]]]:
    """A run of everything, and the salvages of its plan."""
    with session(open_orchestration(repo), Terms("recover"), Permission(everything=True)) as run:
        plan = look_and_prepare(run).plan
        yield run, [one for one in plan.steps if isinstance(one, Salvage)]


def wreck(world: World) -> None:
    """Three dead agents, each with a draft of its own."""
    for number in range(3):
        stream = world.workstream(f"ws-1{number}", f"agent-{number}").worktree().row("running")
        stream.leaves({f"draft_{number}.txt": f"draft {number}\n"})


def packs(world: World) -> int:
    """So many packs the vault has."""
    return len(list((world.common / "unjam/vault.git/objects/pack").glob("*.pack")))


@pytest.mark.example("orchestrator_crash")
def test_all_salvages_of_a_plan_are_one_pack_and_each_is_told_of(world: World) -> None:
    wreck(world)

    with prepared(world.repo) as (run, steps):
        assert salvage_all(run, steps) == len(steps) == 3
        told = [one for step in steps for one in carry_out(run, step)]

    assert packs(world) == 1
    assert [one.word for one in told] == [StepWord.DONE] * 3
    vault = world.common / "unjam/vault.git"
    for number, one in enumerate(told):
        path = f"{one.kept[0]}:worktree/draft_{number}.txt"
        assert git("show", path, cwd=vault) == f"draft {number}"


@pytest.mark.example("orchestrator_crash")
def test_what_changed_since_all_were_taken_is_saved_as_it_is_now(world: World) -> None:
    wreck(world)
    late = world.repo / ".worktrees/agent-1-ws-11/draft_1.txt"

    with prepared(world.repo) as (run, steps):
        salvage_all(run, steps)
        late.write_text("written since\n")
        told = [one for step in steps for one in carry_out(run, step)]

    vault = world.common / "unjam/vault.git"
    (kept,) = (one.kept[0] for one in told if one.workstream == "ws-11")
    assert git("show", f"{kept}:worktree/draft_1.txt", cwd=vault) == "written since"
    assert packs(world) == 2


@pytest.mark.example("orchestrator_crash")
def test_killed_after_the_pack_and_before_any_ref_nothing_is_lost_or_written_twice(
    world: World,
) -> None:
    wreck(world)
    treasure = world.treasure()

    here = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", KILLED], cwd=world.repo, env=here, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert packs(world) == 1
    document = recover(world.repo)

    assert document["word"] == "recovered", document
    assert world.lost(treasure) == []
    assert packs(world) == 1


def test_what_an_earlier_run_saved_is_relied_on_only_while_it_is_there(world: World) -> None:
    wreck(world)
    with prepared(world.repo) as (run, steps):
        saved = [one for step in steps for one in carry_out(run, step)]

    vault = world.common / "unjam/vault.git"
    with prepared(world.repo) as (run, steps):
        (first,) = carry_out(run, steps[0])
        git("update-ref", "-d", saved[1].kept[0], cwd=vault)
        (second,) = carry_out(run, steps[1])
        (third,) = carry_out(run, steps[2])

    assert (first.word, third.word) == (StepWord.ALREADY_DONE, StepWord.ALREADY_DONE)
    assert first.kept == saved[0].kept
    assert second.word is StepWord.DONE
    assert git("rev-parse", second.kept[0], cwd=vault)
