"""Something that writes into the state, begins once more, and is stopped before it ends that.

It is a program of the sandbox that `unjam demo` breaks, and no part of unjam.
"""

import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

LIFE = 300  # seconds; nothing of a sandbox outlives a demonstration for long
COMMITTED = 1_000
EVENT = "INSERT INTO execution_log (timestamp, workstream_id, event_type) VALUES (?, ?, ?)"


def main() -> None:
    """Commit a thousand events, begin with one more, tell how far it came, and stand still."""
    state, marker = sys.argv[-2:]
    threading.Timer(LIFE, os._exit, (0,)).start()
    connection = sqlite3.connect(state, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    connection.executemany(EVENT, (("now", "ws-01", "event") for _ in range(COMMITTED)))
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(EVENT, ("now", "ws-01", "unfinished"))
    Path(marker).write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main()
