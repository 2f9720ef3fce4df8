"""Agents that hang are saved, stopped, and their work lands or is done again; nobody else is touched."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
from tests.recovering import recover, sentences, undo
from tests.world import World, git, git_status, processes_below, wait_until
from tests.world.hanging import HUNG, Stage, stage
from unjam.domain.steps.plan import Stop
from unjam.domain.steps.request import Request
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import prepare
from unjam.engine.running.session import Terms, session


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "stage") as made:
        yield made


@pytest.fixture
def still(calm: World) -> World:
    """A world that stands still and is soon impatient."""
    return impatient(calm)


def kept(world: World, name: str) -> list[bytes]:
    """What the vault's directories hold under a name."""
    vault = world.common / "unjam" / "vault"
    return [path.read_bytes() for path in sorted(vault.rglob(name))]


def test_of_many_silent_agents_those_that_hang_are_stopped_and_nobody_else(
    still: World, scene: Stage
) -> None:
    still.configure(hang={"interval": "2s"})  # on a busy machine a loop has to get its turn
    guilty = [(verdict, kinds[0]) for verdict, kinds in HUNG.items()]
    innocent = [
        "compiler that says nothing",
        "stream of a slow model",
        "short-lived children",
        "sleep",
    ]
    kinds = [*(kind for _, kind in guilty), *innocent]
    streams = [ordered(still, f"ws-{n}", f"agent-{n}") for n in range(10, 10 + len(kinds))]
    agents = [scene.start(kind, one.tree) for kind, one in zip(kinds, streams, strict=True)]
    silence(*(one.tree for one in streams))
    treasure = still.treasure()

    document = recover(still.repo, HANG)

    count = len(guilty)
    told = {one["workstreams"][0]: one["verdicts"] for one in document["findings_before"]}
    named = {one.name: verdict for one, (verdict, _) in zip(streams, guilty, strict=False)}
    assert {ws: told[ws][ws] for ws in named} == named
    assert [alive(one) for one in agents] == [False] * count + [True] * len(innocent)
    assert [still.state.status(one.name) for one in streams[:count]] == ["failed"] * count
    assert {still.state.status(one.name) for one in streams[count:]} == {"running"}
    assert all(one.tree.is_dir() for one in streams[count:])
    assert not any(one.tree.exists() for one in streams[:count])
    assert still.lost(treasure) == []


def test_uncommitted_work_is_kept_and_the_workstream_is_free_to_be_done_again(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    hung(scene, stream, "read of a pipe")
    tip, treasure = stream.tip, still.treasure()

    document = recovered_from_hang(still)

    assert still.state.status("ws-15") == "failed"
    assert still.state.value("ws-15", "started_at") is None
    message = str(still.state.value("ws-15", "error_message"))
    assert "hung (waiting for input)" in message
    assert "refs/unjam/" in message
    assert not stream.tree.exists()
    assert git_status("rev-parse", "--verify", f"refs/heads/{stream.branch}", cwd=still.repo)
    (ref,) = [one for one in document["vault"] if f"heads/{stream.branch}" in one]
    assert git("rev-parse", ref, cwd=still.repo) == tip
    assert kept(still, "draft.txt") == [b"the draft of ws-15\n"]
    assert still.lost(treasure) == []


def test_commits_land_when_they_verify(still: World, scene: Stage) -> None:
    stream = ordered(still, "ws-15").commits({"src/part_15.py": "part = 15\n"})
    hung(scene, stream, "busy loop")
    treasure = still.treasure()

    recovered_from_hang(still)

    assert on_trunk(still, "src/part_15.py") == "part = 15"
    assert (
        still.state.status("ws-15") == "failed"
    )  # whoever hangs has not ended: it is taken up again
    assert "incomplete: landed in " in str(still.state.value("ws-15", "error_message"))
    assert still.lost(treasure) == []


def test_commits_that_do_not_verify_stay_off_the_trunk_and_are_kept(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15").commits({"src/part_15.py": "BROKEN\n"})
    hung(scene, stream, "two locks")
    trunk, treasure = still.trunk, still.treasure()

    recover(still.repo, HANG)

    assert still.trunk == trunk
    assert still.state.status("ws-15") == "failed"
    assert still.lost(treasure) == []


def test_where_nothing_may_land_commits_are_marked_for_review_where_they_are(
    still: World, scene: Stage
) -> None:
    still.configure(policy={"land": "off"})
    stream = ordered(still, "ws-15").commits({"src/part_15.py": "part = 15\n"})
    stream.leaves({"more.txt": "more\n"})
    agent = hung(scene, stream, "stopped by SIGSTOP")
    trunk, treasure = still.trunk, still.treasure()

    document = recovered_from_hang(still)

    assert not alive(agent)
    assert still.trunk == trunk
    assert still.state.status("ws-15") == "blocked"
    message = str(still.state.value("ws-15", "error_message"))
    assert "for review: 1 commit on ws/ws-15/agent-1" in message
    assert "refs/unjam/" in message
    assert (stream.tree / "more.txt").read_text() == "more\n"
    assert not sentences(document, "land")
    assert still.lost(treasure) == []


def test_an_undo_brings_all_back_but_the_process_and_says_so(lonely: World, scene: Stage) -> None:
    still = impatient(lonely)
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "read of a pipe")
    before = still.inventory()
    run = recovered_from_hang(still)["run"]

    document = undo(still.repo, run)

    left = f"pid {agent.pid} was ended, and cannot be started where it was"
    assert document["word"] == "partly undone"
    assert document["differences"] == [left]
    assert left in {one["sentence"] for one in document["outcomes"]}
    assert still.inventory() == before
    assert still.state.status("ws-15") == "running"


def test_with_stopping_off_a_hung_agent_is_only_reported(still: World, scene: Stage) -> None:
    still.configure(policy={"stop": "off"})
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "read of a pipe")
    before = still.inventory()

    document = recover(still.repo, HANG)

    assert document["plan"] == []
    assert "policy.stop is off" in " ".join(document["notes"])
    assert verdicts(still) == {"ws-15": "waiting for input"}
    assert alive(agent)
    assert still.inventory() == before


