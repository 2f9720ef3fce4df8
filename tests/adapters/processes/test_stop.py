"""A process is ended with all of its tree, and nobody else ever is."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.adapters.programs import (
    WAIT,
    Bench,
    Terminal,
    is_alive,
    is_held,
    wait_for_end,
)
from tests.world import Program
from unjam.adapters.processes.identity import identity_of, is_same
from unjam.adapters.processes.stopping.stop import Ladder, stop
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth
from unjam.errors import RefusedError

QUICK = Ladder(interrupt=0.3, terminate=0.3, kill=10)
PATIENT = Ladder(interrupt=30, terminate=30, kill=30)
DEAF_TO_INTERRUPT = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
DEAF = DEAF_TO_INTERRUPT + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
AS_NOBODY = """
if not os.fork():
    tell('theirs')
    os.setuid(65534)
    time.sleep(600)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "worktree"
    path.mkdir()
    return path


@pytest.fixture
def bench(tmp_path: Path, start: Callable[..., Program]) -> Bench:
    return Bench(tmp_path / "bench", start)


@pytest.fixture
def terminal(tree: Path) -> Iterator[Terminal]:
    made = Terminal(tree)
    yield made
    made.close()


def named(pid: int) -> ProcessIdentity:
    identity = identity_of(pid)
    assert identity is not None
    return identity


def started(bench: Bench, body: str, cwd: Path) -> ProcessIdentity:
    program = bench.run(body + "tell('ready')" + WAIT, cwd=cwd)
    bench.heard("ready")
    return named(program.pid)


def test_an_agent_gets_the_chance_to_end_by_itself(bench: Bench, tree: Path) -> None:
    body = "def say(*_):\n    tell('asked')\n    sys.exit(0)\nsignal.signal(signal.SIGINT, say)\n"
    agent = started(bench, body, tree)

    said = stop(agent, tree, PATIENT)

    assert bench.pid("asked") == agent.pid
    assert said == f"ended pid {agent.pid} by SIGINT"
    assert is_same(agent) is Truth.NO


@pytest.mark.parametrize(("deafness", "by"), [(DEAF_TO_INTERRUPT, "SIGTERM"), (DEAF, "SIGKILL")])
def test_who_does_not_listen_is_ended_by_the_next_rung(
    bench: Bench, tree: Path, deafness: str, by: str
) -> None:
    agent = started(bench, deafness, tree)

    assert stop(agent, tree, QUICK) == f"ended pid {agent.pid} by {by}"
    assert not is_alive(agent.pid)


def test_a_stopped_agent_ends_politely_too(bench: Bench, tree: Path) -> None:
    agent = started(bench, "", tree)
    os.kill(agent.pid, signal.SIGSTOP)
    is_held(agent.pid)

    assert stop(agent, tree, PATIENT).endswith("by SIGINT")
    assert not is_alive(agent.pid)


def test_what_left_the_tree_by_a_double_fork_is_ended_with_it(bench: Bench, tree: Path) -> None:
    body = DEAF_TO_INTERRUPT + "if detach():\n    tell('daemon')" + WAIT.replace("\n", "\n    ")
    agent = started(bench, body + "\n", tree)
    daemon = bench.pid("daemon")
    assert psutil.Process(daemon).ppid() != agent.pid

    stop(agent, tree, QUICK)

    assert not is_alive(agent.pid)
    assert not is_alive(daemon)


def test_a_child_that_works_elsewhere_in_a_group_of_its_own_is_ended(
    bench: Bench, tree: Path
) -> None:
    bench.script(DEAF + "os.chdir('/')\ntell('child')" + WAIT, "child.py")
    body = "subprocess.Popen([sys.executable, str(HERE / 'child.py')], start_new_session=True)\n"
    agent = started(bench, body, tree)
    child = bench.pid("child")

    said = stop(agent, tree, QUICK)

    assert said == f"ended pid {agent.pid} and 1 more in its tree by SIGKILL"
    assert not is_alive(child)


def test_who_is_born_of_a_dying_child_is_known_by_its_session(bench: Bench, tree: Path) -> None:
    last_wish = """
def bear(*_):
    if not os.fork():
        tell('orphan')
        while True:
            time.sleep(600)
    os._exit(0)
os.chdir('/')
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, bear)
tell('child')
"""
    bench.script(last_wish + WAIT, "child.py")
    body = "subprocess.Popen([sys.executable, str(HERE / 'child.py')], start_new_session=True)\n"
    agent = started(bench, DEAF + body + "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n", tree)
    bench.pid("child")

    stop(agent, tree, QUICK)

    assert not is_alive(agent.pid)
    assert not is_alive(bench.pid("orphan"))


