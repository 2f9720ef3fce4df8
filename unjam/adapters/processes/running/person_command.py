"""Call a command a person configured, with his own environment, and wait for it for a while."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_KEPT = 2000  # characters of what it says


@dataclass(frozen=True, slots=True)
class Called:
    """How it ended."""

    status: int | None  # None: it was not found, or did not end in time
    said: str


def call(command: Sequence[str], cwd: Path, *, timeout: float = 60.0) -> Called:
    """Run it without a shell and without a terminal; never raises for what it does."""
    try:
        ended = subprocess.run(
            list(command),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Called(None, f"it did not end within {timeout:.0f} s")
    except OSError as error:
        return Called(None, f"it could not be started: {error.strerror}")
    return Called(ended.returncode, (ended.stdout + ended.stderr).strip()[-_KEPT:])
