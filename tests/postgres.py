"""A PostgreSQL of the test's own, Debian's, on a socket in a directory of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.world.shell import wait_until

_WITHOUT_SAFETY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_QUIET = ("listen_addresses=", "max_connections=60", *_WITHOUT_SAFETY)


@contextmanager
def postgres() -> Iterator[str]:
    """Give the URL under which Prefect reaches it; skips the test where none is installed."""
    programs = _programs()
    # A test's own directory is root's alone, and PostgreSQL refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="unjam-pg-", dir="/tmp"))
    user = _somebody(directory)
    data = directory / "data"
    try:
        subprocess.run(
            (programs / "initdb", "-D", data, "-A", "trust", "-U", "unjam", "-E", "UTF8", "-N"),
            user=user,
            check=True,
            capture_output=True,
            cwd=directory,
        )
        with _running(programs, directory, user):
            yield f"postgresql+asyncpg://unjam@/postgres?host={directory}"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _running(programs: Path, directory: Path, user: int | None) -> Iterator[None]:
    settings = [word for one in _QUIET for word in ("-c", one)]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            (programs / "postgres", "-D", directory / "data", "-k", directory, *settings),
            user=user,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        ready = (programs / "pg_isready", "-q", "-h", directory)
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL")
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def without_server(directory: Path, servers: ExitStack) -> Iterator[None]:
    """Let the server of this directory be gone; what is started afterwards ends with ``servers``."""
    programs, owner = _programs(), directory.stat().st_uid
    user = owner if owner != os.geteuid() else None
    stop = (programs / "pg_ctl", "-D", directory / "data", "-m", "immediate", "-w", "stop")
    subprocess.run(stop, user=user, cwd=directory, check=True, capture_output=True)
    yield
    servers.enter_context(_running(programs, directory, user))


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql")
    return found[-1].parent


def _somebody(directory: Path) -> int | None:
    if os.geteuid():
        return None
    user = pwd.getpwnam("nobody").pw_uid
    os.chown(directory, user, -1)
    return user
