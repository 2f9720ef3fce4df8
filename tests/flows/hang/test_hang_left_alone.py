"""Who is not even looked at, who is reported and left alone, and what happens beside an orchestrator."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.flows.building import on_trunk
from tests.flows.hang.hanging import (
    HANG,
    alive,
    found,
    hung,
    impatient,
    ordered,
    recovered_from_hang,
    silence,
    verdicts,
)
from tests.recovering import recover, sentences
from tests.terminal import Terminal
from tests.world import Program, World, git, processes_below, wait_until
from tests.world.hanging import Stage, stage
from tests.world.script import keep_writing, reach, write
from unjam.adapters.processes.looking.agent_tree import instant, uncollected
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.engine.observing.observe_closely import observe_closely
from unjam.engine.orchestration import open_orchestration


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "stage") as made:
        yield made


@pytest.fixture
def still(calm: World) -> World:
    return impatient(calm)


def test_nobody_is_watched_or_waited_for_where_every_row_is_young(
    calm: World, scene: Stage
) -> None:
    calm.configure(hang={"after": "1h", "interval": "1h"})
    stream = calm.workstream("ws-15").worktree().row("running", age=timedelta(minutes=59))
    scene.start("read of a pipe", stream.tree)

    snapshot = observe_closely(open_orchestration(calm.repo))  # an hour, if it waited

    assert snapshot.watched == ()


@pytest.mark.parametrize("sign", ["draft.txt", "build/out.o", "logs"])
def test_an_old_row_alone_convicts_nobody_when_anything_of_it_changed(
    calm: World, scene: Stage, sign: str
) -> None:
    calm.configure(hang={"after": "1h", "interval": "1h"})
    stream = ordered(calm, "ws-15")
    (stream.tree / ".git").read_text()
    scene.start("read of a pipe", stream.tree)
    (calm.common / "info" / "exclude").write_text("build/\n")
    for path in (*stream.tree.rglob("*"), *stream.admin.rglob("*"), stream.tree):
        os.utime(path, (1_000_000, 1_000_000), follow_symlinks=False)
    if sign == "logs":
        (calm.repo / "logs").mkdir()
        (calm.repo / "logs" / "agent-1.log").write_text("still here\n")
    else:
        stream.leaves({sign: "new\n"})

    assert observe_closely(open_orchestration(calm.repo)).watched == ()


def test_a_look_of_before_takes_the_place_of_waiting(still: World, scene: Stage) -> None:
    stream = ordered(still, "ws-15")
    hung(scene, stream, "read of a pipe")
    first = observe_closely(open_orchestration(still.repo))
    earlier = {one.worktree: one.now for one in first.watched}
    still.configure(hang={"interval": "1h"})
    at = first.watched[0].now.at
    wait_until(lambda: instant() - at > 1, "the look to be old enough to tell something")

    second = observe_closely(open_orchestration(still.repo), earlier)

    assert second.watched[0].before == earlier[stream.tree.name]
    (finding,) = diagnose(second, HANG)
    assert finding.cause == "waiting for input"


def test_what_cannot_be_told_is_a_warning_and_stays_as_it_is(still: World, scene: Stage) -> None:
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "sleep")
    before = still.inventory()

    document = recover(still.repo, HANG)

    assert verdicts(still) == {"ws-15": "unknown"}
    assert {str(one.severity) for one in found(still)} == {"warning"}
    assert document["plan"] == []
    assert "not stopped for hanging: unknown" in document["notes"][0]
    assert alive(agent)
    assert still.inventory() == before


def test_silent_work_is_no_finding(still: World, scene: Stage) -> None:
    hung(scene, ordered(still, "ws-15"), "compiler that says nothing")

    assert found(still) == ()
    assert recover(still.repo, HANG)["word"] == "nothing to do"


def test_without_a_state_a_hung_agent_is_known_by_its_processes_alone(
    world: World, scene: Stage
) -> None:
    impatient(world).configure(policy={"restart": "off"})
    order(world, "ws-15")
    stream = world.workstream("ws-15").worktree().commits({"src/part_15.py": "part = 15\n"})
    agent = hung(scene, stream, "silent peer")
    treasure = world.treasure()

    recovered_from_hang(world)

    assert not alive(agent)
    assert on_trunk(world, "src/part_15.py") == "part = 15"
    assert world.lost(treasure) == []


def test_what_hangs_in_a_worktree_that_no_orchestrator_knows_is_left_to_whoever_comes_back(
    world: World, scene: Stage
) -> None:
    impatient(world).configure(policy={"restart": "off"})
    tree = world.repo / ".claude" / "worktrees" / "idea"
    git("worktree", "add", "--quiet", "-b", "idea", str(tree), "main", cwd=world.repo)
    (tree / "draft.txt").write_text("a draft\n")
    agent = scene.start("stopped by SIGSTOP", tree)
    silence(tree)
    before = world.inventory()

    document = recover(world.repo, HANG)

    assert verdicts(world) == {}
    assert document["plan"] == []
    assert alive(agent)
    assert world.inventory() == before


def test_what_computes_for_long_is_never_stopped_without_being_asked_about(
    still: World, scene: Stage
) -> None:
    still.configure(policy={"stop": "auto"}, hang={"interval": "2s"})
    agent = hung(scene, ordered(still, "ws-15"), "busy loop")
    other = hung(scene, ordered(still, "ws-16", "agent-2"), "read of a pipe")

    document = recover(still.repo, HANG)

    assert verdicts(still) == {"ws-15": "busy loop"}
    assert "cannot be told from outside" in " ".join(document["notes"])
    assert alive(agent)
    assert not alive(other)
    assert still.state.status("ws-15") == "running"


def test_an_agent_that_a_person_put_aside_in_a_shell_is_left_to_them(world: World) -> None:
    impatient(world)
    order(world, "ws-15")
    stream = world.workstream("ws-15").worktree()
    shell = ["bash", "--norc", "--noprofile", "-i"]
    screen = Terminal(["setsid", "--ctty", "--wait", *shell], world.root)
    try:
        screen.type(f"(cd {stream.tree} && exec -a aider sleep 600)")
        wait_until(lambda: len(sleepers(stream.tree)) == 1, "the job to run")
        (job,) = sleepers(stream.tree)
        job.suspend()
        wait_until(lambda: job.status() == psutil.STATUS_STOPPED, "it to be stopped")
        silence(stream.tree)

        document = recover(world.repo, HANG)

        assert document["plan"] == []
        assert "perhaps by the person" in " ".join(document["notes"])
        assert job.is_running()
        job.kill()
    finally:
        screen.close()


def order(world: World, name: str) -> None:
    """Specify it, where an orchestrator was seen at work: a spec alone is nobody's to take up."""
    (world.repo / "logs").mkdir(exist_ok=True)
    (world.repo / "logs/multi_agent_orchestrator.log").write_text(f"Specified: {name}\n")
    world.spec(name)
    world.commit_specs()


