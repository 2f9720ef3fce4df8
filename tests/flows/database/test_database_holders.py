"""Who keeps the state from others: the right one is stopped, and whoever may go on is let be."""

import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.command import unjam_json
from tests.flows.database.holding import (
    COMMITTED,
    ONLY,
    Start,
    files_of,
    impatient,
    keeper,
    outlasted,
    stopped,
    with_log,
)
from tests.recovering import recover, sentences
from tests.world import World, wait_until
from unjam.domain.steps.request import Request

INSERT = "INSERT INTO workstream_status (workstream_id, status) VALUES ('ws-lost', 'running')"


@pytest.mark.parametrize("log", [False, True], ids=["journal", "log"])
@pytest.mark.parametrize("is_stopped", [False, True], ids=["deadlocked", "stopped"])
def test_who_keeps_it_is_named_and_stopped_and_every_committed_row_is_there(
    busy: World, start: Start, *, log: bool, is_stopped: bool
) -> None:
    if log:
        with_log(busy)
    impatient(busy)
    holder = keeper(start, busy, COMMITTED, "BEGIN IMMEDIATE", INSERT, loop="hangs")
    before = busy.state.tables()
    if is_stopped:
        stopped(holder)
    outlasted(holder)
    held = files_of(busy)

    told = unjam_json("check", "database_lock", cwd=busy.repo)
    assert files_of(busy) == held
    document = recover(busy.repo, ONLY)

    (finding,) = told["findings"]
    assert f"pid {holder.pid}" in finding["summary"]
    facts = " | ".join(one["fact"] for one in finding["evidence"])
    assert ("WAL write" if log else "RESERVED") in facts
    assert "multi_agent_orchestrator.py" in facts
    assert "started 20" in facts
    assert ("generation" in facts) is log
    assert ("kill -CONT" in facts) is is_stopped
    assert document["word"] == "recovered", json.dumps(document, indent=1)
    assert not holder.alive
    assert busy.state.tables() == before
    assert (busy.state.status("ws-kept"), busy.state.status("ws-lost")) == ("pending", None)
    assert unjam_json("check", "database_lock", cwd=busy.repo)["healthy"]


@pytest.mark.parametrize(
    ("statements", "is_stopped"),
    [
        (("BEGIN IMMEDIATE", INSERT), False),
        (("BEGIN IMMEDIATE", INSERT), True),
        (("PRAGMA locking_mode = EXCLUSIVE", COMMITTED), False),
    ],
    ids=["a transaction", "stopped a moment ago", "a mode with all committed"],
)
def test_nobody_is_ended_after_a_look_of_a_second(
    busy: World, start: Start, statements: tuple[str, ...], *, is_stopped: bool
) -> None:
    holder = keeper(start, with_log(busy), *statements)
    if is_stopped:
        stopped(holder)

    told = unjam_json("check", "database_lock", cwd=busy.repo)
    document = recover(busy.repo, ONLY)

    assert any(f"pid {holder.pid}" in one["summary"] for one in told["findings"])
    assert document["plan"] == []
    assert any(f"kill {holder.pid}" in one for one in document["notes"]), document["notes"]
    assert document["word"] == "needs a human"
    assert holder.alive


def test_what_works_in_a_long_transaction_is_named_and_let_be(busy: World, start: Start) -> None:
    holder = keeper(start, busy, "BEGIN IMMEDIATE", INSERT, loop="computes")
    held = files_of(busy)

    told = unjam_json("check", "database_lock", cwd=busy.repo)
    document = recover(busy.repo, ONLY)

    (finding,) = told["findings"]
    assert (finding["severity"], "works" in finding["summary"]) == ("warning", True)
    assert document["plan"] == []
    assert any("wait for it" in note for note in document["notes"])
    assert holder.alive
    assert files_of(busy) == held


@pytest.mark.parametrize("log", [False, True], ids=["journal", "log"])
def test_whoever_writes_again_and_again_and_lets_go_is_no_finding(
    busy: World, start: Start, *, log: bool
) -> None:
    if log:
        with_log(busy)
    for _ in range(2):
        at_once = "PRAGMA synchronous = OFF"  # else one commit may wait a second for the disk
        keeper(start, busy, at_once, loop="writes", name="agent.py")

    for _ in range(3):
        assert unjam_json("check", "database_lock", cwd=busy.repo)["findings"] == []


