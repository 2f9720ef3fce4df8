"""Whether anybody works is told by what moves in the state, and nothing moves by being unreadable."""

from pathlib import Path

import pytest

from tests.world.state import StateFile
from unjam.adapters.state.rows.activity import moved, state_activity


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    file = StateFile(tmp_path / "orchestration.db")
    file.create()
    file.row("ws-1", "pending", agent=None)
    return file


def test_a_state_that_nobody_writes_has_not_moved(state: StateFile) -> None:
    assert moved(state_activity(str(state.path)), state_activity(str(state.path))) == ""


def test_moved_rows_and_new_events_are_named(state: StateFile) -> None:
    before = state_activity(str(state.path))

    state.row("ws-1", "running")
    state.row("ws-2", "pending", agent=None)

    assert moved(before, state_activity(str(state.path))) == (
        "ws-1 pending → running, ws-2 nothing → pending; 1 new event in its log"
    )


def test_a_state_that_cannot_be_read_any_more_proves_nothing(state: StateFile) -> None:
    before = state_activity(str(state.path))

    state.path.write_text("no database")

    assert moved(before, state_activity(str(state.path))) == ""
    assert moved(state_activity(str(state.path)), before) == ""
