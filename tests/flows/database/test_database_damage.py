"""A state that is damaged: rebuilt from its pages, replaced with approval, and brought back by undo."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.adapters.state.databases import kill_writer
from tests.command import unjam_json
from tests.flows.database.holding import ONLY, Start, files_of, keeper, steps
from tests.recovering import recover, sentences, undo
from tests.world import World
from unjam.errors import RefusedError

ROWS = 2_000
PAGE = 4096


@pytest.fixture
def full(calm: World) -> World:
    """A state of some size, in which nothing else is wrong."""
    with calm.state.open() as state:
        state.executemany(
            "INSERT INTO workstream_status (workstream_id, status, error_message) VALUES (?, ?, ?)",
            [(f"ws-{number:04}", "pending", "x" * (number % 300)) for number in range(ROWS)],
        )
        state.executemany(
            "INSERT INTO execution_log (timestamp, workstream_id, event_type, message) "
            "VALUES ('2025-11-29 08:05:12', ?, 'log', ?)",
            [(f"ws-{number:04}", "m" * (number % 500)) for number in range(ROWS)],
        )
        state.execute("PRAGMA user_version = 7")
    return calm


def rows(world: World) -> set[tuple[object, ...]]:
    return set(world.state.tables().get("workstream_status", ()))


def spoiled(world: World, change: Callable[[bytearray], bytearray | None]) -> None:
    """Change the bytes of its file."""
    content = bytearray(world.state.path.read_bytes())
    world.state.path.write_bytes(change(content) or content)


def root_page(world: World, table: str = "workstream_status") -> int:
    with world.state.open() as state:
        (number,) = state.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    return int(number)


def zeroed(number: int) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        content[(number - 1) * PAGE : number * PAGE] = bytes(PAGE)

    return change


def wrong_magic(content: bytearray) -> None:
    content[:16] = b"SQLite format 9\0"


def header_of_noise(content: bytearray) -> None:
    content[:100] = os.urandom(100)


WHOLE: dict[str, Callable[[World], Callable[[bytearray], None]]] = {
    "wrong magic": lambda _: wrong_magic,
    "header of noise": lambda _: header_of_noise,
    "first page zeroed": lambda _: zeroed(1),
    "root of a table zeroed": lambda world: zeroed(root_page(world)),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_row_is_found_again_where_only_the_way_to_it_is_damaged(
    full: World, kind: str
) -> None:
    before = full.state.tables()
    spoiled(full, WHOLE[kind](full))
    damaged = files_of(full)

    told = unjam_json("check", cwd=full.repo)
    assert files_of(full) == damaged
    document = recover(full.repo, ONLY)

    (finding,) = [one for one in told["findings"] if one["scenario"] == "database_lock"]
    facts = [one["fact"] for one in finding["evidence"]]
    assert any(f"{ROWS} can be recovered" in one for one in facts)
    assert document["word"] == "recovered"
    assert f"{ROWS} rows (SQLite reads " in document["plan"][-1]["reason"]
    assert steps(document) == {
        "copy state": "done",
        "rebuild state": "done",
        "replace state": "done",
    }
    assert full.state.tables()["workstream_status"] == before["workstream_status"]
    assert full.state.tables()["execution_log"] == before["execution_log"]
    assert undo(full.repo, document["run"])["word"] == "undone"
    assert files_of(full) == damaged


def test_rows_that_belong_to_no_table_any_more_are_kept_and_left_to_a_person(full: World) -> None:
    with full.state.open() as state:
        state.execute("ALTER TABLE execution_log ADD COLUMN more TEXT")
        state.execute("UPDATE execution_log SET more = 'more'")
    spoiled(full, zeroed(1))

    document = recover(full.repo, ONLY)

    (table,) = [one for one in full.state.tables() if one.startswith("lost_and_found_")]
    assert document["word"] == "partly recovered"
    assert f"{ROWS} rows" in sentences(document, "rebuild state")[table]
    assert len(full.state.tables()[table]) == ROWS


def test_of_a_truncated_file_all_is_kept_that_it_still_holds(full: World) -> None:
    before = rows(full)
    size = full.state.path.stat().st_size
    spoiled(full, lambda content: content[: size * 6 // 10 // PAGE * PAGE])

    document = recover(full.repo, ONLY)

    assert document["word"] == "recovered"
    assert rows(full) <= before
    kept = {name: len(found) for name, found in full.state.tables().items()}
    assert sum(kept.values()) > ROWS
    (said,) = sentences(document, "rebuild state").values()
    assert f"execution_log: {kept['execution_log']} rows" in said


def test_one_zeroed_leaf_costs_its_own_rows_and_no_other(full: World) -> None:
    before = rows(full)
    leaf = next(
        number
        for number in range(3, full.state.path.stat().st_size // PAGE)
        if full.state.path.read_bytes()[(number - 1) * PAGE] == 13 and number != root_page(full)
    )
    spoiled(full, zeroed(leaf))

    document = recover(full.repo, ONLY)

    assert document["word"] == "recovered"
    assert rows(full) <= before
    assert sum(map(len, full.state.tables().values())) > 2 * ROWS - 100
    with closing(sqlite3.connect(full.state.path)) as state:
        assert state.execute("PRAGMA user_version").fetchone() == (7,)
        assert state.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("content", [b"", b"this is not a database\n" * 50], ids=["empty", "text"])
def test_where_no_row_can_be_found_nothing_is_touched_and_it_is_said(
    full: World, content: bytes
) -> None:
    full.state.path.write_bytes(content)

    document = recover(full.repo, ONLY)

    assert full.state.path.read_bytes() == content
    assert document["plan"] == []
    assert document["word"] == "needs a human"
    assert any("no row of .state/orchestration.db can be found" in one for one in document["notes"])


def test_rows_that_only_the_log_of_a_damaged_file_holds_are_found(full: World) -> None:
    kill_writer(full.state.path, mode="WAL", rows=1_000)
    before = read_of_copy(full)
    spoiled(full, wrong_magic)

    document = recover(full.repo, ONLY)

    assert document["word"] == "recovered"
    assert len(before) == ROWS + 1_000
    assert rows(full) == before


def test_a_damaged_page_of_the_log_costs_no_commit_behind_it(full: World) -> None:
    kill_writer(full.state.path, mode="WAL", rows=1_000)
    before = read_of_copy(full)
    log = Path(f"{full.state.path}-wal")
    content = bytearray(log.read_bytes())
    frames = (len(content) - 32) // (PAGE + 24)
    at = 32 + frames // 2 * (PAGE + 24) + 24 + PAGE // 2  # a page that is written again later
    content[at] ^= 0x40
    log.write_bytes(content)
    Path(f"{full.state.path}-shm").unlink(missing_ok=True)
    assert len(read_of_copy(full)) < len(before)  # SQLite says nothing of it

    told = unjam_json("check", cwd=full.repo)
    document = recover(full.repo, ONLY)

    assert any("its log is damaged" in one["summary"] for one in told["findings"])
    assert document["word"] == "recovered"
    assert {row[0] for row in rows(full)} == {row[0] for row in before}


def read_of_copy(world: World) -> set[tuple[object, ...]]:
    """What SQLite reads of its files, without touching them."""
    folder = world.root / "read"
    folder.mkdir(exist_ok=True)
    for side in ("", "-wal", "-journal"):
        file = Path(f"{world.state.path}{side}")
        (folder / f"state.db{side}").unlink(missing_ok=True)
        if file.exists():
            (folder / f"state.db{side}").write_bytes(file.read_bytes())
    (folder / "state.db-shm").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "state.db")) as state:
        return set(state.execute("SELECT * FROM workstream_status").fetchall())


def test_an_undo_is_refused_once_the_new_file_was_written(full: World) -> None:
    spoiled(full, wrong_magic)
    document = recover(full.repo, ONLY)
    full.state.row("ws-0001", "running")

    with pytest.raises(RefusedError, match="has been written since"):
        undo(full.repo, document["run"])

    assert full.state.status("ws-0001") == "running"


def test_whoever_has_the_damaged_file_open_keeps_it_from_being_replaced(
    full: World, start: Start
) -> None:
    holder = keeper(start, full, "SELECT count(*) FROM workstream_status", name="viewer.py")
    spoiled(full, zeroed(root_page(full, "execution_log")))
    damaged = files_of(full)

    document = recover(full.repo, ONLY)

    assert document["plan"] == []
    assert any("has it open" in one for one in document["notes"])
    assert holder.alive
    assert files_of(full) == damaged


def test_a_damaged_state_and_a_crash_are_one_plan(full: World) -> None:
    stream = full.workstream("ws-15").worktree().row("running")
    stream.leaves({"draft.txt": "a draft\n"})
    treasure = full.treasure()
    spoiled(full, wrong_magic)

    document = recover(full.repo)

    assert steps(document)["replace state"] == "done"
    assert steps(document)["salvage"] == "done"
    assert recover(full.repo)["word"] == "recovered"
    assert full.state.status("ws-15") == "failed"
    assert full.lost(treasure) == []
