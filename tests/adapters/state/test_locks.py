"""Who holds what on a database, as the kernel tells it: real holders, real locks, nothing opened for it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from unjam.adapters.processes.locks.lock_table import lockers_of_ranges, locks_on
from unjam.adapters.processes.locks.open_files import openers_of, persons_of
from unjam.adapters.processes.looking.vitals import activity, seconds_still, vitals_of
from unjam.adapters.state.file_format import read_format
from unjam.adapters.state.files.lock_probe import LOCKED_BYTES, probe_locks
from unjam.domain.world.database import Activity, LockKind, lock_kinds

_HOLDS = """
import sqlite3, sys
state = sqlite3.connect(sys.argv[1], isolation_level=None)
rows = None
for statement in sys.argv[2:]:
    rows = state.execute(statement)
    rows.fetchone()
print("held", flush=True)
sys.stdin.read()
"""
WAL = "PRAGMA journal_mode = WAL"
WRITE = "INSERT INTO t VALUES (2)"


@contextmanager
def holder(path: Path, *statements: str) -> Iterator[int]:
    command = [sys.executable, "-c", _HOLDS, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "state.db"
    with holder(made, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"):
        pass
    return made


def kinds(path: Path, pid: int) -> set[LockKind]:
    files = [str(path), f"{path}-shm"]
    return {
        kind
        for one in locks_on(files) or ()
        if one.pid == pid
        for kind in lock_kinds(one.path[len(str(path)) :], one.first, one.last, writes=one.writes)
    }


SCENES: dict[str, tuple[tuple[str, ...], set[LockKind]]] = {
    "open": (("SELECT 1",), set()),
    "reads": (("BEGIN", "SELECT * FROM t"), {LockKind.SHARED}),
    "forgotten": (("BEGIN IMMEDIATE",), {LockKind.RESERVED, LockKind.SHARED}),
    "alone": (
        ("BEGIN EXCLUSIVE",),
        {LockKind.EXCLUSIVE, LockKind.PENDING, LockKind.RESERVED},
    ),
    "open with a log": ((WAL, WRITE), {LockKind.SHARED, LockKind.WAL_OPEN}),
    "reads a log": (
        (WAL, WRITE, "BEGIN", "SELECT * FROM t"),
        {LockKind.SHARED, LockKind.WAL_OPEN, LockKind.WAL_READ},
    ),
    "writes a log": (
        (WAL, "BEGIN IMMEDIATE", WRITE),
        {LockKind.SHARED, LockKind.WAL_OPEN, LockKind.WAL_READ, LockKind.WAL_WRITE},
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_every_lock_is_named_as_sqlite_names_it(path: Path, scene: str) -> None:
    statements, wanted = SCENES[scene]
    with holder(path, *statements) as pid:
        found, seen = kinds(path, pid), probe_locks(path)

    assert found == wanted
    assert seen.is_open is bool(wanted)
    blocking = {LockKind.RESERVED, LockKind.EXCLUSIVE, LockKind.WAL_WRITE}
    assert seen.is_kept is bool(blocking & wanted)
    assert not seen.is_stranded
    assert kinds(path, pid) == set()  # a dead process holds nothing
    assert not probe_locks(path).is_open


def test_what_is_looked_at_keeps_its_locks_and_its_bytes(path: Path) -> None:
    with holder(path, WAL, "BEGIN IMMEDIATE", WRITE) as pid:
        before, held = read_format(path), kinds(path, pid)
        probe_locks(path)
        read_format(path)

        assert kinds(path, pid) == held
        assert read_format(path) == before


def test_the_generation_of_a_log_changes_when_it_starts_anew(path: Path) -> None:
    with holder(path, WAL, WRITE):
        first = read_format(path).wal
        with holder(path, "PRAGMA wal_checkpoint(RESTART)", WRITE):
            second = read_format(path).wal

    assert first is not None
    assert second is not None
    assert first.frames == second.frames == 1
    assert (first.folded, second.folded) == (0, 0)
    assert first.generation != second.generation


def test_who_has_a_deleted_file_open_is_found(path: Path) -> None:
    with holder(path, WAL, WRITE) as pid:
        Path(f"{path}-wal").unlink()
        found = list(openers_of([str(path), f"{path}-wal"]))
        seen = probe_locks(path)

    assert {(one.pid, Path(one.path).name, one.is_deleted) for one in found} == {
        (pid, "state.db", False),
        (pid, "state.db-wal", True),
    }
    assert seen.is_stranded


def test_who_works_on_a_deleted_log_shows_in_his_locks_though_others_have_made_a_new_one(
    path: Path,
) -> None:
    with holder(path, WAL, WRITE) as first:
        for side in ("-wal", "-shm"):
            Path(f"{path}{side}").unlink()
        with holder(path, WRITE) as second:
            seen = probe_locks(path)
            users = lockers_of_ranges(LOCKED_BYTES)

    assert not seen.is_stranded  # the names alone do not tell it
    assert {first, second} <= users


def test_an_open_transaction_shows_beside_a_database_that_somebody_keeps_to_himself(
    path: Path,
) -> None:
    alone = "PRAGMA locking_mode = EXCLUSIVE"
    with holder(path, alone, WAL, WRITE):
        kept_log = read_format(path)
    with holder(path, alone, "PRAGMA journal_mode = DELETE", WRITE, WRITE):
        kept_journal = read_format(path)
    with holder(path, alone, "BEGIN IMMEDIATE", WRITE):
        open_still = read_format(path)

    assert not kept_log.has_transaction
    assert not kept_journal.has_transaction
    assert open_still.has_transaction


def test_how_long_a_process_has_not_run_is_told_by_the_kernel(path: Path) -> None:
    with holder(path, "BEGIN IMMEDIATE") as pid:
        first = seconds_still(pid)
        time.sleep(0.2)  # what it does not do meanwhile is what is measured
        second = seconds_still(pid)

    if first is None or second is None:
        pytest.skip("this kernel does not tell when a process last ran")
    assert second - first >= 0.1


def test_without_proc_it_is_told_who_has_it_open_and_that_locks_cannot_be_told(
    path: Path, tmp_path: Path
) -> None:
    with holder(path, "BEGIN IMMEDIATE", WRITE) as pid:
        assert locks_on([str(path)], tmp_path) is None
        found = list(openers_of([str(path)], proc=tmp_path))

    assert [(one.pid, one.number) for one in found] == [(pid, None)]


def test_what_a_holder_is_is_told_by_its_pid_and_unjam_knows_itself(path: Path) -> None:
    with holder(path, "BEGIN IMMEDIATE") as pid:
        found = persons_of([pid, os.getpid(), 0, -1, 2**22 + 1])

    assert found.keys() == {pid, os.getpid()}
    assert not found[pid].is_ours
    assert found[os.getpid()].is_ours
    assert str(path) in found[pid].entry.command


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        ("import time; print(flush=True); time.sleep(60)", Activity.IDLE),
        ("print(flush=True)\nwhile True: pass", Activity.WORKS),
        (
            """import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
