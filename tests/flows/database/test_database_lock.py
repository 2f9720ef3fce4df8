"""The state is kept locked: who, how, since when; then the right one is stopped and no row is lost."""

import uuid
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from tests.adapters.state.databases import kill_writer
from tests.command import unjam, unjam_json
from tests.flows.database.holding import (
    COMMITTED,
    ONLY,
    Start,
    files_of,
    impatient,
    keeper,
    outlasted,
    steps,
    stopped,
    with_log,
)
from tests.recovering import recover, sentences, undo
from tests.world import World
from unjam.adapters.machine import key
from unjam.domain.steps.request import Request

INSERT = "INSERT INTO workstream_status (workstream_id, status) VALUES ('ws-lost', 'running')"


def test_ten_thousand_rows_that_only_a_dead_writer_s_log_holds_are_all_there(busy: World) -> None:
    kill_writer(busy.state.path, mode="WAL", rows=10_000)
    log = Path(f"{busy.state.path}-wal")
    assert log.stat().st_size > 5_000_000

    inode = log.stat().st_ino

    told = unjam_json("check", cwd=busy.repo)
    assert log.stat().st_size > 5_000_000
    document = recover(busy.repo, ONLY)
    assert (log.stat().st_ino, log.stat().st_size) == (inode, 0)  # folded in, and never deleted

    assert "left by a dead holder" in {cause(one) for one in told["findings"]}
    assert document["word"] == "recovered"
    assert len(busy.state.tables()["workstream_status"]) >= 10_000
    kept = Path(document["vault"][0])
    assert (kept / log.name).stat().st_size > 5_000_000


def cause(finding: dict[str, str]) -> str:
    return "left by a dead holder" if "dead process left" in finding["summary"] else "other"


def test_a_write_that_died_half_done_is_rolled_back_and_kept(busy: World) -> None:
    kill_writer(busy.state.path, mode="DELETE", rows=300, during_commit=True)
    journal = Path(f"{busy.state.path}-journal")
    held = files_of(busy)
    assert journal.stat().st_size

    told = unjam_json("check", "database_lock", cwd=busy.repo)
    assert files_of(busy) == held
    document = recover(busy.repo, ONLY)

    assert any("rolled back" in one["summary"] for one in told["findings"])
    assert document["word"] == "recovered"
    statuses = [row[1] for row in busy.state.tables()["workstream_status"]]
    assert "lost" not in statuses
    assert len(statuses) == 300 + 20
    assert (Path(document["vault"][0]) / journal.name).stat().st_size


def test_what_is_locked_is_still_found_after_a_repair_of_something_else(
    busy: World, start: Start
) -> None:
    stream = busy.workstream("ws-31").worktree().row("pending")
    stream.commits({"src/part.py": "part = 31\n"})
    (stream.tree / ".git").write_text("garbage\n")
    keeper(start, busy, "BEGIN IMMEDIATE", INSERT, loop="computes")

    document = recover(busy.repo)

    assert steps(document)["mend"] == "done"
    assert any("long transaction" in one["summary"] for one in document["findings_after"])
    assert document["word"] != "recovered"


@pytest.mark.usefixtures("prefect_server")
def test_the_whole_recovery_runs_as_a_flow_of_its_name_and_tells_all_of_it(
    busy: World, start: Start
) -> None:
    before = busy.state.tables()
    holder = outlasted(stopped(keeper(start, impatient(busy), "BEGIN IMMEDIATE", INSERT)))
    program = busy.repo / "scripts" / "multi_agent_orchestrator.py"
    program.parent.mkdir(exist_ok=True)
    program.write_text("import sqlite3\nstate = sqlite3.connect('state.db')\n")

    denied = unjam("recover", "database-lock", cwd=busy.repo)
    assert denied.returncode == 3
    assert holder.alive
    document = unjam_json("recover", "database_lock", "--yes", cwd=busy.repo)

    assert document["word"] == "recovered"
    (patch,) = [Path(one) for one in document["vault"] if one.endswith(".patch")]
    assert "+state = sqlite3.connect('state.db', timeout=30)" in patch.read_text()
    assert steps(document) == {
        "copy state": "done",
        "stop": "done",
        "re-open state": "done",
        "set WAL mode": "done",
    }
    assert any("busy_timeout holds for one connection only" in one for one in document["notes"])
    assert busy.state.tables() == before
    run_id = uuid.UUID(document["flow_run"]["id"])
    with get_client(sync_client=True) as client:
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    (page,) = [str(one.data) for one in made if one.key == key("report", busy.repo)]
    assert "RESERVED" in page
    assert mode(busy) == b"\x02\x02"
    undone = unjam_json("undo", document["run"], "--yes", cwd=busy.repo)
    assert undone["differences"] == [
        f"pid {holder.pid} was ended, and cannot be started where it was"
    ]
    assert mode(busy) == b"\x01\x01"
    assert busy.state.tables() == before


def mode(world: World) -> bytes:
    """What its header says it works with."""
    return world.state.path.read_bytes()[18:20]