def sleepers(tree: Path) -> list[psutil.Process]:
    return [one for one in processes_below(tree) if one.name() == "sleep"]


def test_a_zombie_beside_a_living_orchestrator_is_reported_and_left_to_a_person(
    still: World, start: Callable[..., Program]
) -> None:
    stream = ordered(still, "ws-15")
    program = still.root / "multi_agent_orchestrator.py"
    program.write_text(
        "import subprocess, sys, time\n"
        "left = subprocess.Popen(['true'], cwd=sys.argv[1])\n"
        "time.sleep(600)\n"
    )
    boss = start(sys.executable, program, stream.tree, cwd=still.repo)
    wait_until(lambda: len(uncollected(boss.pid)) == 1, "the agent to have ended")
    silence(stream.tree)
    for path in stream.admin.rglob("*"):
        os.utime(path, (1_000_000, 1_000_000))
    before = still.inventory()

    document = recover(still.repo, HANG)

    assert verdicts(still) == {"ws-15": "zombie"}
    assert {str(one.severity) for one in found(still)} == {"error"}
    assert document["plan"] == []
    assert f"pid {boss.pid}" in " ".join(document["notes"])
    assert boss.alive
    assert still.inventory() == before
    boss.kill()

    recovered_from_hang(still)

    assert still.state.status("ws-15") == "failed"
    assert not stream.tree.exists()


def test_an_agent_in_uninterruptible_sleep_is_reported_and_left_alone(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "uninterruptible sleep")

    document = recover(still.repo, HANG)

    (finding,) = found(still)
    assert finding.verdicts == (("ws-15", "unknown"),)
    assert any("not even SIGKILL" in one.fact for one in finding.evidence), finding.evidence
    assert document["plan"] == []
    assert alive(agent)


