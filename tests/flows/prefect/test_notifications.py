"""The server calls a webhook about what is found and about runs that wait, and keeps the events."""

import fcntl
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from tasks.runtime.backend import run_flow
from tests.command import ROOT, environment, unjam_json
from tests.conftest import shared_by_workers
from tests.deployed import started, until_state
from tests.flows.building import begun
from tests.world import World, typical_wreck
from tests.world.shell import wait_until
from unjam import __version__
from unjam.adapters.machine import shown
from unjam.adapters.surroundings import user
from unjam.errors import RefusedError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_deployments", "prefect_server")]


class Receiver(ThreadingHTTPServer):
    """A chat, a pager: whatever takes a message."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-type"] == "application/json"
        self.server.messages.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """It is called from when the command has run, until the test ends; the server calls one at a time."""
    with (
        (shared_by_workers(tmp_path_factory) / "receiver.lock").open("w") as turn,
        Receiver() as made,
    ):
        fcntl.flock(turn, fcntl.LOCK_EX)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        words = (sys.executable, "-m", "deployments.notify")
        for _ in range(2):  # the second time it replaces what the first has made
            subprocess.run(
                words, cwd=ROOT, env=environment({"UNJAM_WEBHOOK": made.url}), check=True
            )
        yield made
        with get_client(sync_client=True) as client:
            ours = [one for one in client.read_automations() if one.name.startswith("unjam: ")]
            for one in ours:
                client.delete_automation(one.id)
        made.shutdown()
    assert len(ours) == 2


def test_findings_and_runs_that_wait_for_a_person_are_told_to_a_webhook(
    world: World, receiver: Receiver, prefect_server: str
) -> None:
    from flows.detect import detect

    typical_wreck(world)

    seen = detect([world.repo], recover=False)["repositories"]
    with get_client(sync_client=True) as client:
        run = started(client, "orchestrator_crash", repo=str(world.repo))
        until_state(client, run, "Suspended")

    def found() -> list[dict[str, Any]]:
        return [one for one in receiver.messages if one.get("repository") == str(world.repo)]

    def needed() -> list[dict[str, Any]]:
        return [one for one in receiver.messages if one.get("run") == f"prefect.flow-run.{run}"]

    wait_until(lambda: bool(needed()) and len(found()) == int(seen[0]["new"]), "all to be told")
    assert {one["scenario"] for one in found()} == {"orchestrator_crash"}
    assert any("ws-03" in one["workstreams"] and "ws-03" in one["text"] for one in found())
    assert [one["state"] for one in needed()] == ["Suspended"]
    mine = events(prefect_server, "unjam.finding.orchestrator_crash", world)
    assert {one["payload"]["fingerprint"] for one in mine} == {
        one["fingerprint"] for one in found()
    }


def test_runs_end_in_states_of_their_words_and_what_is_left_to_a_person_is_told_to_a_webhook(
    new_world: Callable[..., World], receiver: Receiver, prefect_server: str
) -> None:
    _, wreck, stuck, shut = worlds = [stands_still(new_world(remote=False)) for _ in range(4)]
    for world in (wreck, stuck, shut):
        begun(world)
    conflicts(stuck)
    shut.configure(policy=dict.fromkeys(("land", "record", "restart", "push"), "off"))

    with get_client(sync_client=True) as client:
        planned = recovered(client, wreck, dry_run=True)
        states = [recovered(client, world) for world in worlds]
        run_flow("flows.undo:undo", {"repo": wreck.repo, "run": past(wreck)[-1]["run"]})
        runs = {world.repo: flow_runs(client, past(world)) for world in worlds}
        steps = {
            word for run in (*runs[wreck.repo], *runs[stuck.repo]) for word in ends(client, run)
        }

    assert planned == ("Planned", StateType.COMPLETED)
    assert states == [
        ("Nothing to do", StateType.COMPLETED),
        ("Recovered", StateType.COMPLETED),
        ("Partly recovered", StateType.FAILED),
        ("Needs a human", StateType.FAILED),
    ]
    for world in worlds:
        names = [run.state_name for run in runs[world.repo]]
        assert names == [one["word"].capitalize() for one in past(world)]
    assert [run.state_name for run in runs[wreck.repo]] == ["Recovered", "Undone"]
    assert {("land ws-15", "Done"), ("undo row ws-15", "Undone")} <= steps
    assert "Refused" in {state for _, state in steps}
    assert made_by() <= set(runs[shut.repo][0].tags)
    (event,) = events(prefect_server, "unjam.recovery.needs_a_human", shut)
    assert event["payload"]["run"] == past(shut)[-1]["run"]
    mine = {f"prefect.flow-run.{run.id}" for each in runs.values() for run in each}
    wait_until(lambda: len(told_of(receiver, mine)) >= 2, "the person to be told")
    told = {one["state"]: one["message"] for one in told_of(receiver, mine)}
    assert told.keys() == {"Partly recovered", "Needs a human"}
    assert "ws-15: its agent is gone" in told["Needs a human"]


def test_a_refused_run_is_called_so_and_a_person_is_told_why(
    world: World, receiver: Receiver, prefect_server: str
) -> None:
    typical_wreck(world)

    with get_client(sync_client=True) as client:
        with pytest.raises(RefusedError):
            recovered(client, world, approval={"plan": "another"})

        mine = {f"prefect.flow-run.{run.id}" for run in runs_of(client, world)}

    (event,) = events(prefect_server, "unjam.recovery.refused", world)
    wait_until(lambda: bool(told_of(receiver, mine)), "the person to be told")
    (told,) = told_of(receiver, mine)
    assert told["state"] == "Refused"
    assert "another was approved" in told["message"]
    assert "another was approved" in event["payload"]["summary"]


def told_of(receiver: Receiver, runs: set[str]) -> list[dict[str, Any]]:
    """What was told of these flow runs: those of other tests fail on the same server."""
    return [one for one in receiver.messages if one.get("run") in runs]


def made_by() -> set[str]:
    return {f"unjam:{__version__}", f"user:{user()}", f"machine:{shown()}"}


def stands_still(world: World) -> World:
    world.configure(policy={"restart": "off"})
    world.state.create()
    return world


def conflicts(world: World) -> None:
    stream = world.workstream("ws-16", "agent-2").worktree().row("running")
    stream.commits({"src/app.py": "theirs = 1\n"})
    world.primary.commit("src/app.py", "ours = 1\n")


def recovered(client: SyncPrefectClient, world: World, **more: Any) -> tuple[object, object]:
    """Recover as a command does; the state that the server shows then."""
    approval = {"approval": {"everything": True}}
    run_flow("flows.recover:recover", {"repo": world.repo, **approval, **more})
    newest, *_ = runs_of(client, world)
    return newest.state_name, newest.state_type


def runs_of(client: SyncPrefectClient, world: World) -> list[FlowRun]:
    newest_first = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC)
    return [one for one in newest_first if one.parameters.get("repo") == str(world.repo)]


def past(world: World) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = unjam_json("history", cwd=world.repo)["runs"]
    return runs


def flow_runs(client: SyncPrefectClient, told: list[dict[str, Any]]) -> list[FlowRun]:
    return [client.read_flow_run(UUID(one["flow_run"]["id"])) for one in told]


def ends(client: SyncPrefectClient, run: FlowRun) -> set[tuple[str, str | None]]:
    """Each task run of a flow run, and the state it ended in."""
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    return {(one.name, one.state_name) for one in client.read_task_runs(flow_run_filter=mine)}


def events(api: str, name: str, world: World) -> list[dict[str, Any]]:
    """What the server keeps of a repository, as the page of events shows it."""
    import httpx

    asked = {"filter": {"event": {"name": [name]}}, "limit": 50}
    kept: list[dict[str, Any]] = []

    def answered() -> bool:
        answer = httpx.post(f"{api}/events/filter", json=asked)
        found = answer.json()["events"] if answer.is_success else []
        kept[:] = [one for one in found if one["payload"]["repo"] == str(world.repo)]
        return bool(kept)

    wait_until(answered, "the events")
    return kept