print(flush=True)
try: sys.stdin.read()
finally: child.kill()""",
            Activity.WORKS,
        ),
    ],
    ids=["waits", "computes", "waits for its child that computes"],
)
def test_whether_a_process_works_is_told_by_two_looks(program: str, wanted: Activity) -> None:
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        time.sleep(0.2)
        before = vitals_of(process.pid, 0.0)
        time.sleep(0.5)  # what it does meanwhile is what is measured
        did, because = activity(before, vitals_of(process.pid, 0.5))
        process.stdin.close()
        time.sleep(0.1)
        process.kill()

    assert did is wanted, because
    assert activity(before, vitals_of(process.pid, 1.0))[0] is Activity.UNKNOWN


_TAKES_AND_GIVES_BACK = """
import fcntl, sys
with open(sys.argv[1], "wb") as file:
    print("begun", flush=True)
    while True:
        for place in range(0, 400, 2):
            fcntl.lockf(file, fcntl.LOCK_EX, 1, place)
        fcntl.lockf(file, fcntl.LOCK_UN)
"""


def test_a_lock_is_seen_however_many_others_come_and_go(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _TAKES_AND_GIVES_BACK, str(tmp_path / "elsewhere")]
    with (
        holder(path, "BEGIN IMMEDIATE", WRITE.replace("2", "3")) as pid,
        subprocess.Popen(command, stdout=subprocess.PIPE) as noise,
    ):
        assert noise.stdout is not None
        noise.stdout.readline()
        end = time.monotonic() + 5
        try:
            seen = [
                LockKind.RESERVED in kinds(path, pid)
                for _ in range(200)
                if time.monotonic() < end  # the list can take 40 ms
            ]
        finally:
            noise.kill()

    assert all(seen)
