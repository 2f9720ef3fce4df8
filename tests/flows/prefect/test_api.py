"""What the page about the API says, against a real server."""

import json
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

from tests.command import unjam_json
from tests.deployed import until_ended
from tests.documented import typed
from tests.world import World, typical_wreck
from tests.world.shell import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_deployments")]


def test_its_lines_start_approve_and_read_a_recovery(
    world: World, prefect_server: str, tmp_path: Path
) -> None:
    typical_wreck(world)

    said = typed("api.md", {"API": prefect_server, "REPO": str(world.repo)}, tmp_path)

    expected = ["PAUSED", "ACCEPT", "COMPLETED", "Recovered", "recovered"]
    assert [one for one in said if one in expected] == expected
    (past,) = unjam_json("history", cwd=world.repo)["runs"]
    assert f"To take it back: `unjam undo {past['run']}`" in said
    assert said[-1].startswith("[{")
    assert unjam_json("check", cwd=world.repo)["healthy"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("deployments/name/recover/nobody", None, 404),
        ("flow_runs/00000000-0000-0000-0000-000000000000", None, 404),
        ("CREATE", {"parameters": {}}, 409),
        ("CREATE", {"parameters": {"repo": "/nowhere", "dry_run": "maybe"}}, 409),
    ],
)
def test_its_table_of_errors_is_true(
    prefect_server: str, path: str, body: dict[str, object] | None, status: int
) -> None:
    if path == "CREATE":
        found = asked(f"{prefect_server}/deployments/name/recover/recover", None)[1]
        path = f"deployments/{json.loads(found)['id']}/create_flow_run"

    assert asked(f"{prefect_server}/{path}", body)[0] == status


@pytest.mark.parametrize(
    ("parameters", "state", "because"),
    [({"repo": "/nowhere"}, "Failed", "/nowhere"), ({"repo": "/", "reppo": "/x"}, "Crashed", "")],
)
def test_what_only_the_run_can_judge_is_refused_by_it(
    prefect_server: str, parameters: dict[str, object], state: str, because: str
) -> None:
    found = json.loads(asked(f"{prefect_server}/deployments/name/recover/recover", None)[1])
    create = f"{prefect_server}/deployments/{found['id']}/create_flow_run"

    status, made = asked(create, {"parameters": parameters})

    assert status == 201
    with get_client(sync_client=True) as client:
        run = UUID(json.loads(made)["id"])
        ended = until_ended(client, run)
    assert ended.state is not None
    assert ended.state.name == state
    assert because in str(ended.state.message)


def asked(url: str, body: dict[str, object] | None) -> tuple[int, str]:
    """Ask until SQLite is not in the way."""
    data = ("--data", json.dumps(body)) if body is not None else ()
    words = ("curl", "--silent", "--write-out", "\n%{http_code}", url, *data)
    told = ("--header", "content-type: application/json")
    answers: list[str] = []

    def answered() -> bool:
        ended = subprocess.run((*words, *told), capture_output=True, text=True, check=True)
        answers.append(ended.stdout)
        return not ended.stdout.endswith("503")

    wait_until(answered, "an answer")
    answer, _, status = answers[-1].rpartition("\n")
    return int(status), answer
