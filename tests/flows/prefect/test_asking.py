"""A run from the UI, the API or a schedule asks a person before steps the policy asks about."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from tests.command import unjam_json
from tests.deployed import started, until_ended, until_state
from tests.world import World, typical_wreck
from tests.world.shell import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_deployments", "prefect_server")]


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


def shown(client: SyncPrefectClient, run: UUID, key: str) -> str:
    """Return what the form says, which is written a moment after the state."""
    said: list[str] = []

    def written() -> bool:
        with suppress(ObjectNotFound, PrefectHTTPStatusError):
            said.append(str(client.read_flow_run_input(run, key)))
        return bool(said)

    wait_until(written, "the form")
    return said[0]


def resumed(client: SyncPrefectClient, run: Any, decision: str) -> str:
    answer = client.resume_flow_run(run, run_input={"decision": decision, "name": "Ada"})
    return str(answer.status)


def test_it_waits_without_lease_or_process_shows_the_plan_and_goes_on_when_approved(
    world: World, client: SyncPrefectClient
) -> None:
    typical_wreck(world)
    planned = unjam_json("recover", "--dry-run", cwd=world.repo)

    run = started(client, "orchestrator_crash", repo=str(world.repo))
    waiting = until_ended(client, run)

    assert waiting.state is not None
    assert waiting.state.name == "Suspended"
    keys = waiting.state.state_details.run_input_keyset or {}
    assert planned["digest"] in shown(client, run, keys["description"])
    assert unjam_json("history", cwd=world.repo)["runs"] == []

    assert resumed(client, run, "approve").endswith("ACCEPT")
    ended = until_ended(client, run)

    assert ended.state is not None
    assert ended.state.name == "Recovered"
    (past,) = unjam_json("history", cwd=world.repo)["runs"]
    assert past["word"] == "recovered"
    assert past["flow_run"]["id"] == str(run)
    assert unjam_json("check", cwd=world.repo)["healthy"]


def test_declined_it_fails_and_nothing_was_changed(world: World, client: SyncPrefectClient) -> None:
    typical_wreck(world)
    before = world.inventory()

    run = started(client, "orchestrator_crash", repo=str(world.repo))
    until_state(client, run, "Suspended")
    resumed(client, run, "decline")
    ended = until_ended(client, run)

    assert ended.state is not None
    assert ended.state.name == "Refused"
    assert "approval denied" in str(ended.state.message)
    assert world.inventory() == before


def test_an_approval_of_a_plan_that_is_no_more_is_asked_for_again(
    world: World, client: SyncPrefectClient
) -> None:
    typical_wreck(world)
    run = started(client, "orchestrator_crash", repo=str(world.repo))
    first = until_state(client, run, "Suspended")
    assert first.state is not None

    world.workstream("ws-77").worktree().commits({"late.py": "1\n"}).row("running")
    resumed(client, run, "approve")

    second = until_state_but(client, run, first.state.id)
    assert second.state is not None
    assert second.state.name == "Suspended"
    resumed(client, run, "only what is automatic")
    ended = until_ended(client, run)
    assert ended.state is not None
    assert ended.state.name == "Partly recovered"
    assert not unjam_json("check", cwd=world.repo)["healthy"]


def until_state_but(client: SyncPrefectClient, run: Any, earlier: Any) -> Any:
    def again() -> bool:
        state = client.read_flow_run(run).state
        return state is not None and (state.is_paused() or state.is_final()) and state.id != earlier

    wait_until(again, "the second question")
    return client.read_flow_run(run)
