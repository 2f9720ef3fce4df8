"""A Prefect server that is killed in the middle, or whose database is locked, costs no work."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import prefect.settings
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import temporary_settings

from tests.command import ROOT, environment, unjam_json
from tests.deployed import served, started, until_state
from tests.flows.test_watch_closes import until_begun, wreck
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
        wait_until(lambda: healthy(self.url), "the Prefect server", deadline=120)

    def kill(self) -> None:
        self._program.kill()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    (tmp_path / "own").mkdir()
    made = Server(tmp_path / "own")
    monkeypatch.setenv("PREFECT_API_URL", made.url)
    settings = {
        prefect.settings.PREFECT_API_URL: made.url,
        prefect.settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    try:
        with monkeypatch.context() as patched:
            for name, value in IMPATIENT.items():
                patched.setenv(name, value)
            serving = ExitStack()
            serving.enter_context(served(made.url, tmp_path / "served"))
        with serving, temporary_settings(settings):
            yield made
    finally:
        made.kill()


@pytest.fixture
def client(server: Server) -> Iterator[SyncPrefectClient]:
    assert server.url
    with get_client(sync_client=True) as made:
        yield made


def killed_and_started_again(server: Server, until: Callable[[], None]) -> None:
    server.kill()
    until()
    server.start()


def locked(server: Server, until: Callable[[], None]) -> None:
    with closing(sqlite3.connect(server.database, timeout=30, isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        until()
        held.execute("ROLLBACK")


@pytest.mark.parametrize(
    "trouble", [killed_and_started_again, pytest.param(locked, marks=pytest.mark.thorough)]
)
def test_a_run_whose_server_is_away_for_longer_than_it_waits_is_closed_and_its_work_is_done(
    wreck: World,
    server: Server,
    client: SyncPrefectClient,
    trouble: Callable[[Server, Callable[[], None]], None],
) -> None:
    from flows.detect import detect

    treasure = wreck.treasure()
    run = started(client, "recover", repo=str(wreck.repo))
    process = until_begun(wreck, run)

    trouble(
        server, lambda: wait_until(lambda: not process.is_running(), "it to give up", deadline=90)
    )

    # It may have done all of its work alone: it needs the server to tell of it, not to do it.
    (row,) = detect([wreck.repo])["repositories"]
    assert until_state(client, run, *ENDED).state_name in {"Crashed", "Failed"}
    if row["found"] != "nothing":
        wait_until(lambda: unjam_json("check", cwd=wreck.repo)["healthy"], "it", deadline=90)
    assert unjam_json("check", cwd=wreck.repo)["healthy"]
    assert wreck.lost(treasure) == []