def test_while_it_is_locked_everything_else_of_unjam_works(busy: World, start: Start) -> None:
    stream = busy.workstream("ws-15").worktree().row("running")
    stream.leaves({"draft.txt": "a draft\n"})
    treasure = busy.treasure()
    holder = keeper(start, busy, "BEGIN EXCLUSIVE", loop="computes", name="somebody.py")

    told = unjam("check", cwd=busy.repo)
    status = unjam("status", cwd=busy.repo)
    history = unjam("history", cwd=busy.repo)
    document = recover(busy.repo)

    assert told.returncode == 1
    assert "cannot tell state database" in told.stdout
    assert (status.returncode, history.returncode) == (0, 0)
    assert "salvage" in steps(document)
    assert "record" not in steps(document)
    assert holder.alive
    holder.kill()
    assert busy.lost(treasure) == []
    assert undo(busy.repo, document["run"])["word"] == "nothing to take back"


@pytest.mark.parametrize("loop", ["writes", "idle"])
@pytest.mark.parametrize("is_stopped", [False, True], ids=["alive", "stopped"])
def test_commits_into_a_log_that_was_deleted_under_its_writer_come_home(
    busy: World, start: Start, loop: str, *, is_stopped: bool
) -> None:
    with_log(busy)
    writer = keeper(start, busy, "PRAGMA wal_autocheckpoint = 0", *[COMMITTED], loop=loop)
    for side in ("-wal", "-shm"):
        Path(f"{busy.state.path}{side}").unlink()
    if is_stopped:
        stopped(writer)
    assert busy.state.value("ws-kept", "status") is None  # as everybody else sees it

    told = unjam_json("check", cwd=busy.repo)
    document = recover(busy.repo, ONLY)

    assert any("works on deleted files" in one["summary"] for one in told["findings"])
    assert document["word"] == "recovered", document["outcomes"]
    assert not writer.alive
    assert busy.state.status("ws-kept") == "pending"
    assert any("deleted" in one for one in document["vault"])


def test_a_killed_writer_s_deleted_log_is_given_its_name_back(busy: World, start: Start) -> None:
    with_log(busy)
    writer = keeper(
        start, busy, "PRAGMA wal_autocheckpoint = 0", COMMITTED, loop="deaf", name="agent.py"
    )
    for side in ("-wal", "-shm"):
        Path(f"{busy.state.path}{side}").unlink()

    document = recover(busy.repo, ONLY)

    assert "SIGKILL" in sentences(document, "stop")[f"pid {writer.pid}"]
    assert document["word"] == "recovered", document["outcomes"]
    assert busy.state.status("ws-kept") == "pending"
    assert undo(busy.repo, document["run"])["differences"] == [
        f"pid {writer.pid} was ended, and cannot be started where it was"
    ]
    assert busy.state.status("ws-kept") == "pending"


def test_a_vacuum_comes_only_on_request_and_only_while_nobody_has_it_open(
    busy: World, start: Start
) -> None:
    with busy.state.open() as state:
        state.execute("CREATE TABLE large AS SELECT hex(randomblob(400000)) AS x")
    with busy.state.open() as state:
        state.execute("DROP TABLE large")
    before, size = busy.state.tables(), busy.state.path.stat().st_size

    alone = unjam("recover", "--vacuum", "--yes", cwd=busy.repo)
    plain = unjam_json("recover", "database_lock", "--dry-run", cwd=busy.repo)
    asked = unjam_json("recover", "database_lock", "--vacuum", "--dry-run", cwd=busy.repo)
    document = vacuumed(busy)

    assert alone.returncode == 2
    assert plain["plan"] == []
    assert [one["step"] for one in asked["plan"]] == ["copy state", "vacuum state"]
    assert asked["plan"][1]["approval"] == "ask"
    assert steps(document)["vacuum state"] == "done"
    assert busy.state.path.stat().st_size < size / 10
    assert busy.state.tables() == before
    keeper(start, busy, "SELECT 1 FROM workstream_status", name="viewer.py")
    assert vacuumed(busy)["plan"] == []


def vacuumed(world: World) -> dict[str, list[dict[str, str]]]:
    """Carry out what was asked for, without Prefect."""

    from tests.recovering import recover_in
    from unjam.engine.orchestration import open_orchestration

    return recover_in(open_orchestration(world.repo), Request(ONLY, vacuum=True))


@pytest.mark.usefixtures("prefect_server")
def test_an_orchestrator_that_hangs_over_its_state_is_stopped_and_then_its_crash_recovered(
    busy: World, start: Start
) -> None:
    stream = busy.workstream("ws-21").worktree().row("running")
    stream.commits({"src/part.py": "part = 21\n"}).leaves({"draft.txt": "a draft\n"})
    treasure = busy.treasure()
    holder = outlasted(stopped(keeper(start, impatient(busy), "BEGIN EXCLUSIVE")))

    document = unjam_json("recover", "--yes", cwd=busy.repo)

    assert not holder.alive
    # It was stopped at work, with a draft that is in no commit.
    assert document["word"] == "partly recovered", document
    assert [one["id"] for one in document["incomplete"]] == ["ws-21"]
    assert busy.state.status("ws-21") == "failed"
    assert (busy.repo / "src" / "part.py").read_text() == "part = 21\n"
    assert busy.lost(treasure) == []
    assert unjam_json("check", cwd=busy.repo)["findings"] == []
