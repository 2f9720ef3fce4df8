"""Commands and conditions, as a person at the keyboard has them."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE = 300.0  # seconds; only what never comes waits for so long, however busy the machine is


def git(*arguments: str, cwd: Path, stdin: str | None = None) -> str:
    """Run a Git command that must succeed; its output without the last line end."""
    ended = subprocess.run(
        ("git", *arguments), cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise AssertionError(f"git {' '.join(arguments)}: {ended.stderr}{ended.stdout}")
    return ended.stdout.removesuffix("\n")


def git_status(*arguments: str, cwd: Path) -> int:
    """Run a Git command that may fail; its exit status."""
    return subprocess.run(("git", *arguments), cwd=cwd, capture_output=True, check=False).returncode


def wait_until(condition: Callable[[], bool], what: str, *, deadline: float = DEADLINE) -> None:
    """Look again and again until the condition holds; say what never came."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s for {what}")
        time.sleep(0.005)


def fair(seconds: float) -> float:
    """Lengthen an interval by so much as others keep a program of ours waiting for a processor."""
    running, _, _ = Path("/proc/loadavg").read_text().split()[3].partition("/")
    waiting = max(os.getloadavg()[0], float(running)) / (os.cpu_count() or 1)
    return round(seconds * max(1.0, waiting), 1)
