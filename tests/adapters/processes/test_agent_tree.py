"""What an agent's processes show of themselves, in two looks: every kind of hang, and of silence."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.world import Program, fair, wait_until
from tests.world.hanging import HUNG, SILENT, UNTOLD, Stage, stage
from unjam.adapters.processes.looking.agent_tree import WantedAgent, look_at_agents, uncollected
from unjam.domain.world.agents.score import HUNG as CONVICTED
from unjam.domain.world.agents.score import HangVerdict, Score, score
from unjam.domain.world.agents.signs import Look, Wait, Watched

PATIENCE = 0.5  # seconds; an hour in life
WINDOW = 0.4


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "stage") as made:
        yield made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    made.mkdir()
    return made


def seen(tree: Path, *pids: int) -> Look:
    return look_at_agents({"tree": WantedAgent(pids, tree)})["tree"]


def judged(tree: Path, *pids: int, patience: float = PATIENCE) -> Score:
    """The verdict on an agent that has been silent for as long as it lives."""

    def grown_up() -> bool:
        return all(one.age > patience for one in seen(tree, *pids).members)

    wait_until(grown_up, "the agent to be older than the patience") if patience < 9 else None
    before = seen(tree, *pids)
    time.sleep(fair(WINDOW))  # the interval itself
    now = seen(tree, *pids)
    watched = Watched("tree", timedelta(seconds=patience), before, now)
    return score(watched, datetime.now(UTC))


@pytest.mark.parametrize(
    ("verdict", "kind"), [(verdict, kind) for verdict, kinds in HUNG.items() for kind in kinds]
)
def test_what_hangs_is_told_by_what_it_waits_for(
    scene: Stage, tree: Path, verdict: str, kind: str
) -> None:
    agent = scene.start(kind, tree)

    def is_told() -> bool:
        return judged(tree, agent.pid).verdict == verdict

    wait_until(is_told, f"{kind} to be {verdict}")


@pytest.mark.parametrize("kind", [*SILENT, *UNTOLD])
def test_nothing_that_may_work_is_ever_called_hung(scene: Stage, tree: Path, kind: str) -> None:
    agent = scene.start(kind, tree)

    verdicts = [judged(tree, agent.pid).verdict for _ in range(4)]

    assert [one for one in verdicts if one in CONVICTED] == []


@pytest.mark.parametrize("kind", SILENT)
def test_silent_work_is_told_from_what_cannot_be_told(scene: Stage, tree: Path, kind: str) -> None:
    agent = scene.start(kind, tree)

    def is_told() -> bool:
        return judged(tree, agent.pid).verdict is HangVerdict.WORKING

    wait_until(is_told, f"{kind} to get a processor, and to be told")


@pytest.mark.parametrize("kind", UNTOLD)
def test_what_sleeps_or_polls_is_left_to_a_person(scene: Stage, tree: Path, kind: str) -> None:
    agent = scene.start(kind, tree)

    assert judged(tree, agent.pid).verdict is HangVerdict.UNKNOWN


def test_a_connection_is_hung_only_after_the_whole_patience_without_a_byte(
    scene: Stage, tree: Path
) -> None:
    agent = scene.start("silent peer", tree)
    wait_until(lambda: seen(tree, agent.pid).members[0].age > PATIENCE, "the agent to be older")

    early = judged(tree, agent.pid, patience=3600)

    assert early.verdict is HangVerdict.WORKING
    (line,) = seen(tree, agent.pid).connections
    assert 0 < line.quiet < 60
    assert line.peer.startswith("127.0.0.1:")


def test_the_servant_of_an_agent_that_works_does_not_wait_for_input(
    scene: Stage, tree: Path
) -> None:
    code = (
        "import subprocess, time\n"
        "servant = subprocess.Popen(['cat'], stdin=subprocess.PIPE)\n"
        "while True: time.sleep(0.05)"
    )
    agent = subprocess.Popen([sys.executable, "-c", code], cwd=tree, stdin=subprocess.DEVNULL)
    scene.processes.append(agent)
    wait_until(lambda: len(seen(tree, agent.pid).members) == 2, "the servant to be there")

    def waits() -> set[Wait]:
        return {one.wait for one in seen(tree, agent.pid).members if one.command == ("cat",)}

    wait_until(lambda: waits() == {Wait.MEMBER}, "the servant to wait for its agent")
    assert judged(tree, agent.pid).verdict is HangVerdict.UNKNOWN


def test_a_child_that_forked_away_twice_is_part_of_the_tree_and_acquits_it(
    scene: Stage, tree: Path
) -> None:
    code = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    while True: pass\n"
        "os.wait(); sys.stdin.read()"
    )
    agent = subprocess.Popen([sys.executable, "-c", code], cwd=tree, stdin=subprocess.PIPE)
    scene.processes.append(agent)
    wait_until(lambda: len(seen(tree, agent.pid).members) == 2, "the child to be away")
    (away,) = [one for one in seen(tree, agent.pid).members if one.pid != agent.pid]

    try:
        assert away.parent != agent.pid
        assert judged(tree, agent.pid).verdict is HangVerdict.WORKING
    finally:
        os.kill(away.pid, signal.SIGKILL)


def test_a_young_process_is_a_sign_of_life(scene: Stage, tree: Path) -> None:
    agent = scene.start("read of a pipe", tree)

    told = judged(tree, agent.pid, patience=3600)

    assert told.verdict is HangVerdict.WORKING
    assert "was started" in told.evidence[0]


def test_an_agent_in_place_of_another_is_not_judged_by_the_first(scene: Stage, tree: Path) -> None:
    first, second = (scene.start("read of a pipe", tree) for _ in range(2))
    before, now = seen(tree, first.pid), seen(tree, second.pid)

    told = score(Watched("tree", timedelta(0), before, now), datetime.now(UTC))

    assert told.verdict is HangVerdict.UNKNOWN


def test_what_is_open_for_writing_tells_when_it_last_wrote_unless_others_write_it_too(
    scene: Stage, tree: Path, tmp_path: Path
) -> None:
    log, shared = tmp_path / "agent.log", tmp_path / "shared.log"
    code = "import sys; log = open(sys.argv[1], 'w'); log.write('x'); log.flush(); sys.stdin.read()"
    with shared.open("w") as ours:
        agent = subprocess.Popen(
            [sys.executable, "-c", code, str(log)], cwd=tree, stdin=subprocess.PIPE, stderr=ours
        )
        scene.processes.append(agent)
        wait_until(lambda: log.exists() and log.stat().st_size > 0, "the log to be written")
        os.utime(log, (1000, 1000))

        assert seen(tree, agent.pid).written_at == datetime.fromtimestamp(1000, UTC)


def test_children_that_nobody_collected_are_named(
    tree: Path, start: Callable[..., Program]
) -> None:
    code = "import subprocess, sys\nleft = subprocess.Popen(['true'])\nimport time; time.sleep(600)"
    boss = start(sys.executable, "-c", code, cwd=tree)

    wait_until(lambda: len(uncollected(boss.pid)) == 1, "the child to have ended")

    assert [one.wait for one in uncollected(boss.pid)] == [Wait.ENDED]


def test_looking_at_nobody_costs_nothing_and_a_dead_one_shows_nothing(tree: Path) -> None:
    ended = subprocess.Popen(["true"], cwd=tree)
    ended.wait()

    assert look_at_agents({}) == {}
    assert seen(tree, ended.pid).members == ()
