"""Trials of a culprit search can run on Dask, through Prefect's task runner."""

import sys
import time
import uuid

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterName

from tests.command import unjam, unjam_json
from tests.flows.building import on_trunk
from tests.flows.failing_merge.failing import landed
from tests.world import World, git, wait_until

pytest.importorskip("prefect_dask", reason="installed with the extra dask")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
PYTESTS = """\
import pathlib

def test_part():
    assert not pathlib.Path("src/bad.py").exists()
"""


def red(world: World, dask: str) -> World:
    """Six have landed, the second of which broke a test."""
    world.configure(
        verify={"command": [sys.executable, "-m", "pytest", "-q", "tests"], "dask": dask},
        policy={"restart": "off"},
    )
    world.state.create()
    (world.repo / "tests").mkdir()
    (world.repo / "tests" / "test_it.py").write_text(PYTESTS)
    git("add", "tests", cwd=world.repo)
    git("commit", "--quiet", "-m", "Test", cwd=world.repo)
    for number in range(1, 7):
        landed(world, number, path="src/bad.py" if number == 2 else "")
    world.push()
    return world


def test_on_a_local_cluster_the_culprit_is_found_reverted_and_no_process_stays(
    world: World,
) -> None:
    red(world, "local")
    began = time.time()

    document = unjam_json("recover", "failing-merge", "--yes", cwd=world.repo)

    assert document["word"] == "recovered", document
    assert on_trunk(world, "src/bad.py") is None
    assert on_trunk(world, "src/part_01.py") is not None
    assert unjam_json("check", cwd=world.repo)["healthy"]
    uuid.UUID(document["flow_run"]["id"])
    with get_client(sync_client=True) as client:
        named = TaskRunFilter(name=TaskRunFilterName(like_="try "))
        wait_until(lambda: len(client.read_task_runs(task_run_filter=named)) > 3, "the trials")
        tried = client.read_task_runs(task_run_filter=named)
    assert all(one.state is not None and one.state.is_completed() for one in tried)
    wait_until(lambda: processes_of_dask(began) == [], "the cluster to end")


def test_a_scheduler_that_does_not_answer_is_told_in_a_line(world: World) -> None:
    red(world, "tcp://127.0.0.1:9")

    ended = unjam("recover", "failing-merge", "--yes", cwd=world.repo)

    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "127.0.0.1:9" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert on_trunk(world, "src/bad.py") is not None


def processes_of_dask(since: float) -> list[int]:
    """Those of this test: they were started after it."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "create_time"])
        if process.info["create_time"] > since
        and any("distributed" in word for word in process.info["cmdline"] or ())
    ]
