"""The server calls a webhook about what is found and about runs that wait, and keeps the events."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from tests.command import ROOT, environment
from tests.deployed import started, until_state
from tests.world import World, typical_wreck
from tests.world.shell import wait_until

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
def receiver() -> Iterator[Receiver]:
    """It is called from when the command has run, until the test ends."""
    with Receiver() as made:
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
    kept = events(prefect_server, "unjam.finding.orchestrator_crash")
    mine = [one for one in kept if one["payload"]["repo"] == str(world.repo)]
    assert {one["payload"]["fingerprint"] for one in mine} == {
        one["fingerprint"] for one in found()
    }


def events(api: str, name: str) -> list[dict[str, Any]]:
    """What the server keeps, as the page of events shows it."""
    import httpx

    asked = {"filter": {"event": {"name": [name]}}, "limit": 50}
    kept: list[dict[str, Any]] = []

    def answered() -> bool:
        answer = httpx.post(f"{api}/events/filter", json=asked)
        kept[:] = answer.json()["events"] if answer.is_success else []
        return bool(kept)

    wait_until(answered, "the events")
    return kept
