"""How fast it goes, who is late, and when it will be done: on real rows and processes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.command import unjam, unjam_json
from tests.terminal import terminal
from tests.world import Program, World, wait_until

MINUTE = timedelta(minutes=1)


@pytest.fixture
def going(world: World, start: Callable[..., Program]) -> World:
    """Four done, one that runs, one that waits for it, and one that failed with one behind it."""
    world.configure(policy={"restart": "off"})
    for name in ("ws-01", "ws-02", "ws-03", "ws-04", "ws-05", "ws-07"):
        world.spec(name)
    world.spec("ws-06", depends_on=["ws-05"])
    world.spec("ws-08", depends_on=["ws-07"])
    world.commit_specs()
    for number in range(1, 5):
        # Ended half its age ago: it took ten minutes.
        world.state.row(f"ws-0{number}", "completed", age=20 * MINUTE)
    world.workstream("ws-05", "agent-5").worktree().row("running", age=4 * MINUTE)
    world.state.row("ws-07", "failed", agent="agent-7")
    tree = world.workstream("ws-05", "agent-5").tree
    agent = start(
        "python3", "-c", "import time; print('up', flush=True); time.sleep(600)", cwd=tree
    )
    wait_until(lambda: "up" in agent.output.read_text(), "the agent to be up")
    return world


def test_it_tells_rates_forecast_and_what_is_out_of_reach(going: World) -> None:
    before = going.inventory()

    document = unjam_json("progress", cwd=going.repo)

    assert (document["done"], document["total"], document["agents_at_work"]) == (4, 8, 1)
    assert document["completed_last_hour"] == 4
    assert document["usual_seconds"]["typical"] == pytest.approx(600, abs=5)
    now = datetime.fromisoformat(document["observed_at"])
    lines = {one["id"]: one for one in document["workstreams"]}
    ends = {name: one["expected_end"] for name, one in lines.items() if one["expected_end"]}
    spans = {name: datetime.fromisoformat(at) - now for name, at in ends.items()}
    assert spans.keys() == {"ws-05", "ws-06"}
    assert spans["ws-05"] / MINUTE == pytest.approx(6, abs=0.5)
    assert spans["ws-06"] / MINUTE == pytest.approx(16, abs=0.5)
    assert document["finish"]["likely"] == ends["ws-06"]
    assert lines["ws-07"]["out_of_reach"] == "it is failed"
    assert lines["ws-08"]["out_of_reach"] == "it waits for ws-07"
    assert lines["ws-05"]["pids"]
    assert going.inventory() == before


def test_a_person_reads_it(going: World) -> None:
    ended = unjam("progress", cwd=going.repo)

    assert ended.returncode == 0
    assert "4 of 8 done" in ended.stdout
    assert "done in about 15m" in ended.stdout or "done in about 16m" in ended.stdout
    assert "it waits for ws-07" in ended.stdout


def test_without_grounds_it_says_so(world: World) -> None:
    document = unjam_json("progress", cwd=world.repo)

    assert document["finish"] is None
    assert document["no_forecast_because"] == "nothing is left that could be done"
    assert unjam("progress", cwd=world.repo).returncode == 0


def test_a_state_that_cannot_be_read_is_no_error(going: World) -> None:
    going.state.becomes_text()

    document = unjam_json("progress", cwd=going.repo)

    assert document["done"] == 0
    assert document["finish"] is None
    (doubt,) = document["unknown"]
    assert (doubt["what"], doubt["because"]) == ("state database", "file is not a database")
    assert "Cannot tell state database: file is not" in unjam("progress", cwd=going.repo).stdout


def test_it_can_be_followed(going: World) -> None:
    with terminal("progress", "--watch", cwd=going.repo) as screen:
        screen.wait_for("4 of 8 done")
        going.state.row("ws-05", "completed", age=20 * MINUTE)
        screen.wait_for("5 of 8 done")
        screen.interrupt()
        assert screen.end() == 130


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_says_the_same(going: World) -> None:
    from flows.progress import progress

    assert progress(going.repo)["done"] == 4
