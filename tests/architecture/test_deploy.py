"""What a team does: a work pool, ``prefect deploy --all``, and every flow can be asked for."""

import os
import subprocess
import sys

import pytest
from prefect.client.orchestration import get_client

from deployments.serve import declared
from tests.command import ROOT


def prefect(*arguments: str) -> None:
    command = (sys.executable, "-m", "prefect", "--no-prompt", *arguments)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_prefect_yaml_deploys_every_flow_from_a_checkout() -> None:
    prefect("work-pool", "create", "unjam", "--type", "process", "--overwrite")

    prefect("deploy", "--all")

    with get_client(sync_client=True) as client:
        for wanted in declared():
            found = client.read_deployment_by_name(f"{wanted['name']}/{wanted['name']}")
            assert found.entrypoint == wanted["entrypoint"]
            assert found.work_pool_name == "unjam"
            assert found.enforce_parameter_schema
            assert str(ROOT) not in found.model_dump_json()
