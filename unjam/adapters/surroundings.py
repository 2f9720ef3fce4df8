"""What this machine is, in versions; and what of its environment is secret, to be taken out of texts."""

import getpass
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("unjam", "prefect", "GitPython", "psutil", "SQLAlchemy")
_TOLD = ("GIT_", "UNJAM_", "PREFECT_", "PYTHON", "LC_", "LANG", "TZ")


def versions() -> dict[str, str]:
    """Name the versions that matter, of the system and of what runs on it."""
    found = {
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
    }
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def user() -> str:
    """Name the user this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"


def variable_names() -> list[str]:
    """Name the environment variables that steer Git, Python, Prefect or us; never their values."""
    return sorted(name for name in os.environ if name.startswith(_TOLD))


def environments(pids: Iterable[int]) -> list[tuple[str, str]]:
    """Return every variable of ours and of these processes, to look for secrets among them."""
    found = list(os.environ.items())
    for pid in pids:
        with suppress(OSError):
            content = Path("/proc", str(pid), "environ").read_bytes()
            pairs = (os.fsdecode(one).partition("=") for one in content.split(b"\0"))
            found.extend((name, value) for name, _, value in pairs)
    return found