def test_a_supervisor_that_starts_its_child_again_leaves_no_survivor(
    bench: Bench, tree: Path
) -> None:
    bench.script(
        DEAF + "with open(HERE / 'born', 'a') as born:\n    born.write(f'{os.getpid()}\\n')" + WAIT,
        "child.py",
    )
    body = """
tell('supervisor')
while True:
    try:
        subprocess.run([sys.executable, str(HERE / 'child.py')])
    except BaseException:
        pass
"""
    program = bench.run(DEAF + body, cwd=tree)
    bench.heard("born")

    stop(named(program.pid), tree, QUICK)

    born = [int(line) for line in bench.heard("born").split()]
    assert not any(is_alive(pid) for pid in (program.pid, *born))


def test_a_dead_process_is_already_done(bench: Bench, tree: Path) -> None:
    agent = started(bench, "", tree)
    stop(agent, tree, PATIENT)

    assert stop(agent, tree, PATIENT) == f"pid {agent.pid} had already ended"


def test_another_process_under_the_same_pid_is_not_touched(bench: Bench, tree: Path) -> None:
    innocent = started(bench, "", tree)
    meant = replace(innocent, started=innocent.started - 3.5)

    assert stop(meant, tree, QUICK) == f"pid {innocent.pid} had already ended"
    assert is_alive(innocent.pid)


def test_a_process_before_the_last_boot_has_ended(bench: Bench, tree: Path) -> None:
    innocent = started(bench, "", tree)

    assert stop(replace(innocent, boot="earlier"), tree, QUICK).endswith("already ended")
    assert is_alive(innocent.pid)


def test_a_process_of_another_machine_is_refused(bench: Bench, tree: Path) -> None:
    innocent = started(bench, "", tree)

    with pytest.raises(RefusedError, match="cannot be looked at from here"):
        stop(replace(innocent, host="elsewhere"), tree, QUICK)
    assert is_alive(innocent.pid)


def test_a_process_that_works_elsewhere_by_now_is_refused(
    bench: Bench, tree: Path, tmp_path: Path
) -> None:
    innocent = started(bench, "", tmp_path)

    with pytest.raises(RefusedError, match="it works in"):
        stop(innocent, tree, QUICK)
    assert is_alive(innocent.pid)


def test_those_we_live_in_are_refused() -> None:
    for pid in (1, os.getpid(), os.getppid()):
        with pytest.raises(RefusedError, match="unjam itself runs in it"):
            stop(named(pid), None, QUICK)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_users_process_is_refused(bench: Bench, tree: Path) -> None:
    agent = started(bench, AS_NOBODY, tree)
    child = bench.pid("theirs")

    with pytest.raises(RefusedError, match="it is nobody's"):
        stop(named(child), tree, QUICK)
    assert is_alive(child)
    assert is_alive(agent.pid)


def test_a_person_in_the_worktree_keeps_the_shell(
    bench: Bench, tree: Path, terminal: Terminal
) -> None:
    script = bench.script("tell('theirs')" + WAIT, "theirs.py")
    terminal.type(f"python3 {script}")
    theirs = bench.pid("theirs")
    agent = started(bench, DEAF, tree)

    stop(agent, tree, QUICK)

    assert not is_alive(agent.pid)
    assert is_alive(terminal.pid)
    assert is_alive(theirs)


def test_a_neighbour_in_the_same_session_is_not_touched(
    bench: Bench, tree: Path, tmp_path: Path
) -> None:
    neighbour = bench.run_command("sleep", "600", cwd=tmp_path)
    agent = started(bench, DEAF, tree)
    assert os.getsid(neighbour.pid) == os.getsid(agent.pid)

    stop(agent, tree, QUICK)

    assert is_alive(neighbour.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_users_process_in_the_tree_is_left_alone_and_named(
    bench: Bench, tree: Path
) -> None:
    agent = started(bench, AS_NOBODY, tree)
    child = bench.pid("theirs")

    said = stop(agent, tree, QUICK)

    assert f"left alone, being another user's: pid {child} (" in said
    assert not is_alive(agent.pid)
    assert is_alive(child)


def test_an_orchestrator_is_ended_with_its_agents(bench: Bench, tree: Path, tmp_path: Path) -> None:
    bench.script("tell('child')" + WAIT, "child.py")
    body = f"subprocess.Popen([sys.executable, str(HERE / 'child.py')], cwd={str(tree)!r})\n"
    orchestrator = started(bench, body, tmp_path)
    child = bench.pid("child")

    stop(orchestrator, None, QUICK)

    wait_for_end(orchestrator.pid, child)
