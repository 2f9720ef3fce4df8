"""The watch tells what is new, starts what is needed once, and says when it has stopped looking."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Running, Scheduled

from tests.command import unjam, unjam_json
from tests.deployed import until_ended, until_state
from tests.world import World, typical_wreck
from tests.world.orchestration import Setting
from tests.world.shell import wait_until
from unjam.adapters import lease

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_deployments", "prefect_server")]
ALL_AUTO: dict[str, Setting] = {"stop": "auto", "land": "auto", "push": "auto", "restart": "off"}


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as made:
        yield made


def looked(*repos: Path, **parameters: Any) -> list[dict[str, str]]:
    from flows.detect import detect

    rows: list[dict[str, str]] = detect(list(repos), **parameters)["repositories"]
    return rows


def started(client: SyncPrefectClient, world: World) -> list[FlowRun]:
    """The recoveries that the watch ever started for this repository."""
    tags = FlowRunFilterTags(all_=["detected"])
    found = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))
    return [one for one in found if one.parameters["repo"] == str(world.repo)]


def test_what_the_policy_allows_is_recovered_and_the_next_look_finds_nothing(
    world: World, client: SyncPrefectClient
) -> None:
    typical_wreck(world)
    world.configure(policy=ALL_AUTO)

    (row,) = looked(world.repo)

    (run,) = started(client, world)
    assert row["started"] == run.name
    ended = until_ended(client, run.id)
    assert ended.state is not None
    assert ended.state.name == "Recovered", ended.state.message
    assert unjam_json("check", cwd=world.repo)["healthy"]
    (row,) = looked(world.repo)
    assert (row["found"], row["started"]) == ("nothing", "")
    assert len(started(client, world)) == 1


def test_what_it_asks_about_waits_for_a_person_once_however_often_it_is_found(
    world: World, client: SyncPrefectClient
) -> None:
    typical_wreck(world)

    first = looked(world.repo)
    (run,) = started(client, world)
    until_state(client, run.id, "Suspended")
    second = looked(world.repo)

    assert first[0]["started"] == run.name
    assert (second[0]["started"], "waits" in second[0]["because"]) == ("", True)
    assert first[0]["new"] == first[0]["found"]
    assert second[0]["new"] == "0"
    wait_until(lambda: form_is_there(client, run.id), "the form")
    client.resume_flow_run(run.id, run_input={"decision": "decline", "name": "Ada"})
    until_ended(client, run.id)
    looked(world.repo)
    assert [one.id for one in started(client, world)] == [run.id]


def test_nothing_is_started_beside_a_recovery_at_work(
    world: World, client: SyncPrefectClient
) -> None:
    typical_wreck(world)

    with lease.take(world.common, "20260101T000000Z-0000"):
        (row,) = looked(world.repo)

    assert "at work" in row["because"]
    assert started(client, world) == []


def test_one_repository_that_cannot_be_looked_at_hides_no_other(
    world: World, client: SyncPrefectClient, tmp_path: Path
) -> None:
    typical_wreck(world)
    stranger = tmp_path / "no repository"
    stranger.mkdir()
    lists = tmp_path / "repositories"
    lists.write_text(f"# of this machine\n{stranger}\n\n{world.repo}\n{world.repo}\n")

    rows = looked(lists, recover=False)

    assert [one["repository"] for one in rows] == [str(stranger), str(world.repo)]
    assert "no Git repository" in rows[0]["because"] or "repository" in rows[0]["because"]
    assert rows[1]["found"] != "nothing"
    assert started(client, world) == []


def test_looks_that_were_missed_are_not_made_up_for_and_those_asked_for_are(
    client: SyncPrefectClient,
) -> None:
    from tasks.runtime.missed_looks import PLANNED, leave_out_the_missed

    flow = client.create_flow_from_name("detect")
    nobodys = client.create_deployment(flow, f"served by nobody {uuid4()}", paused=True)
    now = datetime.now(UTC)

    def planned(minutes: int, *tags: str) -> UUID:
        when: State[None] = Scheduled(scheduled_time=now + timedelta(minutes=minutes))
        made = client.create_flow_run_from_deployment(nobodys, state=when, tags=tags)
        return made.id

    look, missed, later, asked = (
        planned(-20, PLANNED),
        planned(-10, PLANNED),
        planned(10, PLANNED),
        planned(-10),
    )
    client.set_flow_run_state(look, Running(), force=True)

    left_out = leave_out_the_missed.fn(look), leave_out_the_missed.fn(asked)

    names = {one: client.read_flow_run(one).state_name for one in (look, missed, later, asked)}
    assert left_out == (1, 0)
    assert names == {look: "Running", missed: "Cancelled", later: "Scheduled", asked: "Scheduled"}
    client.delete_deployment(nobodys)


def test_a_watch_that_has_stopped_looking_is_told_by_a_check(world: World) -> None:
    world.state.row("ws-01", "pending", agent=None)
    assert unjam_json("check", cwd=world.repo)["watch"] is None
    looked(world.repo)

    fresh = unjam_json("check", cwd=world.repo)
    sign = world.common / "unjam" / "watch.json"
    told = json.loads(sign.read_text())
    hour_ago = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - 3600))
    sign.write_text(json.dumps(told | {"at": hour_ago}))
    late = unjam_json("check", cwd=world.repo)

    assert fresh["watch"]["late"] is False
    assert late["watch"] == {"last": hour_ago, "late": True}
    assert (
        f"the watch is late: it looked last at {hour_ago}" in unjam("check", cwd=world.repo).stdout
    )
    assert late["healthy"]


def form_is_there(client: SyncPrefectClient, run: UUID) -> bool:
    state = client.read_flow_run(run).state
    keys = (state.state_details.run_input_keyset if state else None) or {}
    answer = client._client.get(f"/flow_runs/{run}/input/{keys['description']}")
    return bool(answer.status_code == 200)
