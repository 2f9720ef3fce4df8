"""A state of several clones is nobody's alone: to reset, to replace, or to be taken for an empty one."""

from tests.command import unjam_json
from tests.flows.building import begun
from tests.flows.elsewhere.sharing import ALL_OF_A
from tests.recovering import undo
from tests.resetting import reset
from tests.world import World


def test_a_reset_leaves_the_rows_of_others(pair: tuple[World, World]) -> None:
    one, other = pair
    begun(other, "ws-15", "agent-9")
    before = {name: one.state.value(name, "started_at") for name in ALL_OF_A}

    document = reset(other.repo)

    left = [x for x in document["outcomes"] if x["outcome"] not in ("done", "already done")]
    assert document["word"] == "recovered", left
    assert {name: one.state.value(name, "started_at") for name in ALL_OF_A} == before
    assert one.state.status("ws-15") is None
    undo(other.repo, document["run"])
    assert one.state.status("ws-15") == "running"


def test_a_reset_leaves_a_state_whose_rows_it_cannot_read_to_the_clone_it_is_of(
    pair: tuple[World, World],
) -> None:
    one, other = pair
    begun(other, "ws-15", "agent-9")
    one.state.becomes_text()
    before = one.state.path.read_bytes()

    document = reset(other.repo)

    assert one.state.path.read_bytes() == before
    (said,) = [note for note in document["notes"] if note.startswith("the state stays as it is")]
    assert "file is not a database" in said


def test_the_log_of_a_shared_state_is_no_one_clone_s_to_take_away(
    pair: tuple[World, World],
) -> None:
    one, other = pair
    one.end_agents()
    with one.state.open() as database:
        database.execute("DELETE FROM workstream_status")
    before = one.state.tables()

    document = reset(other.repo)

    assert (document["word"], document["plan"]) == ("nothing to do", [])
    assert one.state.tables() == before


def test_the_file_of_several_clones_is_not_mended_unasked(pair: tuple[World, World]) -> None:
    one, other = pair
    with one.state.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 600)
    words = ("recover", "database_lock", "--dry-run")

    asked = unjam_json(*words, cwd=other.repo)
    unasked = unjam_json(*words, cwd=other.repo, env={"UNJAM_POLICY__DATABASE": "auto"})

    assert "replace state" in [step["step"] for step in asked["plan"]]
    assert any("make sure that nobody has it open" in note for note in asked["notes"])
    assert "replace state" not in [step["step"] for step in unasked["plan"]]
    assert any("others may use" in note for note in unasked["notes"])


def test_a_reset_leaves_the_row_that_names_another_machine(calm: World) -> None:
    with calm.state.open() as database:
        database.execute("ALTER TABLE workstream_status ADD COLUMN host TEXT")
    calm.state.row("ws-42", "running", host="gone-1")
    begun(calm, "ws-15", "agent-9")

    reset(calm.repo)

    assert (calm.state.status("ws-42"), calm.state.status("ws-15")) == ("running", None)
