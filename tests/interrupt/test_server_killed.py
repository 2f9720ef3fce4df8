"""The Prefect server that a run without one starts for itself never outlives that run."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.command import command, environment, unjam
from tests.flows.building import begun
from tests.world import Program, World, wait_until

APPLICATION = "prefect.server.api.server:create_app"


def server_of(program: Program) -> psutil.Process | None:
    """The server this program started, however deep below it."""
    with suppress(psutil.Error):
        for child in psutil.Process(program.pid).children(recursive=True):
            with suppress(psutil.Error):
                if APPLICATION in child.cmdline():
                    return child
    return None


def planned(world: World) -> bool:
    folder = world.common / "unjam" / "journal"
    return any('"event":"made"' in path.read_text() for path in folder.glob("*.jsonl"))


def as_it_starts(_world: World) -> bool:
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGKILL, planned),
        (signal.SIGTERM, as_it_starts),
        pytest.param(signal.SIGKILL, as_it_starts, marks=pytest.mark.thorough),
        pytest.param(signal.SIGTERM, planned, marks=pytest.mark.thorough),
    ],
)
def test_whenever_a_run_is_ended_its_server_ends_too(
    world: World,
    start: Callable[..., Program],
    number: signal.Signals,
    moment: Callable[[World], bool],
) -> None:
    begun(world)
    run = start(*command("recover", "--yes"), cwd=world.repo, env=environment())
    wait_until(lambda: server_of(run) is not None, "the server to start")
    server = server_of(run)
    assert server is not None
    wait_until(lambda: moment(world), "the moment")
    assert run.alive, run.output.read_text()

    os.kill(run.pid, number)

    wait_until(lambda: not server.is_running(), "the server to end")


@pytest.mark.thorough
def test_a_run_that_ends_by_itself_takes_its_server_with_it(
    world: World, start: Callable[..., Program]
) -> None:
    begun(world)
    run = start(*command("recover", "--yes"), cwd=world.repo, env=environment())
    wait_until(lambda: server_of(run) is not None, "the server to start")
    server = server_of(run)
    assert server is not None

    assert run.wait() == 0, run.output.read_text()

    assert not server.is_running()


@pytest.mark.slow
def test_a_server_that_does_not_start_is_said_in_one_line_and_nothing_is_changed(
    world: World,
) -> None:
    begun(world)
    before = world.inventory()

    impatient = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "1"}
    ended = unjam("recover", "--yes", cwd=world.repo, env=impatient)

    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, world.inventory()) == (2, before)
    assert line.startswith("unjam: Prefect's embedded backend did not start: ")
    assert "PREFECT_HOME" in line


@pytest.mark.slow
def test_nothing_that_lies_where_it_is_started_becomes_part_of_the_server(
    world: World, tmp_path: Path, start: Callable[..., Program]
) -> None:
    stream = begun(world)
    witness = tmp_path / "was imported"
    for name in ("uvicorn.py", "prefect.py", "sitecustomize.py"):
        (stream.tree / name).write_text(f"open({str(witness)!r}, 'w').close()\n")
    planted = "import sys; sys.path.remove(''); sys.argv[0] = 'unjam'; import unjam.cli; sys.exit(unjam.cli.main())"
    words = [command()[0], "-c", planted, "recover", "--yes"]

    run = start(*words, cwd=stream.tree, env=environment())

    assert run.wait() == 0, run.output.read_text()
    assert not witness.exists()
