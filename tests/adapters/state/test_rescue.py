"""Rows are read from the pages themselves: all of them, as SQLite stored them, and none that never was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unjam.adapters.state.rescuing.pages import Pages, pages_of, varint
from unjam.adapters.state.rescuing.rebuild import rebuild, recoverable
from unjam.adapters.state.rescuing.rescue import rescue

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.binary(max_size=40),
    st.integers(1, 9000).map(lambda size: "long " * (size // 5)),
)
SIZES = st.sampled_from([512, 1024, 4096, 65536])


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=60),
    size=SIZES,
    deleted=st.integers(0, 3),
    log=st.booleans(),
)
def test_what_is_rescued_of_a_whole_file_is_what_sqlite_reads(
    tmp_path_factory: "object",
    rows: list[tuple[object, object]],
    size: int,
    deleted: int,
    *,
    log: bool,
) -> None:
    path = Path(tmp_path_factory.mktemp("state"), "state.db")  # type: ignore[attr-defined]
    with closing(sqlite3.connect(path, isolation_level=None)) as state:
        state.execute(f"PRAGMA page_size = {size}")
        if log:
            state.execute("PRAGMA journal_mode = WAL")
            state.execute("PRAGMA wal_autocheckpoint = 0")
        state.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, a, b)")
        state.execute("CREATE TABLE other (a, b TEXT DEFAULT 'x')")
        state.executemany("INSERT INTO one (a, b) VALUES (?, ?)", rows)
        state.executemany("INSERT INTO other VALUES (?, ?)", [(a, repr(b)) for a, b in rows])
        if deleted:
            state.execute("DELETE FROM one WHERE id % 4 < ?", (deleted,))
            state.execute("ALTER TABLE other ADD COLUMN c DEFAULT 7")
        wanted = {
            name: set(map(repr, state.execute(f"SELECT * FROM {name}")))
            for name in ("one", "other")
        }
        files = path.read_bytes(), Path(f"{path}-wal").read_bytes() if log else b""
        rescue(pages_of(*files))
        copy = path.with_name("copy.db")
        copy.write_bytes(files[0])
        if log:
            Path(f"{copy}-wal").write_bytes(files[1])

    if rows:
        rebuild(copy, path.with_name("new.db"), wal=False)
        with closing(sqlite3.connect(path.with_name("new.db"))) as made:
            for name, expected in wanted.items():
                assert set(map(repr, made.execute(f"SELECT * FROM {name}"))) == expected


@given(st.binary(max_size=3000), st.binary(max_size=300))
def test_no_bytes_whatever_let_it_fail_or_run_on(data: bytes, log: bytes) -> None:
    for start in (b"", b"SQLite format 3\0\x02\x00\x01\x01\x00\x40\x20\x20"):
        found = rescue(pages_of(start + data, log))

        assert all(one.table.name for one in found.found)


@given(st.integers(0, 2**64 - 1))
def test_an_integer_of_sqlite_s_is_read_back(value: int) -> None:
    parts = [value & 0x7F]
    rest = value >> 7
    if value >= 1 << 56:
        parts, rest = [value & 0xFF], value >> 8
    while rest:
        parts.insert(0, (rest & 0x7F) | 0x80)
        rest >>= 7
    if value >= 1 << 56:
        parts = [0x80] * (9 - len(parts)) + parts

    assert varint(bytes(parts), 0) == (value, len(parts))


def test_rows_that_were_deleted_do_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as state, state:
        state.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT)"
        )
        state.executemany(
            "INSERT INTO workstream_status VALUES (?, 'pending')",
            [(f"ws-{number}",) for number in range(3000)],
        )
    with closing(sqlite3.connect(path)) as state, state:
        state.execute("DELETE FROM workstream_status WHERE rowid > 1000")

    (count,) = recoverable(path).counts

    assert (count.read, count.found, count.loose) == (1000, 1000, 0)


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_text_is_read_in_the_encoding_of_the_file(tmp_path: Path, encoding: str) -> None:
    path, text = tmp_path / "state.db", "Grüße, 世界"
    with closing(sqlite3.connect(path)) as state, state:
        state.execute(f"PRAGMA encoding = '{encoding}'")
        state.execute("CREATE TABLE t (a TEXT)")
        state.execute("INSERT INTO t VALUES (?)", (text,))

    rebuild(path, tmp_path / "new.db", wal=False)

    with closing(sqlite3.connect(tmp_path / "new.db")) as made:
        assert made.execute("SELECT a FROM t").fetchall() == [(text,)]


def test_a_tree_that_leads_back_to_itself_is_walked_once() -> None:
    size = 512
    inner = bytearray(size)
    inner[0] = 5
    inner[8:12] = (2).to_bytes(4, "big")
    pages = Pages(bytes(size) + bytes(inner), size, size)

    assert pages.children(2) == [2]
    assert rescue(pages).found == ()


MANY_KINDS = """
    CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status TEXT NOT NULL,
        agent_id TEXT, track TEXT, started_at TEXT, completed_at TEXT, exit_code INTEGER,
        attempt INTEGER DEFAULT 1, error_message TEXT);
    CREATE TABLE keyed (b, name TEXT, number INT, PRIMARY KEY (number, name)) WITHOUT ROWID;
    CREATE TABLE made (a INTEGER, b TEXT GENERATED ALWAYS AS (a || '!') STORED, c TEXT);
    CREATE TABLE backwards (id INTEGER PRIMARY KEY DESC, text TEXT);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, rowid TEXT, raw INTEGER);
    CREATE TABLE any_three (x, y, z);
    CREATE INDEX by_name ON keyed (name, b);
