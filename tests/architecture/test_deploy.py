"""What a team does: a work pool, ``prefect deploy --all``, and every flow can be asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.serve import declared
from tests.command import ROOT
from tests.prefect_server import shared_server


def prefect(*arguments: str) -> None:
    command = (sys.executable, "-m", "prefect", "--no-prompt", *arguments)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
def test_prefect_yaml_deploys_every_flow_from_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server of its own: on the session's, others serve the deployments of these names."""
    with shared_server(tmp_path / "server") as url, temporary_settings({PREFECT_API_URL: url}):
        monkeypatch.setenv("PREFECT_API_URL", url)
        deploy()


def deploy() -> None:
    prefect("work-pool", "create", "unjam", "--type", "process", "--overwrite")

    prefect("deploy", "--all")

    with get_client(sync_client=True) as client:
        for wanted in declared():
            found = client.read_deployment_by_name(f"{wanted['name']}/{wanted['name']}")
            assert found.entrypoint == wanted["entrypoint"]
            assert found.work_pool_name == "unjam"
            assert found.enforce_parameter_schema
            assert str(ROOT) not in found.model_dump_json()
