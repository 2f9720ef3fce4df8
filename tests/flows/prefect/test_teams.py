"""A team: one server on PostgreSQL, a worker on each machine, and a queue for each of them."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.command import ROOT, unjam_json
from tests.postgres import postgres
from tests.prefect_server import shared_server
from tests.world import Program, World, typical_wreck
from tests.world.orchestration import Setting
from tests.world.shell import wait_until

pytestmark = pytest.mark.slow
ALL_AUTO: dict[str, Setting] = {"stop": "auto", "land": "auto", "push": "auto", "restart": "off"}
MACHINES = ("machine-a", "machine-b")
AT_ONCE = 10


@dataclass
class Team:
    """The server that they share, and the repositories of each machine."""

    client: SyncPrefectClient
    worlds: dict[str, World]

    def ask(self, name: str, queue: str, parameters: dict[str, object]) -> UUID:
        """Trigger a deployment on a machine, as the API does."""
        found = self.client.read_deployment_by_name(name)
        return self.client.create_flow_run_from_deployment(
            found.id, parameters=parameters, work_queue_name=queue
        ).id

    def allow(self, name: str, limit: int) -> None:
        """Raise the limit of a deployment, so that only the lease is in the way."""
        found = self.client.read_deployment_by_name(name)
        answer = self.client._client.patch(
            f"/deployments/{found.id}", json={"concurrency_limit": limit}
        )
        answer.raise_for_status()

    def ended(self, runs: list[UUID]) -> list[FlowRun]:
        """Wait for all of them."""

        def all_final() -> bool:
            states = [self.client.read_flow_run(one).state for one in runs]
            return all(state is not None and state.is_final() for state in states)

        wait_until(all_final, "the flow runs to end")
        return [self.client.read_flow_run(one) for one in runs]


@pytest.fixture
def team(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_world: Callable[..., World],
    start: Callable[..., Program],
) -> Iterator[Team]:
    """As docs/teams.md says, from the database to the workers."""
    monkeypatch.setenv("UNJAM_CHECKOUT", str(ROOT))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
    monkeypatch.setenv("PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS", "1")
    with postgres() as database:
        monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", database)
        with shared_server(tmp_path / "server") as url, temporary_settings({PREFECT_API_URL: url}):
            monkeypatch.setenv("PREFECT_API_URL", url)
            prefect("work-pool", "create", "unjam", "--type", "process")
            deploying = [begun("deploy", "--all"), *(begun(*watch(one)) for one in MACHINES)]
            worlds = {}
            for machine in MACHINES:
                worlds[machine] = new_world()
                typical_wreck(worlds[machine])
                worlds[machine].configure(policy=ALL_AUTO)
                start(
                    *(sys.executable, "-m", "prefect", "worker", "start"),
                    *("--pool", "unjam", "--work-queue", machine, "--name", machine),
                    cwd=tmp_path,
                    env={"UNJAM_REPOS": str(worlds[machine].repo)},
                )
            for one in deploying:
                finished(one)
            with get_client(sync_client=True) as client:
                yield Team(client, worlds)


def test_every_machine_recovers_its_own_and_one_of_ten_at_once_does_the_work(team: Team) -> None:
    treasures = {machine: world.treasure() for machine, world in team.worlds.items()}
    watched, raced = MACHINES

    looks = [team.ask(f"detect/{one}", one, {"recover": one == watched}) for one in MACHINES]
    team.allow("recover/recover", AT_ONCE)
    triggers = [
        team.ask("recover/recover", raced, {"repo": str(team.worlds[raced].repo)})
        for _ in range(AT_ONCE)
    ]

    assert [one.state_name for one in team.ended(looks)] == ["Completed", "Completed"]
    (started,) = team.ended([one.id for one in detected(team.client)])
    assert (started.state_name, started.work_queue_name) == ("Recovered", watched)
    assert started.parameters["repo"] == str(team.worlds[watched].repo)
    ended = team.ended(triggers)
    assert {one.work_queue_name for one in ended} == {raced}
    for one in ended:
        assert one.state is not None
        assert one.state.is_completed() or "at work" in str(one.state.message), one.state
    for machine, world in team.worlds.items():
        assert unjam_json("check", cwd=world.repo)["healthy"], machine
        assert world.lost(treasures[machine]) == []
        assert len(worked(world)) == 1, worked(world)


def worked(world: World) -> list[str]:
    """The runs that changed anything."""
    runs = [one["run"] for one in unjam_json("history", cwd=world.repo)["runs"]]
    return [one for one in runs if unjam_json("show", one, cwd=world.repo)["outcomes"]]


def detected(client: SyncPrefectClient) -> list[FlowRun]:
    tags = FlowRunFilterTags(all_=["detected"])
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))


def watch(machine: str) -> tuple[str, ...]:
    """The watch of one machine, as docs/teams.md has it."""
    told = (ROOT / "docs" / "teams.md").read_text()
    asked = "prefect --no-prompt "  # which `begun` says, too
    (line,) = [one for one in told.splitlines() if one.startswith(f"{asked}deploy flows/detect.py")]
    return tuple(shlex.split(line.removeprefix(asked).replace("MACHINE", machine)))


def prefect(*arguments: str) -> None:
    finished(begun(*arguments))


def begun(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (sys.executable, "-m", "prefect", "--no-prompt", *arguments),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(one: subprocess.Popen[str]) -> None:
    said, _ = one.communicate(timeout=600)
    assert one.returncode == 0, said