"""


def many_kinds(path: Path) -> dict[str, list[str]]:
    """Make a state of many kinds of tables, each of many pages; returns its rows."""
    with closing(sqlite3.connect(path)) as state, state:
        state.execute("PRAGMA page_size = 512")
        state.executescript(MANY_KINDS)
        for n in range(200):
            state.execute(
                "INSERT INTO workstream_status VALUES (?, 'x', '', '', '', '', 0, 1, '')", (f"{n}",)
            )
            state.execute("INSERT INTO keyed VALUES (?, ?, ?)", (b"b" * n, f"n{n}", n))
            state.execute("INSERT INTO made (a, c) VALUES (?, ?)", (n, f"c{n}"))
            state.execute("INSERT INTO backwards VALUES (?, ?)", (n, f"t{n}"))
            state.execute("INSERT INTO counted (rowid, raw) VALUES (?, ?)", (f"r{n}", b"raw"))
            state.execute("INSERT INTO any_three VALUES (?, ?, ?)", (n, f"y{n}", b"z"))
        state.execute("DELETE FROM counted WHERE id > 150")
    return rows_of(path)


def rows_of(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as state:
        names = state.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(map(repr, state.execute(f"SELECT * FROM {name}"))) for (name,) in names
        }


INNER = ("workstream_status", "made", "backwards", "counted", "any_three")


@pytest.mark.parametrize("zeroed", ["nothing", *INNER])
def test_every_kind_of_table_is_rescued_whole_though_a_way_to_its_rows_is_gone(
    tmp_path: Path, zeroed: str
) -> None:
    path = tmp_path / "state.db"
    before = many_kinds(path)
    with closing(sqlite3.connect(path)) as state:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        root = (state.execute(query, (zeroed,)).fetchone() or (0,))[0]
    content = path.read_bytes()
    if root:
        path.write_bytes(content[: (root - 1) * 512] + bytes(512) + content[root * 512 :])

    rebuild(path, tmp_path / "new.db", wal=False)

    assert rows_of(tmp_path / "new.db") == before


def test_a_definition_that_is_lost_does_not_lose_the_rows_of_a_workstream(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    before = many_kinds(path)
    content = path.read_bytes()
    at = content.index(b"tableworkstream_status") // 512 * 512
    path.write_bytes(content[:at] + bytes(512) + content[at + 512 :])

    rebuild(path, tmp_path / "new.db", wal=False)

    assert rows_of(tmp_path / "new.db")["workstream_status"] == before["workstream_status"]


def test_rows_whose_definition_is_lost_are_kept_in_a_table_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as state, state:
        state.execute(
            "CREATE TABLE workstream_status (workstream_id TEXT PRIMARY KEY, status, note)"
        )
        state.execute("INSERT INTO workstream_status VALUES ('ws-1', 'running', 'ours')")
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])

    (count,) = recoverable(path).counts
    rebuild(path, tmp_path / "new.db", wal=False)

    assert (count.table, count.found, count.loose) == ("lost_and_found_3", 1, 1)
    assert rows_of(tmp_path / "new.db") == {
        "lost_and_found_3": [repr((1, "ws-1", "running", "ours"))]
    }
