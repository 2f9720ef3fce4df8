"""Commands and conditions, as a person at the keyboard has them."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE = 300.0  # seconds; only what never comes waits for so long, however busy the machine is
_LOOK, _SELDOM = 0.005, 0.25  # seconds between two looks, at least and at most
_REST = 10  # times as long as a look keeps the processor busy


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
    """Look again and again until the condition holds; say what never came.

    A look that takes the processor for long, such as a question to a server, is taken less often:
    what it waits for needs it, too.
    """
    end = time.monotonic() + deadline
    began = time.thread_time()
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s for {what}")
        took = time.thread_time() - began
        time.sleep(min(max(_LOOK, _REST * took), _SELDOM))
        began = time.thread_time()


def fair(seconds: float) -> float:
    """Lengthen an interval by so much as others keep a program of ours waiting for a processor."""
    running, _, _ = Path("/proc/loadavg").read_text().split()[3].partition("/")
    waiting = max(os.getloadavg()[0], float(running)) / (os.cpu_count() or 1)
    return round(seconds * max(1.0, waiting), 1)
