"""State databases, specs and names as life has them: whatever they hold, nothing is lost by it."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.command import unjam, unjam_json
from tests.flows.building import begun, on_trunk, recovered
from tests.recovering import recover, sentences, undo
from tests.world import HOSTILE_IDS, StateFile, TimeStyle, World, git, typical_wreck
from tests.world.state import COLUMNS
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import prepare
from unjam.engine.running.session import Terms, session


def test_two_columns_are_enough(calm: World) -> None:
    calm.state.path.unlink()
    calm.state.create(("workstream_id", "status"), log=False)
    landed = begun(calm, "ws-11").lands_as_merge()
    begun(calm, "ws-12")
    calm.workstream("ws-13").worktree().row("running").leaves({"draft.txt": "a draft\n"})
    treasure = calm.treasure()

    recovered(calm)

    assert calm.state.tables() == {
        "workstream_status": [
            ("ws-11", "completed"),
            ("ws-12", "completed"),
            ("ws-13", "failed"),
        ]
    }
    assert not landed.tree.exists()
    assert calm.lost(treasure) == []


def test_further_columns_are_kept_and_the_message_follows_a_person_s_note(calm: World) -> None:
    calm.state.path.unlink()
    columns = [one for one in COLUMNS if one != "error_message"]
    calm.state.create([*columns, "blocked_by", "notes", "updated_at", "priority"])
    stream = calm.workstream("ws-13").worktree()
    stream.row("running", notes="ask Ada first", priority="7", updated_at="2025-01-01T00:00:00")
    stream.leaves({"draft.txt": "a draft\n"})
    before, treasure = calm.state.tables(), calm.treasure()

    document = recovered(calm)

    notes = str(calm.state.value("ws-13", "notes"))
    assert notes.startswith("ask Ada first; its agent ended before it committed anything")
    assert f"refs/unjam/{document['run']}/worktree/" in notes
    assert calm.state.value("ws-13", "priority") == "7"
    assert str(calm.state.value("ws-13", "updated_at")) > "2025-01-01T00:00:00"
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.state.tables() == before


def test_a_database_that_forbids_conflict_is_told_failed_and_why(calm: World) -> None:
    with calm.state.open() as database:
        database.execute("DROP TABLE workstream_status")
        database.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT CHECK "
            "(status IN ('pending', 'running', 'completed', 'failed')), agent_id TEXT, "
            "track TEXT, started_at TEXT, error_message TEXT)"
        )
    stream = calm.workstream("ws-11").worktree().row("running")
    stream.commits({"src/app.py": "theirs = 1\n"})
    calm.primary.commit("src/app.py", "ours = 1\n")
    treasure = calm.treasure()

    recover(calm.repo)

    assert calm.state.status("ws-11") == "failed"
    assert str(calm.state.value("ws-11", "error_message")).startswith("conflict: ")
    assert stream.tip in git("for-each-ref", "refs/heads", cwd=calm.repo)
    assert on_trunk(calm, "src/app.py") == "ours = 1"
    assert calm.lost(treasure) == []


def test_rows_in_words_that_nobody_knows_stay_as_they_are_through_recovery_and_undo(
    calm: World,
) -> None:
    with calm.state.open() as database:
        database.execute("DROP TABLE workstream_status")
        database.execute("CREATE TABLE workstream_status (Workstream_ID, Status, Error_Message)")
    strange = [
        ("ws-21", None),
        ("ws-22", ""),
        ("ws-23", " running"),
        ("ws-24", "in_progress"),
        ("ws-25", 7),
    ]
    for name, _ in strange:
        calm.workstream(name).worktree().leaves({"draft.txt": f"{name}\n"})
    calm.workstream("ws-11").worktree().leaves({"draft.txt": "a draft\n"})
    with calm.state.open() as database:
        rows = [*strange, ("ws-11", "running")]
        database.executemany("INSERT INTO workstream_status VALUES (?, ?, NULL)", rows)
    before, treasure = calm.state.tables(), calm.treasure()

    document = recover(calm.repo)

    after = calm.state.tables()["workstream_status"]
    assert after[:-1] == before["workstream_status"][:-1]
    assert after[-1][:2] == ("ws-11", "failed")
    assert document["word"] == "partly recovered"
    assert {name for name, _ in strange} <= {
        name for one in document["findings_after"] for name in one["workstreams"]
    }
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.state.tables() == before


@pytest.mark.parametrize("style", TimeStyle)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_a_row_s_age_is_right_in_every_zone_and_style(
    calm: World, monkeypatch: pytest.MonkeyPatch, style: TimeStyle, zone: str
) -> None:
    with in_zone(monkeypatch, zone):
        calm.workstream("ws-11").worktree().row("running", age=timedelta(minutes=90), style=style)

        (line,) = unjam_json("status", cwd=calm.repo)["workstreams"]

    assert line["age_seconds"] == pytest.approx(90 * 60, abs=60)


@pytest.mark.parametrize("style", TimeStyle)
def test_a_time_is_written_as_the_others_are(
    calm: World, monkeypatch: pytest.MonkeyPatch, style: TimeStyle
) -> None:
    with in_zone(monkeypatch, "America/New_York"):
        begun(calm, "ws-11").row("running", style=style).lands_as_merge()
        # A row without any time follows its neighbours.
        begun(calm, "ws-12").row("running", style=style, started_at=None).lands_as_merge()

        recovered(calm)

        for name in ("ws-11", "ws-12"):
            written = str(calm.state.value(name, "completed_at"))
            assert ("T" in written) is (style is TimeStyle.LOCAL_ISO)
            moment = datetime.fromisoformat(written)
            zone = None if style is TimeStyle.LOCAL_ISO else UTC
            aware = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
            assert abs(datetime.now(UTC) - aware) < timedelta(minutes=2)


@contextmanager
def in_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> Iterator[None]:
    """Let this process and all it starts live elsewhere."""
    with monkeypatch.context() as here:
        here.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


def test_names_that_are_no_names_are_shown_and_never_acted_upon(calm: World) -> None:
    for number, name in enumerate(HOSTILE_IDS):
        calm.state.row(name, "running", agent=HOSTILE_IDS[-number - 1])
    calm.state.row("ws-\x1b[2J\x1b]0;owned\x07", "running", agent="\x1b[31m")
    calm.state.row("ws-ü", "running", agent="../../agent")
    git("branch", "ws/-rf/agent-1", "main", cwd=calm.repo)
    begun(calm)
    around = sorted([*calm.root.iterdir(), *calm.root.parent.iterdir()])
    treasure = calm.treasure()

    document = recover(calm.repo)

    assert on_trunk(calm, "src/part_15.py") == "part = 15"
    assert calm.lost(treasure) == []
    names = {row[0] for row in calm.state.tables()["workstream_status"]}
    running = {one for one in names if calm.state.status(str(one)) == "running"}
    assert running >= {one for one in HOSTILE_IDS if one != "ws-ü" and len(one) < 255}
    assert document["word"] == "partly recovered"
    assert sorted([*calm.root.iterdir(), *calm.root.parent.iterdir()]) == around
    assert not [one for one in calm.root.rglob("*") if one.name in ("owned", "etc")]
    for words in (["check"], ["status"], ["recover", "--dry-run"], ["history"]):
        said = unjam(*words, cwd=calm.repo)
        assert said.returncode in (0, 1), said.stderr
        assert all(one.isprintable() or one == "\n" for one in said.stdout + said.stderr)


def test_a_workstream_with_a_letter_beyond_ascii_is_recovered_like_any_other(calm: World) -> None:
    stream = begun(calm, "ws-ü9", "ägent")
    treasure = calm.treasure()

    recovered(calm)

    assert on_trunk(calm, "src/part_9.py") == "part = 9"
    assert calm.state.status("ws-ü9") == "completed"
    assert not stream.tree.exists()
    assert calm.lost(treasure) == []


def test_a_spec_is_known_by_its_id_and_not_by_its_file(calm: World) -> None:
    calm.spec("ws-1", file_name="ws-1-add-the-login-form")
    calm.spec("ws-2", depends_on=["ws-1"], file_name="ws-2-then-test-it")
    calm.commit_specs()
    begun(calm, "ws-2", "agent-2").row("running")
    begun(calm, "ws-1").row("running")

    recovered(calm)

    merges = git("log", "--merges", "--format=%s", "main", cwd=calm.repo).splitlines()
    assert merges == ["Merge ws/ws-2/agent-2", "Merge ws/ws-1/agent-1"]


def test_broken_specs_are_told_and_the_rest_goes_on(calm: World) -> None:
    folder = calm.spec("ws-15").parent
    (folder / "ws-text.json").write_text("{not json")
    (folder / "ws-nobody.json").write_text('{"tasks": []}')
    (folder / "ws-word.json").write_text('{"id": "ws-9", "depends_on": "ws-15"}')
    begun(calm)
    treasure = calm.treasure()

    document = recovered(calm)

    told = unjam_json("check", cwd=calm.repo)
    assert {one["what"] for one in told["unknown"]} == {
        "spec ws-text.json",
        "spec ws-nobody.json",
        "spec ws-word.json",
    }
    assert [one["outcome"] for one in document["outcomes"] if one["step"] == "land"] == ["done"]
    assert calm.lost(treasure) == []


def unreadable_as_directory(state: StateFile) -> None:
    state.path.unlink()
    state.path.mkdir()


def leads_nowhere(state: StateFile) -> None:
    state.path.unlink()
    state.path.symlink_to("nowhere.db")


UNREADABLE: dict[str, Callable[[StateFile], None]] = {
    "empty": StateFile.becomes_empty,
    "text": StateFile.becomes_text,
    "another program's": StateFile.becomes_foreign,
    "a directory": unreadable_as_directory,
    "a dangling link": leads_nowhere,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_with_a_state_that_cannot_be_read_work_is_saved_and_nothing_else_happens(
    calm: World, kind: str
) -> None:
    begun(calm).leaves({"draft.txt": "a draft\n"})
    UNREADABLE[kind](calm.state)
    before, treasure = calm.inventory(), calm.treasure()

    document = recover(calm.repo)

    assert calm.inventory() == before
    assert document["word"] in ("needs a human", "partly recovered")
    assert {one["step"] for one in document["outcomes"]} <= {"salvage"}
    (saved,) = document["vault"]
    assert "a draft" in git("grep", "-h", "draft", saved, cwd=calm.vault)
    told = unjam("check", cwd=calm.repo)
    assert told.returncode == 1
    assert "cannot tell state database" in told.stdout
    assert calm.lost(treasure) == []


def test_a_state_that_is_locked_is_unknown_and_once_free_the_run_recovers(calm: World) -> None:
    begun(calm)
    treasure = calm.treasure()
    with calm.state.locked():
        locked = recover(calm.repo)
        assert "salvage" in {one["step"] for one in locked["outcomes"]}
    assert calm.state.status("ws-15") == "running"

    recovered(calm)

    assert calm.state.status("ws-15") == "completed"
    assert calm.lost(treasure) == []


def test_without_a_state_what_was_ordered_is_judged_by_git_and_processes(calm: World) -> None:
    calm.spec("ws-15")
    calm.commit_specs()
    stream = calm.workstream("ws-15").worktree()
    stream.commits({"src/part.py": "part = 15\n"}).leaves({"draft.txt": "a draft\n"})
    calm.state.path.unlink(missing_ok=True)
    (calm.repo / "logs").mkdir(exist_ok=True)
    (calm.repo / "logs/multi_agent_orchestrator.log").write_text("Begun\n")  # one was here
    treasure = calm.treasure()

    recovered(calm)

    assert on_trunk(calm, "src/part.py") == "part = 15"
    assert not calm.state.path.exists()
    assert not stream.tree.exists()
    assert calm.lost(treasure) == []


def test_the_state_may_be_named_by_url(calm: World) -> None:
    calm.configure(orchestration={"state": f"sqlite:///{calm.state.path}"})
    begun(calm)
    treasure = calm.treasure()

    document = recovered(calm)

    assert calm.state.status("ws-15") == "completed"
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.state.status("ws-15") == "running"


def test_a_server_that_does_not_answer_is_unknown_in_seconds(calm: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        location = f"postgresql+psycopg://me:hunter2@127.0.0.1:{port}/state"
        calm.configure(orchestration={"state": location})
        begun(calm)
        before, treasure = calm.inventory(), calm.treasure()

        told = unjam("check", cwd=calm.repo, deadline=30)
        document = recover(calm.repo)

    assert told.returncode == 1
    assert "cannot tell state database" in told.stdout
    assert "hunter2" not in told.stdout + told.stderr + json.dumps(document)
    assert calm.inventory() == before
    assert calm.lost(treasure) == []


def test_a_row_somebody_changes_between_plan_and_act_is_not_written(calm: World) -> None:
    begun(calm).lands_as_merge()
    with session(open_orchestration(calm.repo), Terms("crash"), Permission(everything=True)) as run:
        prepared = prepare(run.look(), run.policy)
        calm.state.row("ws-15", "failed", agent="agent-1", error_message="a person knows more")
        before = calm.state.tables()
        for step in prepared.plan.steps:
            carry_out(run, step)

    assert calm.state.tables() == before
    (why,) = (one.sentence for one in run.outcomes if one.step == "record")
    assert why == "the facts have changed since the plan was made: row of ws-15"


def test_the_vault_keeps_a_copy_of_the_state_as_it_was(calm: World) -> None:
    typical_wreck(calm)
    rows = calm.state.tables()

    document = recovered(calm)

    copy = StateFile(calm.common / "unjam" / "vault" / document["run"] / "state.db")
    assert copy.tables() == rows
    assert sentences(document, "record")["ws-01"].startswith("done: running → completed")


def test_beside_a_state_that_cannot_be_read_no_orchestrator_is_started(world: World) -> None:
    begun(world).leaves({"draft.txt": "a draft\n"})
    world.spec("ws-99")
    world.state.becomes_text()

    document = recover(world.repo)

    outcomes = {one["step"]: one["outcome"] for one in document["outcomes"]}
    assert outcomes.get("restart") == "refused"