def test_a_prompt_that_nobody_ordered_may_wait_for_a_person(world: World, scene: Stage) -> None:
    impatient(world)
    order(world, "ws-15")
    stream = world.workstream("ws-15").worktree()
    agent = hung(scene, stream, "prompt on a terminal")

    document = recover(world.repo, HANG)

    assert verdicts(world) == {"ws-15": "waiting for input"}
    assert document["plan"] == []
    assert "a person may come back" in document["notes"][0]
    assert alive(agent)


def test_beside_its_own_orchestrator_an_agent_is_saved_stopped_and_left_to_it(
    world: World,
) -> None:
    impatient(world)
    began = world.marker("began")
    script = [write("notes.txt", "do not lose me\n"), reach(began), keep_writing("draft.txt")]
    world.spec("ws-15", script=script)
    world.commit_specs()
    living = world.run_orchestrator()
    wait_until(began.exists, "the agent to have begun")
    agents = [psutil.Process(pid) for pid in world.agents()]
    (agent,) = [one for one in agents if one.cmdline()[1].endswith("/aider")]
    os.kill(agent.pid, signal.SIGSTOP)
    stream = world.workstream("ws-15")
    with world.state.open() as database:
        database.execute("UPDATE workstream_status SET started_at = '2025-11-29T08:05:12.345'")
    silence(stream.tree)
    treasure = world.treasure()

    document = recover(world.repo, HANG)

    assert document["word"] == "recovered", document
    assert [one["step"] for one in document["plan"]] == ["stop"]
    assert "waits for it" in document["notes"][0]
    assert not agent.is_running() or agent.status() == psutil.STATUS_ZOMBIE
    assert living.alive
    assert any("/before-stop/" in one for one in document["vault"])
    assert {one for one in world.lost(treasure) if str(stream.tree) in one} == set()
    assert "orchestrator noticed" in " ".join(sentences(document, "stop").values())


def test_beside_an_orchestrator_that_only_believes_the_row_the_workstream_is_freed(
    world: World, scene: Stage
) -> None:
    impatient(world)
    world.state.create()
    stream = ordered(world, "ws-15").commits({"src/part_15.py": "part = 15\n"})
    stream.leaves({"draft.txt": "more\n"})
    agent = hung(scene, stream, "silent peer")
    living = world.run_orchestrator("--resume", "--idle")
    wait_until(lambda: "Waiting" in living.output.read_text(), "the orchestrator to be up")
    trunk, tip, treasure = world.trunk, stream.tip, world.treasure()

    document = recovered_from_hang(world)

    assert not alive(agent)
    assert living.alive
    assert world.trunk == trunk
    assert stream.tip == tip
    assert world.state.status("ws-15") == "failed"
    assert world.state.value("ws-15", "started_at") is None
    assert "1 commit on ws/ws-15/agent-1" in str(world.state.value("ws-15", "error_message"))
    assert not sentences(document, "land") | sentences(document, "restart")
    written_on = world.repo / "logs" / "orchestrator.log"
    assert [one for one in world.lost(treasure) if str(written_on) not in one] == []


def test_an_agent_that_is_gone_beside_a_living_orchestrator_is_reported_only(
    world: World,
) -> None:
    impatient(world)
    world.state.create()
    stream = ordered(world, "ws-15")
    silence(stream.tree)
    for path in stream.admin.rglob("*"):
        os.utime(path, (1_000_000, 1_000_000))
    living = world.run_orchestrator("--resume", "--idle")
    wait_until(lambda: "Waiting" in living.output.read_text(), "the orchestrator to be up")

    document = recover(world.repo, HANG)

    assert verdicts(world) == {"ws-15": "dead"}
    assert document["plan"] == []
    assert f"pid {living.pid}" in document["notes"][0]
    assert world.state.status("ws-15") == "running"


def test_an_agent_that_is_gone_without_an_orchestrator_is_recovered_as_after_a_crash(
    still: World,
) -> None:
    stream = ordered(still, "ws-15")
    silence(stream.tree)
    treasure = still.treasure()

    recovered_from_hang(still)

    assert still.state.status("ws-15") == "failed"
    assert not stream.tree.exists()
    assert still.lost(treasure) == []
