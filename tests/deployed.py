"""The deployments of ``prefect.yaml``, served from a process of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.serve import declared
from tests.command import ROOT
from tests.prefect_server import shared
from tests.world.sealed import GIT_CONFIG, trust_below
from tests.world.shell import wait_until


@contextmanager
def served(url: str, directory: Path) -> Iterator[None]:
    """Serve them all on the session's server, once for all workers: one would end another's runs."""
    with shared(directory, lambda: _start(url, directory)):
        yield


def started(client: SyncPrefectClient, name: str, **parameters: object) -> UUID:
    """Ask for a run of a deployment, as the API does."""
    found = client.read_deployment_by_name(f"{name}/{name}")
    return client.create_flow_run_from_deployment(found.id, parameters=parameters).id


def until_state(client: SyncPrefectClient, run: UUID, *names: str) -> FlowRun:
    """Wait until a flow run is in one of these states."""

    def state() -> str:
        read = client.read_flow_run(run).state
        return str(read.name) if read else ""

    wait_until(lambda: state() in names, f"{run} to be {' or '.join(names)}")
    return client.read_flow_run(run)


def until_ended(client: SyncPrefectClient, run: UUID) -> FlowRun:
    """Wait until a flow run has ended, or waits for a person, in whichever state."""

    def stands() -> bool:
        state = client.read_flow_run(run).state
        return state is not None and (state.is_final() or state.is_paused())

    wait_until(stands, f"{run} to end")
    return client.read_flow_run(run)


def _all_ready(url: str, log: Path) -> bool:
    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
        names = {one.name for one in client.read_deployments()}
    return {one["name"] for one in declared()} <= names and "Your deployments" in log.read_text()


def _start(url: str, directory: Path) -> dict[str, object]:
    log = directory / "log"
    (directory / "gitconfig").write_text(GIT_CONFIG)
    trust_below(directory, directory.parent)
    env = os.environ | {
        "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory),
        "XDG_STATE_HOME": str(directory / "state"),
        "PREFECT_HOME": str(directory / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(directory / "gitconfig"),
        "PYTHONPATH": str(ROOT),
    }
    with log.open("ab") as output:
        serving = subprocess.Popen(
            (sys.executable, "-m", "deployments.serve"),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(
        lambda: serving.poll() is not None or _all_ready(url, log),
        "the deployments to be served",
    )
    assert serving.poll() is None, log.read_text()
    return {"pid": serving.pid}
