"""A server that is killed or whose database is locked in the middle, a worker that is killed: no work is lost."""

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import UUID

import prefect.settings
import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import temporary_settings

from tests.command import ROOT, command, environment, unjam_json
from tests.deployed import served, started, until_ended, until_state
from tests.flows.watching.test_watch_closes import BEGUN, until_begun, wreck
from tests.interrupt.killing import journal_lines
from tests.prefect_server import QUIET, free_port, healthy
from tests.world import Program, World, wait_until

__all__ = ["wreck"]
pytestmark = pytest.mark.slow
ENDED = ("Completed", "Failed", "Crashed", "Cancelled")
# A run gives up after seconds instead of minutes, so that what follows is seen in seconds.
IMPATIENT = {"PREFECT_CLIENT_MAX_RETRIES": "2", "PREFECT_API_REQUEST_TIMEOUT": "5"}


class Server:
    """A server of its own, which may be killed and started again at the same place."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/api"
        self.database = directory / "home" / "prefect.db"
        self.start()

    def start(self) -> None:
        words = ("-m", "prefect", "server", "start", "--host=127.0.0.1", f"--port={self._port}")
        self._program = Program(
            sys.executable,
            *words,
            cwd=ROOT,
            output=self._directory / "server.log",
            env=environment({**QUIET, "PREFECT_HOME": str(self._directory / "home")}),
        )
        wait_until(lambda: healthy(self.url), "the Prefect server")

    def kill(self) -> None:
        self._program.kill()


@pytest.fixture(scope="module")
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("own"))
    yield made
    made.kill()


@pytest.fixture
def server(_own: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One server for all tests of this module, which leave it running."""
    monkeypatch.setenv("PREFECT_API_URL", _own.url)
    settings = {
        prefect.settings.PREFECT_API_URL: _own.url,
        prefect.settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    with temporary_settings(settings):
        yield _own


@pytest.fixture
def client(server: Server) -> Iterator[SyncPrefectClient]:
    assert server.url
    with get_client(sync_client=True) as made:
        yield made


Trouble = Callable[[Server, Callable[[], None]], None]


def killed_and_started_again(server: Server, until: Callable[[], None]) -> None:
    server.kill()
    until()
    server.start()


def locked(server: Server, until: Callable[[], None]) -> None:
    with closing(sqlite3.connect(server.database, timeout=30, isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        until()
        held.execute("ROLLBACK")


TROUBLES = pytest.mark.parametrize("trouble", [killed_and_started_again, locked])


@TROUBLES
def test_a_recovery_outlasts_a_trouble_of_its_server_and_is_recorded_as_if_there_were_none(
    wreck: World, server: Server, client: SyncPrefectClient, tmp_path: Path, trouble: Trouble
) -> None:
    treasure = wreck.treasure()
    words = command("recover", "--yes")
    recovery = Program(*words, cwd=wreck.repo, output=tmp_path / "out", env=environment())
    wait_until(lambda: journal_lines(wreck) >= BEGUN, "the recovery to be at work")

    trouble(server, passes)

    assert recovery.wait() == 0, (tmp_path / "out").read_text()
    (past,) = unjam_json("history", cwd=wreck.repo)["runs"]
    assert past["word"] == "recovered"
    assert until_ended(client, UUID(past["flow_run"]["id"])).state_name == "Recovered"
    assert wreck.lost(treasure) == []


def passes() -> None:
    """Let a trouble last for some of the tries of who waits for it."""
    end = time.monotonic() + 4
    wait_until(lambda: time.monotonic() > end, "the time")


@pytest.fixture
def _impatient(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All deployments, served by a process whose runs give up soon."""
    with ExitStack() as serving:
        with monkeypatch.context() as patched:
            for name, value in IMPATIENT.items():
                patched.setenv(name, value)
            serving.enter_context(served(server.url, tmp_path / "served"))
        yield


@pytest.mark.thorough
@TROUBLES
@pytest.mark.usefixtures("_impatient")
def test_a_run_whose_server_is_away_for_longer_than_it_waits_is_closed_and_its_work_is_done(
    wreck: World, server: Server, client: SyncPrefectClient, trouble: Trouble
) -> None:
    from flows.detect import detect

    treasure = wreck.treasure()
    run = started(client, "recover", repo=str(wreck.repo))
    process = until_begun(wreck, run)

    trouble(server, lambda: gone(process))

    # It may have done all of its work alone: it needs the server to tell of it, not to do it.
    (row,) = detect([wreck.repo])["repositories"]
    assert until_state(client, run, *ENDED).state_name in {"Crashed", "Failed"}
    if row["found"] != "nothing":
        wait_until(lambda: unjam_json("check", cwd=wreck.repo)["healthy"], "it")
    assert unjam_json("check", cwd=wreck.repo)["healthy"]
    assert wreck.lost(treasure) == []


def gone(process: psutil.Process) -> None:
    wait_until(lambda: not process.is_running(), "it to give up")


@pytest.mark.thorough
@pytest.mark.usefixtures("_impatient")
def test_a_run_whose_worker_is_killed_ends_with_it_and_is_continued(
    wreck: World, client: SyncPrefectClient
) -> None:
    treasure = wreck.treasure()
    run = started(client, "recover", repo=str(wreck.repo))
    worker = until_begun(wreck, run).parent()
    assert worker is not None
    assert "deployments.serve" in worker.cmdline()

    worker.kill()

    assert until_state(client, run, *ENDED).state_name == "Crashed"
    assert unjam_json("recover", "--yes", cwd=wreck.repo)["word"] in {"recovered", "nothing to do"}
    assert unjam_json("check", cwd=wreck.repo)["healthy"]
    assert wreck.lost(treasure) == []
