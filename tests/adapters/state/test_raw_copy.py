"""Copies of a state's files: byte for byte where it rests, by SQLite's backup where it never does."""

import sqlite3
from contextlib import closing
from pathlib import Path

from unjam.adapters.state.files.raw_copy import copy_files


def test_what_is_written_without_a_pause_is_copied_as_one_file_with_all_that_is_committed(
    tmp_path: Path,
) -> None:
    path, folder, deleted = tmp_path / "state.db", tmp_path / "kept", tmp_path / "lost-wal"
    deleted.write_bytes(b"a log without a name")
    folder.mkdir()
    (folder / "state.db-wal").write_bytes(b"of an earlier try")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t (a)")
        writer.execute("INSERT INTO t VALUES (1), (2)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO t VALUES (3)")

        made = copy_files(path, folder, {"state.db-wal.deleted-7": deleted}, tries=0)

        assert writer.execute("SELECT count(*) FROM t").fetchone() == (3,)
    assert [one.name for one in made] == ["state.db", "state.db-wal.deleted-7"]
    assert sorted(one.name for one in folder.iterdir()) == ["state.db", "state.db-wal.deleted-7"]
    with closing(sqlite3.connect(folder / "state.db")) as copy:
        assert copy.execute("SELECT a FROM t").fetchall() == [(1,), (2,)]
