"""What a damaged database defines is all made anew, virtual tables with their content, or told to be missing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from unjam.adapters.state.rescuing.rebuild import rebuild, recoverable

SCHEMA = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);
CREATE VIRTUAL TABLE found USING fts5(body, content='notes', content_rowid='id');
CREATE VIRTUAL TABLE own USING fts5(title, body);
CREATE VIRTUAL TABLE bare USING fts5(body, content='');
CREATE VIRTUAL TABLE old USING fts4(body);
CREATE VIRTUAL TABLE places USING rtree(id, low, high);
CREATE VIEW latest AS SELECT * FROM notes ORDER BY id DESC LIMIT 1;
CREATE INDEX by_body ON notes (body);
CREATE TRIGGER told AFTER INSERT ON notes BEGIN INSERT INTO found (rowid, body) VALUES (new.id, new.body); END;
"""
QUESTIONS = (
    "SELECT count(*) FROM found WHERE found MATCH 'alpha'",
    "SELECT count(*) FROM own WHERE own MATCH 'alpha'",
    "SELECT count(*) FROM bare WHERE bare MATCH 'alpha'",
    "SELECT count(*) FROM old WHERE old MATCH 'alpha'",
    "SELECT count(*) FROM places WHERE low >= 3",
    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "state.db"
    with closing(sqlite3.connect(made)) as state, state:
        state.executescript(SCHEMA)
        for number in range(200):
            text = f"alpha beta {number}"
            state.execute("INSERT INTO notes (body) VALUES (?)", (text,))
            state.execute("INSERT INTO own VALUES ('a title', ?)", (text,))
            state.execute("INSERT INTO bare (rowid, body) VALUES (?, ?)", (number, text))
            state.execute("INSERT INTO old VALUES (?)", (text,))
            state.execute("INSERT INTO places VALUES (?, ?, ?)", (number, number, number + 1))
    return made


def answers(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as state:
        return [state.execute(one).fetchall() for one in QUESTIONS]


def spoil(path: Path, table: str) -> None:
    """Overwrite the head of the page at which a table begins."""
    with closing(sqlite3.connect(path)) as state:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        (root,) = state.execute(query, (table,)).fetchone()
        (size,) = state.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 8)


@pytest.mark.parametrize("table", ["found_data", "own_idx", "old_segdir"])
def test_virtual_tables_are_made_anew_of_their_own_statement_and_content(
    path: Path, tmp_path: Path, table: str
) -> None:
    before = answers(path)
    spoil(path, table)

    made = rebuild(path, tmp_path / "new.db", wal=False)

    assert made.missing == ()
    assert answers(tmp_path / "new.db") == before
    with closing(sqlite3.connect(tmp_path / "new.db")) as state:
        state.execute("INSERT INTO notes (body) VALUES ('gamma')")
        assert state.execute("SELECT count(*) FROM found WHERE found MATCH 'gamma'").fetchone()[0]


def test_what_cannot_be_made_anew_is_named_before_and_after(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as state, state:
        state.execute("CREATE TABLE twins (a)")
        state.execute("INSERT INTO twins VALUES (1), (1)")
        state.execute(
            "CREATE TRIGGER deaf AFTER INSERT ON twins BEGIN INSERT INTO strange VALUES (1); END"
        )
        state.execute("PRAGMA writable_schema = ON")
        unknown = "INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)"
        sql = "CREATE VIRTUAL TABLE strange USING nosuch(a)"
        state.execute(unknown, ("table", "strange", "strange", 0, sql))
        sql = "CREATE UNIQUE INDEX only_one ON twins (a)"
        state.execute(unknown, ("index", "only_one", "twins", 0, sql))

    foreseen = recoverable(path).missing
    made = rebuild(path, tmp_path / "new.db", wal=False)

    assert foreseen == made.missing
    assert [one.split(" cannot")[0].split(" is left")[0] for one in made.missing] == [
        "virtual table strange",
        "index only_one",
        "trigger deaf",
    ]
    with closing(sqlite3.connect(tmp_path / "new.db")) as state:
        state.execute("INSERT INTO twins VALUES (2)")  # no trigger fails over what is not there
