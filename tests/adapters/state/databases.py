"""What happens to state databases in life: writers that die over them, holders that do not let go."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DIES = """
import os, sqlite3, sys
path, mode, rows, when = sys.argv[1:]
state = sqlite3.connect(path, isolation_level=None)
state.execute(f"PRAGMA journal_mode = {mode}")
state.execute("PRAGMA wal_autocheckpoint = 0")
state.execute("PRAGMA cache_size = 2")
for number in range(int(rows)):
    state.execute(
        "INSERT INTO workstream_status (workstream_id, status, error_message) VALUES (?, ?, ?)",
        (f"ws-{number:03}", "running", "x" * 500),
    )
if when == "during":  # with this little cache, pages are in the file before they are committed
    state.execute("BEGIN")
    state.execute("UPDATE workstream_status SET status = 'lost', error_message = hex(randomblob(250))")
os.kill(os.getpid(), 9)
"""
_HOLDS = """
import sqlite3, sys
state = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    state.execute(statement)
print("held", flush=True)
sys.stdin.read()
"""


def kill_writer(path: Path, *, mode: str, rows: int = 100, during_commit: bool = False) -> None:
    """Let a process commit rows one by one, and die by SIGKILL after or in the middle of a write."""
    when = "during" if during_commit else "after"
    command = [sys.executable, "-c", _DIES, os.fspath(path), mode, str(rows), when]
    ended = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@contextmanager
def held(path: Path, *statements: str) -> Iterator[None]:
    """Let another process run the statements and keep its connection."""
    command = [sys.executable, "-c", _HOLDS, os.fspath(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.kill()


def files_beside(path: Path, *, also_index: bool = False) -> dict[str, str]:
    """Every file of the directory with a digest; the index of a WAL, which can be rebuilt, on request."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in path.parent.iterdir()
        if also_index or not file.name.endswith("-shm")
    }
