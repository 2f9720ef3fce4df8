"""Processes that outlive a crash, that live after all, and that only look as if they did."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.command import command, environment, unjam
from tests.flows.building import begun, on_trunk
from tests.interrupt.driver import DRIVER
from tests.recovering import recover, sentences
from tests.world import (
    Program,
    Treasure,
    World,
    git,
    leave_orphan,
    processes_below,
    typical_wreck,
    wait_until,
)
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Permission
from unjam.engine.keeping.past_runs import past_runs
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import prepare
from unjam.engine.running.replanning import plan_anew
from unjam.engine.running.session import Terms, session
from unjam.errors import RefusedError

Start = Callable[..., Program]


def without(treasure: Treasure, name: str) -> Treasure:
    """All but a file that somebody writes to while we look."""
    kept = {blob: where for blob, where in treasure.blobs.items() if not where.endswith(name)}
    return replace(treasure, blobs=kept)


def saved(world: World, document: dict[str, object], path: str) -> bytes:
    """The bytes of a file as the one salvage that holds it has them."""
    refs = [one for one in document["vault"] if "/worktree/" in one]  # type: ignore[attr-defined]
    listed = git("ls-tree", "-r", refs[0], cwd=world.vault).splitlines()
    (blob,) = {line.split()[2] for line in listed if line.split("\t")[1].endswith(f"/{path}")}
    return subprocess.run(
        ["git", "cat-file", "blob", blob], cwd=world.vault, capture_output=True, check=True
    ).stdout


def test_an_agent_that_still_writes_is_stopped_and_all_it_wrote_is_saved(world: World) -> None:
    world.configure(policy={"restart": "off"})
    leave_orphan(world)
    draft = world.repo / ".worktrees" / "agent-1-ws-15" / "draft.txt"
    wait_until(lambda: draft.exists() and draft.stat().st_size > 0, "the orphan to write on")
    seen, treasure = draft.read_bytes(), without(world.treasure(), "draft.txt")

    document = recover(world.repo)

    assert document["word"] == "partly recovered", document
    assert world.agents() == []
    (stopped,) = sentences(document, "stop").values()
    assert stopped.startswith("done: ended pid")
    assert on_trunk(world, "src/feature.py") == "feature = 1"
    assert world.state.status("ws-15") == "failed"  # until somebody has gone on with it
    assert "its agent was at work, and was stopped" in str(
        world.state.value("ws-15", "error_message")
    )
    (left,) = (world.common / "unjam" / "vault").rglob("draft.txt")
    assert left.read_bytes().startswith(seen)
    assert saved(world, document, "draft.txt") == left.read_bytes()
    assert world.lost(treasure) == []


def test_an_agent_that_ends_by_itself_before_it_is_stopped_was_not_ended_by_unjam(
    world: World,
) -> None:
    world.configure(policy={"restart": "off"})
    leave_orphan(world)
    with session(
        open_orchestration(world.repo), Terms("recover"), Permission(everything=True)
    ) as run:
        plan = prepare(run.look_as_asked(), run.policy, killed=run.killed).plan
        for pid in world.agents():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: world.agents() == [], "the agents to end")
        for step in plan.but_restart():
            carry_out(run, step)
        untouched = world.state.status("ws-15")

        anew = plan_anew(run, plan)
        for step in anew.but_restart() if anew else ():
            carry_out(run, step)

    assert untouched == "running"
    assert on_trunk(world, "src/feature.py") == "feature = 1"
    message = str(world.state.value("ws-15", "error_message"))
    assert "was stopped" not in message
    assert "ended by unjam" not in message
    assert "it left " in message


def test_a_lock_that_only_the_stopped_agent_may_have_owned_is_moved_in_the_same_run(
    world: World,
) -> None:
    world.configure(policy={"restart": "off"})
    leave_orphan(world)
    lock = world.primary.stale_lock("packed-refs.lock")
    treasure = without(world.treasure(), "draft.txt")

    document = recover(world.repo)

    (said,) = sentences(document, "unlock").values()
    assert said.startswith("done: moved to ")
    assert not lock.exists()
    assert document["word"] == "partly recovered", document
    assert [one["id"] for one in document["incomplete"]] == ["ws-15"]
    assert world.lost(treasure) == []


def test_with_stopping_off_a_living_agent_and_all_that_is_its_own_are_left_alone(
    world: World,
) -> None:
    world.configure(policy={"stop": "off"})
    begun(world, "ws-16", "agent-2")
    leave_orphan(world)
    tree = world.repo / ".worktrees" / "agent-1-ws-15"
    pids, tip = world.agents(), world.workstream("ws-15").tip
    treasure = without(world.treasure(), "draft.txt")
    own = {path for path in tree.rglob("*") if path.name != "draft.txt"}

    document = recover(world.repo)

    size = (tree / "draft.txt").stat().st_size
    wait_until(lambda: (tree / "draft.txt").stat().st_size > size, "the agent to write on")
    assert world.agents() == pids
    assert own <= set(tree.rglob("*"))
    assert world.workstream("ws-15").tip == tip
    assert world.state.status("ws-15") == "running"
    assert not any("ws-15" in one["subject"] for one in document["plan"])
    assert world.state.status("ws-16") == "completed"
    assert document["word"] == "partly recovered"
    assert "policy.stop is off" in " ".join(document["notes"])
    assert world.lost(treasure) == []


@pytest.mark.slow
def test_an_agent_that_ignores_every_polite_signal_is_ended_with_the_children_it_forked(
    world: World, start: Start
) -> None:
    world.configure(policy={"restart": "off"})
    stream = begun(world)
    deaf = (
        "import os, signal, time\n"
        "for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
        "    signal.signal(one, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() != 0: os._exit(0)\n"
        "    open('forked', 'w').close()\n"
        "while True:\n"
        "    with open('beat-%d' % os.getpid(), 'a') as file: file.write('x\\n')\n"
        "    time.sleep(0.01)\n"
    )
    start(sys.executable, "-c", deaf, cwd=stream.tree)
    wait_until((stream.tree / "forked").exists, "the agent to have forked")
    wait_until(lambda: len(list(stream.tree.glob("beat-*"))) == 2, "both to write")
    treasure = world.treasure()
    treasure = replace(
        treasure, blobs={k: one for k, one in treasure.blobs.items() if "/beat-" not in one}
    )

    document = recover(world.repo)

    assert document["word"] == "partly recovered", document
    assert processes_below(stream.tree) == []
    assert any("SIGKILL" in one for one in sentences(document, "stop").values())
    beats = sorted((world.common / "unjam" / "vault").rglob("beat-*"))
    assert [saved(world, document, one.name) for one in beats] == [
        one.read_bytes() for one in beats
    ]
    assert len(beats) == 2
    assert world.lost(treasure) == []


def test_a_commit_between_plan_and_act_refuses_its_steps_and_the_next_run_converges(
    calm: World,
) -> None:
    stream = begun(calm)
    begun(calm, "ws-16", "agent-2")
    with session(open_orchestration(calm.repo), Terms("crash"), Permission(True)) as run:
        prepared = prepare(run.look(), run.policy)
        stream.commits({"src/late.py": "late = 1\n"}, "while the person read the plan")
        treasure, trunk = calm.treasure(), calm.trunk
        words = {
            step.verb: [str(one.word) for one in carry_out(run, step)]
            for step in prepared.plan.steps
            if step.workstream in (None, "ws-15")
        }

    assert words["land"] == ["refused"]
    (why,) = (one.sentence for one in run.outcomes if one.step == "land")
    assert "facts have changed since the plan was made: branch" in why
    assert words["record"] == words["remove worktree"] == ["refused"]
    assert calm.trunk == trunk
    assert stream.tree.is_dir()
    assert recover(calm.repo)["word"] == "recovered"
    assert on_trunk(calm, "src/late.py") == "late = 1"
    assert calm.lost(treasure) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped by SIGSTOP"])
def test_beside_a_living_orchestrator_everything_is_refused(world: World, stopped: bool) -> None:
    typical_wreck(world)
    living = world.run_orchestrator("--resume", "--idle")
    wait_until(lambda: "Waiting" in living.output.read_text(), "the orchestrator to be up")
    if stopped:
        os.kill(living.pid, signal.SIGSTOP)
    before = world.inventory(without=["logs"])

    ended = unjam("recover", "--yes", cwd=world.repo)

    assert ended.returncode == 3, ended
    assert f"pid {living.pid}" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert living.alive
    assert world.inventory(without=["logs"]) == before


def test_an_orchestrator_started_between_plan_and_act_stops_every_step(world: World) -> None:
    typical_wreck(world)
    with session(open_orchestration(world.repo), Terms("crash"), Permission(True)) as run:
        prepared = prepare(run.look(), run.policy)
        living = world.run_orchestrator("--resume", "--idle")
        wait_until(lambda: "Waiting" in living.output.read_text(), "the orchestrator to be up")
        before = world.inventory(without=["logs"])
        words = {str(one.word) for step in prepared.plan.steps for one in carry_out(run, step)}

    assert prepared.plan.steps
    assert words == {"refused"}
    assert world.inventory(without=["logs"]) == before


def test_what_only_mentions_the_orchestrator_is_none(calm: World, start: Start) -> None:
    begun(calm)
    name = "multi_agent_orchestrator.py"
    fifo = calm.root / "fifo"
    os.mkfifo(fifo)
    (calm.repo / "logs").mkdir()
    (calm.repo / "logs" / f"{name}.log").write_text("a line\n")
    start("tail", "-f", f"logs/{name}.log", cwd=calm.repo)
    start("grep", "multi_agent_orchestrator", fifo, cwd=calm.repo)
    start("bash", "-c", f"exec -a vim tail -f /dev/null {name}", cwd=calm.repo)
    start("sh", "-c", f"while :; do sleep 1; done # python {name}", cwd=calm.repo)
    treasure = calm.treasure()

    document = recover(calm.repo)

    assert document["word"] == "recovered", document
    assert on_trunk(calm, "src/part_15.py") == "part = 15"
    assert calm.lost(treasure) == []


def test_of_ten_recoveries_at_once_one_works_and_the_others_find_it_at_work(calm: World) -> None:
    for number in range(11, 15):
        begun(calm, f"ws-{number}", f"agent-{number}")
    treasure = calm.treasure()
    outputs = [calm.root / f"racer-{number}.out" for number in range(10)]

    racers = [
        Program(sys.executable, DRIVER, ".", cwd=calm.repo, output=output, env=environment())
        for output in outputs
    ]
    statuses = [racer.wait() for racer in racers]

    last = [output.read_text().splitlines()[-1] for output in outputs]
    assert last.count("recovered") == 1, last
    others = [one for one in last if one != "recovered"]
    assert all("RefusedError: another recovery" in one or one == "nothing to do" for one in others)
    assert statuses.count(0) == 1 + last.count("nothing to do")
    merges = git("log", "--merges", "--format=%s", "main", cwd=calm.repo).splitlines()
    assert sorted(merges) == [f"Merge ws/ws-{n}/agent-{n}" for n in range(11, 15)]
    assert calm.lost(treasure) == []


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_second_recovery_beside_the_first_is_refused_or_finds_nothing(world: World) -> None:
    typical_wreck(world)
    treasure = world.treasure()
    words = command("recover", "--yes")
    outputs = [world.root / "first.out", world.root / "second.out"]

    both = [Program(*words, cwd=world.repo, output=one, env=environment()) for one in outputs]
    statuses = [one.wait() for one in both]

    said = [output.read_text() for output in outputs]
    assert sorted(statuses) in ([0, 0], [0, 3]), said
    assert [one.splitlines()[-1] for one in said].count("recovered") == 1, said
    merges = git("log", "--merges", "--format=%s", "main", cwd=world.repo).splitlines()
    assert len(merges) == len(set(merges))
    assert world.lost(treasure) == []


def orchestrators(world: World) -> list[int]:
    """Pids of the orchestrators that live."""
    found = processes_below(world.repo)
    return [one.pid for one in found if any("multi_agent_orchestrator" in w for w in one.cmdline())]


def kill_when_it_restarts(world: World, event: str) -> None:
    """Let a recovery start the orchestrator again, and SIGKILL it at that moment."""
    output = world.root / "killed.out"
    program = Program(sys.executable, DRIVER, ".", cwd=world.repo, output=output, env=environment())
    journal = world.common / "unjam" / "journal"

    def started() -> bool:
        lines = [line for one in journal.glob("*.jsonl") for line in one.read_text().splitlines()]
        begins = f'{{"event":"{event}"'
        return any(one.startswith(begins) and "StartProcess" in one for one in lines)

    wait_until(lambda: (started() and bool(orchestrators(world))) or not program.alive, "restart")
    assert program.alive, output.read_text()
    program.kill()


def test_killed_right_after_the_restart_the_next_run_sees_that_all_was_done(world: World) -> None:
    typical_wreck(world)
    treasure = world.treasure()
    kill_when_it_restarts(world, "intent")
    living = orchestrators(world)
    assert len(living) == 1

    document = recover(world.repo)

    assert document["word"] == "recovered"
    assert "had started the orchestrator" in document["notes"][0]
    assert orchestrators(world) == living
    assert [one.word for one in past_runs(open_orchestration(world.repo))] == [
        "killed",
        "recovered",
    ]
    assert recover(world.repo)["word"] == "nothing to do"
    assert world.lost(treasure) == []


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_killed_right_after_the_restart_the_command_says_recovered(world: World) -> None:
    typical_wreck(world)
    kill_when_it_restarts(world, "intent")
    # It hands out work again, so that there is something to find.
    world.state.row("ws-06", "running", agent="agent-6")

    ended = unjam("recover", "--yes", cwd=world.repo)

    assert ended.returncode == 0, ended
    assert ended.stdout.splitlines()[-1] == "recovered"
    again = unjam("recover", "--yes", cwd=world.repo)
    assert again.returncode == 3
    assert len(orchestrators(world)) == 1


def test_an_orchestrator_a_person_started_after_a_kill_is_still_in_the_way(world: World) -> None:
    typical_wreck(world)
    world.workstream("ws-07", "agent-7").worktree().row("running")
    kill_when_it_restarts(world, "intent")
    (pid,) = orchestrators(world)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not orchestrators(world), "the orchestrator to be dead")
    world.state.row("ws-06", "running", agent="agent-6")
    assert recover(world.repo)["word"] == "recovered"
    before = orchestrators(world)
    world.state.row("ws-06", "running", agent="agent-6")

    with pytest.raises(RefusedError, match="an orchestrator is at work"):
        recover(world.repo)

    assert orchestrators(world) == before
