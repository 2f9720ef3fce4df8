"""One real Prefect server for all tests of a session, whichever of its workers asks first.

Starting one takes ten seconds, so only tests that ask for it pay, and parallel workers share it:
a file lock decides who starts it, a list of users who stops it.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.world.shell import wait_until

# No calls home; small batches and fewer services, or the embedded SQLite answers 503 under tests.
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
_SERVER = ("-m", "prefect", "server", "start", "--host=127.0.0.1")


@contextmanager
def shared_server(directory: Path) -> Iterator[str]:
    """Give the API's address of the session's server, which the last user stops."""
    with shared(directory, lambda: _start(directory)) as record:
        yield str(record["url"])


@contextmanager
def shared(directory: Path, start: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Share what ``start`` starts, a process group by its pid, with the session's other workers."""
    directory.mkdir(parents=True, exist_ok=True)
    me = os.getpid()
    with _record(directory) as record:
        if not record.get("users"):
            record.update(start())
        record["users"] = [*record.get("users", []), me]
    try:
        yield record
    finally:
        with _record(directory) as record:
            record["users"] = [user for user in record["users"] if user != me]
            if not record["users"]:
                _stop(int(record["pid"]))


@contextmanager
def _record(directory: Path) -> Iterator[dict[str, Any]]:
    """Hold the lock on who uses the server; what is changed is written back."""
    path = directory / "server.json"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        yield record
        path.write_text(json.dumps(record))


def _start(directory: Path) -> dict[str, Any]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    home = {"PREFECT_HOME": str(directory / "home")}
    with (directory / "server.log").open("ab") as log:
        server = subprocess.Popen(
            (sys.executable, *_SERVER, f"--port={port}"),
            env={**os.environ, **QUIET, **home},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: healthy(url) or server.poll() is not None,
            "the Prefect server",
        )
    except AssertionError:
        server.kill()
        raise
    assert server.poll() is None, (directory / "server.log").read_text()
    return {"pid": server.pid, "url": url}


def _stop(pid: int) -> None:
    """End the server's own process group: it was started as one, by us."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        with suppress(AssertionError):
            wait_until(lambda: not _group_lives(pid), "the server to stop", deadline=10)
        os.killpg(pid, signal.SIGKILL)


def _group_lives(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
