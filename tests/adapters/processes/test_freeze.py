"""What is held still goes on afterwards, whatever becomes of us."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.adapters.programs import WAIT, Bench, is_alive, is_held, is_stopped
from tests.world import Program
from tests.world.shell import wait_until
from unjam.adapters.processes.identity import identity_of
from unjam.adapters.processes.stopping.freeze import frozen
from unjam.domain.world.identity import ProcessIdentity

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bench(tmp_path: Path, start: Callable[..., Program]) -> Bench:
    return Bench(tmp_path / "bench", start)


def named(pid: int) -> ProcessIdentity:
    identity = identity_of(pid)
    assert identity is not None
    return identity


def family(bench: Bench, tmp_path: Path) -> tuple[int, int]:
    """An agent with a child that left its group."""
    bench.script("tell('child')" + WAIT, "child.py")
    body = "subprocess.Popen([sys.executable, str(HERE / 'child.py')], start_new_session=True)"
    agent = bench.run(body + WAIT, cwd=tmp_path)
    return agent.pid, bench.pid("child")


def test_a_whole_tree_is_held_and_goes_on(bench: Bench, tmp_path: Path) -> None:
    agent, child = family(bench, tmp_path)

    with frozen([named(agent)]) as held:
        assert held == {agent, child}
        assert is_held(agent)
        assert is_held(child)

    assert not is_stopped(agent)
    assert not is_stopped(child)


def interrupted(agent: int, child: int) -> None:
    with frozen([named(agent)]):
        assert is_held(child)
        raise KeyboardInterrupt


def test_it_goes_on_after_an_error_too(bench: Bench, tmp_path: Path) -> None:
    agent, child = family(bench, tmp_path)

    with pytest.raises(KeyboardInterrupt):
        interrupted(agent, child)

    assert not is_stopped(agent)
    assert not is_stopped(child)


def test_what_was_stopped_before_stays_stopped(bench: Bench, tmp_path: Path) -> None:
    agent, child = family(bench, tmp_path)
    os.kill(child, signal.SIGSTOP)
    is_held(child)

    with frozen([named(agent)]) as held:
        assert held == {agent}

    assert not is_stopped(agent)
    assert is_stopped(child)


def test_a_writer_writes_nothing_while_it_is_held(bench: Bench, tmp_path: Path) -> None:
    body = "tell(sys.argv[1])\nlog = open(HERE / (sys.argv[1] + '.log'), 'a')\n"
    script = bench.script(body + "while True:\n    log.write('x')\n    log.flush()\n")
    writer = bench.run_command(sys.executable, script, "writer", cwd=tmp_path)
    bench.run_command(sys.executable, script, "control", cwd=tmp_path)
    log, control = (tmp_path / "bench" / f"{name}.log" for name in ("writer", "control"))
    wait_until(lambda: log.exists() and log.stat().st_size > 0, "the writer to write")
    wait_until(control.exists, "the control to write")

    with frozen([named(writer.pid)]):
        is_held(writer.pid)
        before, reached = log.stat(), control.stat().st_size
        wait_until(lambda: control.stat().st_size > reached + 1000, "the control to go on")
        after = log.stat()

    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    wait_until(lambda: log.stat().st_size > after.st_size, "the writer to go on")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_agents_go_on_when_we_are_killed_meanwhile(
    bench: Bench, tmp_path: Path, number: signal.Signals
) -> None:
    agent, child = family(bench, tmp_path)
    body = f"""
sys.path.insert(0, {str(ROOT)!r})
from unjam.adapters.processes.stopping.freeze import frozen
from unjam.adapters.processes.identity import identity_of
with frozen([identity_of({agent})]):
    tell('holding')
    time.sleep(600)
"""
    holder = bench.run_command(sys.executable, bench.script(body, "holder.py"), cwd=tmp_path)
    bench.heard("holding")
    assert is_held(agent)
    assert is_held(child)

    os.kill(holder.pid, number)

    wait_until(lambda: not is_stopped(agent) and not is_stopped(child), "the agents to go on")
    assert is_alive(agent)


def test_those_we_live_in_are_never_held() -> None:
    with frozen([named(os.getpid()), named(os.getppid()), named(1)]) as held:
        assert os.getppid() not in held
        assert os.getpid() not in held
        assert 1 not in held


def test_the_dead_are_passed_over(bench: Bench, tmp_path: Path) -> None:
    agent = bench.run("tell('ready')" + WAIT, cwd=tmp_path)
    bench.heard("ready")
    identity = named(agent.pid)
    agent.kill()

    with frozen([identity]) as held:
        assert held == frozenset()


def test_no_guard_is_left(bench: Bench, tmp_path: Path) -> None:
    agent, _ = family(bench, tmp_path)
    before = {one.pid for one in psutil.Process().children()}

    with frozen([named(agent)]):
        assert {one.pid for one in psutil.Process().children()} - before

    assert {one.pid for one in psutil.Process().children()} == before