def test_a_stranger_s_process_is_named_and_never_stopped(
    busy: World, start: Start, tmp_path: Path
) -> None:
    program = (
        "import os, sqlite3, time\n"
        "state = sqlite3.connect(os.environ['ELSEWHERE'], isolation_level=None)\n"
        "state.execute('BEGIN IMMEDIATE')\nprint('held', flush=True)\ntime.sleep(600)\n"
    )
    elsewhere = {"ELSEWHERE": str(busy.state.path)}
    stranger = start(sys.executable, "-c", program, cwd=tmp_path, env=elsewhere)
    wait_until(lambda: "held" in stranger.output.read_text(), "a stranger to hold it")

    document = recover(busy.repo, ONLY)

    assert document["plan"] == []
    assert any(f"kill {stranger.pid}" in note for note in document["notes"])
    assert stranger.alive


@pytest.mark.parametrize("is_written", [False, True], ids=["alone", "beside a busy writer"])
def test_a_reader_that_pins_the_log_is_named_and_stopped_and_the_log_folded_in(
    busy: World, start: Start, *, is_written: bool
) -> None:
    with_log(busy)
    reader = keeper(start, busy, "BEGIN", "SELECT count(*) FROM workstream_status", name="agent.py")
    with busy.state.open() as state:
        for _ in range(30):
            state.execute(
                "INSERT INTO execution_log (timestamp, workstream_id, event_type, message) "
                "VALUES ('', 'ws-1', 'log', hex(randomblob(200000)))"
            )
            state.commit()
    log = Path(f"{busy.state.path}-wal")
    assert log.stat().st_size > 8 << 20
    writer = keeper(start, busy, loop="trickles", name="daemon.py") if is_written else None

    told = unjam_json("check", "database_lock", cwd=busy.repo)
    document = recover(busy.repo, ONLY)

    (finding,) = told["findings"]
    assert "only grows" in finding["summary"]
    assert f"pid {reader.pid}" in finding["summary"]
    assert any("reads as of page" in one["fact"] for one in finding["evidence"])
    assert document["word"] == "recovered"
    assert not reader.alive
    if writer is None:
        assert log.stat().st_size == 0
    else:  # who writes on folds it in himself
        assert writer.alive
    events = busy.state.tables()["execution_log"]
    assert sum(len(str(one[-1])) > 100_000 for one in events) == 30


def test_of_two_orchestrators_the_younger_one_is_stopped_alone(busy: World, start: Start) -> None:
    elder = keeper(start, busy)
    born = psutil.Process(elder.pid).create_time()
    wait_until(lambda: time.time() > born + 1.5, "the second to be clearly younger")
    younger = keeper(start, busy)

    told = unjam_json("check", "database_lock", cwd=busy.repo)
    document = recover(busy.repo, ONLY)

    assert [one["severity"] for one in told["findings"]] == ["error"]
    assert document["word"] == "recovered", document["notes"]
    assert elder.alive
    assert not younger.alive
    assert sentences(document, "stop").keys() == {f"pid {younger.pid}"}


def test_who_lets_go_between_plan_and_stop_is_not_stopped(busy: World, start: Start) -> None:
    holder = outlasted(keeper(start, impatient(busy), "BEGIN IMMEDIATE", loop="hangs"))
    digest = unjam_json("recover", "database_lock", "--dry-run", cwd=busy.repo)["digest"]
    assert digest == unjam_json("recover", "database_lock", "--dry-run", cwd=busy.repo)["digest"]
    from unjam.engine.acts.carry_out import carry_out
    from unjam.engine.acts.recovery import Permission
    from unjam.engine.orchestration import open_orchestration
    from unjam.engine.running.prepare import look_and_prepare
    from unjam.engine.running.session import Terms, session

    terms = Terms("x", Request(ONLY))
    with session(open_orchestration(busy.repo), terms, Permission(everything=True)) as run:
        plan = look_and_prepare(run).plan
        holder.kill()
        other = keeper(start, busy, loop="idle")
        for step in plan.steps:
            carry_out(run, step)

    assert other.alive
    said = {one.step: one for one in run.outcomes}
    assert said["stop"].word == "already done"
    assert said["re-open state"].word == "done"
    assert said["set WAL mode"].word == "refused"