def test_an_agent_that_shows_a_sign_of_life_after_the_plan_is_not_stopped(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "read of a pipe")
    with session(open_orchestration(still.repo), Terms("hang"), Permission(True)) as run:
        prepared = prepare(run.look(), run.policy, Request(HANG))
        (step,) = [one for one in prepared.plan.steps if isinstance(one, Stop)]
        stream.leaves({"draft.txt": "it went on\n"})
        (outcome,) = carry_out(run, step)

    assert outcome.word == "refused"
    assert "sign of life" in outcome.sentence
    assert alive(agent)


def test_a_process_that_has_the_pid_of_a_hung_one_is_not_stopped(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    agent = hung(scene, stream, "read of a pipe")
    with session(open_orchestration(still.repo), Terms("hang"), Permission(True)) as run:
        prepared = prepare(run.look(), run.policy, Request(HANG))
        (step,) = [one for one in prepared.plan.steps if isinstance(one, Stop)]
        other = replace(step.process, started=step.process.started - 60)
        (outcome,) = carry_out(run, replace(step, process=other))

    assert (outcome.word, outcome.sentence) == ("already done", "it has ended")
    assert alive(agent)


def test_what_a_hung_agent_forked_away_is_ended_with_it(still: World, scene: Stage) -> None:
    stream = ordered(still, "ws-15")
    code = (
        "import os, sys\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.read(0, 1)\n"
        "os.wait(); os.read(0, 1)"
    )
    agent = subprocess.Popen([sys.executable, "-c", code], cwd=stream.tree, stdin=subprocess.PIPE)
    scene.processes.append(agent)
    wait_until(lambda: len(processes_below(stream.tree)) == 2, "the child to be away")
    silence(stream.tree)
    treasure = still.treasure()

    recovered_from_hang(still)

    assert processes_below(still.repo / ".worktrees") == []
    assert not alive(agent)
    assert still.lost(treasure) == []


@pytest.mark.thorough
def test_an_agent_that_is_deaf_to_polite_signals_is_ended_all_the_same(
    still: World, scene: Stage
) -> None:
    stream = ordered(still, "ws-15")
    code = (
        "import os, signal\n"
        "for one in (signal.SIGINT, signal.SIGTERM): signal.signal(one, signal.SIG_IGN)\n"
        "os.read(0, 1)"
    )
    agent = subprocess.Popen([sys.executable, "-c", code], cwd=stream.tree, stdin=subprocess.PIPE)
    scene.processes.append(agent)
    silence(stream.tree)

    document = recovered_from_hang(still)

    assert not alive(agent)
    assert all("SIGKILL" in one for one in sentences(document, "stop").values())


def test_what_an_agent_writes_when_asked_to_end_is_saved_too(still: World, scene: Stage) -> None:
    stream = ordered(still, "ws-15")
    code = (
        "import os\n"
        "try:\n"
        "    os.read(0, 1)\n"
        "except KeyboardInterrupt:\n"
        "    open('history.txt', 'w').write('my last words')"
    )
    agent = subprocess.Popen([sys.executable, "-c", code], cwd=stream.tree, stdin=subprocess.PIPE)
    scene.processes.append(agent)
    silence(stream.tree)

    document = recovered_from_hang(still)

    assert kept(still, "history.txt") == [b"my last words"]
    saves = [one for one in document["vault"] if one.startswith("refs/unjam/")]
    assert any("/before-stop/" in one for one in saves)
    assert any("/worktree/" in one for one in saves)


def test_only_the_named_workstream_is_recovered(still: World, scene: Stage) -> None:
    one, other = ordered(still, "ws-15"), ordered(still, "ws-16", "agent-2")
    agents = [scene.start("read of a pipe", stream.tree) for stream in (one, other)]
    silence(one.tree, other.tree)
    chosen = frozenset({found(still)[0].workstreams[0]})
    with session(
        open_orchestration(still.repo), Terms("hang", Request(HANG, chosen)), Permission(True)
    ) as run:
        prepared = prepare(run.look(), run.policy, run.request)

    assert {step.workstream for step in prepared.plan.steps if step.workstream} == chosen
    assert all(alive(agent) for agent in agents)


def test_the_orchestrator_is_started_for_the_freed_workstream_alone(
    world: World, scene: Stage
) -> None:
    said = world.root / "said"
    script = f"import sys; open({str(said)!r}, 'w').write(' '.join(sys.argv[1:]))"
    resume = [sys.executable, "-c", script, "--only", "{workstreams}"]
    impatient(world).configure(orchestration={"resume": resume})
    world.state.create()
    hung(scene, ordered(world, "ws-15"), "read of a pipe")
    world.state.row("ws-99", "pending", agent=None)

    document = recover(world.repo, HANG)

    assert sentences(document, "restart")
    wait_until(said.exists, "the command to have run")
    assert said.read_text() == "--only ws-15"
    assert os.path.lexists(world.common / "unjam")
