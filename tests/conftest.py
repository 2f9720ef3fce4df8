"""Every test runs sealed off from this machine's Git configuration, home and Prefect profile."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.memory import DISK, directory_on_disk, prefer_memory
from tests.prefect_server import QUIET, shared_server
from tests.world import Program, World, end_processes_below
from tests.world.sealed import GIT_CONFIG, trust_below

# Prefect reads these when it is first imported, in whichever test that happens.
os.environ.update(QUIET)

# No test depends on the clock: on a busy machine a good example takes long.
settings.register_profile("unjam", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unjam")


def pytest_configure() -> None:
    """Before the first directory is made, and the first module imported."""
    prefer_memory()
    # Most of what lives in a worker lives to its end, and was gone through again with every few tests.
    gc.set_threshold(100_000, 50, 100)


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three for two processors: a third of the time a test only waits."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: at the end, no worker waits for another."""
    items.sort(key=lambda item: "slow" not in item.keywords)


@pytest.fixture(autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, one Git identity, and nothing inherited that points at another repository."""
    home = tmp_path_factory.mktemp("home")
    (home / "gitconfig").write_text(GIT_CONFIG)
    trust_below(home, shared_by_workers(tmp_path_factory), DISK)
    inherited = [one for one in os.environ if one.startswith(("GIT_", "UNJAM_", "PREFECT_"))]
    for name in inherited:
        if name not in QUIET:
            monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "PREFECT_HOME": str(home / "prefect"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An empty directory of the test; of a test marked ``disk`` it is on one."""
    with directory_on_disk() if "disk" in request.keywords else nullcontext(tmp_path) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A healthy orchestration with a remote and a check, and nothing ordered yet."""
    made = World(tmp_path / "world")
    yield made
    made.close()


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make worlds of another kind, ``new_world(remote=False)``, or several."""
    made: list[World] = []

    def make(**kind: bool) -> World:
        made.append(World(tmp_path / f"world-{len(made)}", **kind))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start programs that end with the test, together with everything they left in its directory."""
    started: list[Program] = []

    def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Program:
        output = tmp_path / f"program-{len(started)}.out"
        started.append(Program(*command, cwd=cwd, output=output, env=env))
        return started[-1]

    yield run
    for program in started:
        if program.alive:
            program.kill()
    end_processes_below(tmp_path)


@pytest.fixture(scope="session")
def _prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shared_server(shared_by_workers(tmp_path_factory) / "prefect") as url:
        yield url
        _send_waiting_logs()


@pytest.fixture(scope="session")
def _deployments(_prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All deployments of prefect.yaml, served."""
    from tests.deployed import served

    with served(_prefect_api, shared_by_workers(tmp_path_factory) / "served"):
        yield


def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the session's own directory."""
    base = tmp_path_factory.getbasetemp()
    # A parallel worker's directory lies in that of the session.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _send_waiting_logs() -> None:
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()


@pytest.fixture
def prefect_server(
    _prefect_api: str, _sealed: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A running Prefect server, for flows in this process and for commands that are started.

    The heartbeat is off in this process: its thread costs every flow run a second.
    """
    import prefect.settings
    from prefect.settings import temporary_settings

    monkeypatch.setenv("PREFECT_API_URL", _prefect_api)
    with temporary_settings(
        {
            prefect.settings.PREFECT_API_URL: _prefect_api,
            prefect.settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        }
    ):
        yield _prefect_api
