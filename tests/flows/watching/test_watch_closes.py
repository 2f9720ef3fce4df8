"""Runs that were cancelled or killed, with or without their worker, are closed and continued by the watch."""

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelling, Pending

from tests.command import ROOT, environment, unjam_json
from tests.deployed import started, until_ended, until_state
from tests.interrupt.killing import journal_lines
from tests.world import Program, World, typical_wreck
from tests.world.orchestration import Setting
from tests.world.shell import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_deployments", "prefect_server")]
ALL_AUTO: dict[str, Setting] = {"stop": "auto", "land": "auto", "push": "auto", "restart": "off"}
BEGUN = 12  # lines of a journal: the plan is there, and some of it is done


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def wreck(world: World) -> World:
    """A wreck whose recovery asks nobody, and whose verification takes a while."""
    typical_wreck(world)
    world.configure(policy=ALL_AUTO, verify={"command": [sys.executable, "-c", SLOWLY]})
    return world


SLOWLY = "import time; time.sleep(3)"


def process_of(run: UUID) -> psutil.Process | None:
    """The process that carries out a flow run, as a person would find it."""
    for one in psutil.process_iter():
        try:
            mine = one.environ().get("PREFECT__FLOW_RUN_ID") == str(run)
            if mine and "prefect.engine" in " ".join(one.cmdline()):
                return one
        except psutil.Error:
            continue
    return None


def until_begun(world: World, run: UUID) -> psutil.Process:
    """Wait until a run is in the middle of its work."""
    wait_until(lambda: journal_lines(world) >= BEGUN, "the recovery to be at work")
    found = process_of(run)
    assert found is not None
    return found


def state_of(client: SyncPrefectClient, run: UUID) -> State[None]:
    state = client.read_flow_run(run).state
    assert state is not None
    return state


def watched_until_healthy(client: SyncPrefectClient, world: World) -> FlowRun:
    """Let the watch look, as it would in five minutes, and wait for what it starts."""
    from flows.detect import detect

    (row,) = detect([world.repo])["repositories"]
    assert row["started"], row
    mine = [one for one in client.read_flow_runs() if one.parameters.get("repo") == str(world.repo)]
    run = next(one for one in mine if one.name == row["started"])
    ended = until_ended(client, run.id)
    assert ended.state is not None
    assert ended.state.name == "Recovered", ended.state.message
    assert unjam_json("check", cwd=world.repo)["healthy"]
    return ended


def test_a_run_cancelled_in_the_middle_is_cancelled_and_the_watch_continues_it(
    wreck: World, client: SyncPrefectClient
) -> None:
    treasure = wreck.treasure()
    run = started(client, "recover", repo=str(wreck.repo))
    until_begun(wreck, run)

    client.set_flow_run_state(run, Cancelling())

    assert until_ended(client, run).state_name == "Cancelled"
    watched_until_healthy(client, wreck)
    assert wreck.lost(treasure) == []


@pytest.mark.thorough
def test_a_run_whose_process_is_killed_is_crashed_at_once_and_the_watch_continues_it(
    wreck: World, client: SyncPrefectClient
) -> None:
    treasure = wreck.treasure()
    run = started(client, "recover", repo=str(wreck.repo))
    until_begun(wreck, run).kill()

    until_state(client, run, "Crashed")
    watched_until_healthy(client, wreck)
    assert wreck.lost(treasure) == []


@pytest.mark.parametrize("cancelled", [False, True], ids=["running", "cancelling"])
def test_a_run_killed_together_with_its_worker_is_closed_by_the_watch_and_continued(
    wreck: World, client: SyncPrefectClient, tmp_path: Path, *, cancelled: bool
) -> None:
    treasure = wreck.treasure()
    run = carried_out_by_no_worker(wreck, client, tmp_path)
    process = until_begun(wreck, run)
    process.suspend()  # else it may see that it is cancelled, and end by itself
    if cancelled:
        client.set_flow_run_state(run, Cancelling())

    process.kill()

    assert state_of(client, run).name == ("Cancelling" if cancelled else "Running")
    watched_until_healthy(client, wreck)
    assert state_of(client, run).name == ("Cancelled" if cancelled else "Crashed")
    assert wreck.lost(treasure) == []


def carried_out_by_no_worker(world: World, client: SyncPrefectClient, tmp_path: Path) -> UUID:
    """A run that its worker has started before it was killed itself."""
    found = client.read_deployment_by_name("recover/recover")
    parameters = {"repo": str(world.repo)}
    run = client.create_flow_run_from_deployment(found.id, parameters=parameters, state=Pending())
    named = environment({"PREFECT__FLOW_RUN_ID": str(run.id)})
    words = (sys.executable, "-m", "prefect.engine", str(run.id))
    Program(*words, cwd=ROOT, output=tmp_path / "run.out", env=named)
    return run.id


def test_a_run_whose_process_lives_is_left_alone(wreck: World, client: SyncPrefectClient) -> None:
    from flows.detect import detect

    run = started(client, "recover", repo=str(wreck.repo))
    until_begun(wreck, run)

    (row,) = detect([wreck.repo])["repositories"]

    assert row["started"] == ""
    assert "at work" in row["because"]
    ended = until_ended(client, run)
    assert ended.state_name == "Recovered"
