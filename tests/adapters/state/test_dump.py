"""The vault's copy of the state: all that is committed, in one file, or no file."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.adapters.state.databases import files_beside, held, kill_writer
from tests.world.state import StateFile
from unjam.adapters.state.dump import copy_database
from unjam.errors import PermanentError, TransientError


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    file = StateFile(tmp_path / "state" / "orchestration.db")
    file.create()
    return file


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    directory = tmp_path / "vault"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("during_commit", [False, True], ids=["after a commit", "during a commit"])
def test_a_copy_after_a_crash_holds_all_that_was_committed(
    state: StateFile, vault: Path, mode: str, during_commit: bool
) -> None:
    kill_writer(state.path, mode=mode, rows=100, during_commit=during_commit)
    before = files_beside(state.path)

    copy = copy_database(str(state.path), vault / "state.db")

    assert files_beside(state.path) == before
    assert copy == vault / "state.db"
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute(
            "SELECT count(*), min(status), max(status) FROM workstream_status"
        ).fetchone() == (100, "running", "running")
    assert [file.name for file in vault.iterdir()] == ["state.db"]


def test_a_copy_is_for_its_owner_only(state: StateFile, vault: Path) -> None:
    copy = copy_database(f"sqlite:///{state.path}", vault / "state.db")

    assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_first_copy_of_a_run_is_kept(state: StateFile, vault: Path) -> None:
    copy_database(str(state.path), vault / "state.db")
    first = (vault / "state.db").read_bytes()
    state.row("ws-1", "running")

    copy_database(str(state.path), vault / "state.db")

    assert (vault / "state.db").read_bytes() == first


@pytest.mark.parametrize(
    "keep", ["BEGIN EXCLUSIVE", "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE"]
)
def test_a_database_somebody_keeps_to_himself_is_given_up_in_time(
    state: StateFile, vault: Path, keep: str
) -> None:
    began = time.monotonic()

    with held(state.path, *keep.split(";")), pytest.raises(TransientError, match="locked"):
        copy_database(str(state.path), vault / "state.db", deadline=0.5)

    assert time.monotonic() - began < 5
    assert not list(vault.iterdir())
    copy_database(str(state.path), vault / "state.db")
    assert [file.name for file in vault.iterdir()] == ["state.db"]


def test_a_copy_of_nothing_is_an_error_and_of_a_server_none(state: StateFile, vault: Path) -> None:
    state.becomes_empty()

    with pytest.raises(PermanentError, match="empty"):
        copy_database(str(state.path), vault / "state.db")
    with pytest.raises(PermanentError, match="No such file"):
        copy_database(str(state.path.with_name("none.db")), vault / "state.db")

    assert copy_database("postgresql+psycopg://host/db", vault / "state.db") is None
    assert not list(vault.iterdir())
