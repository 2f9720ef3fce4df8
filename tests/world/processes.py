"""Programs a test starts or finds left over; ended by pid, and only those below its own directory."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from tests.world.shell import DEADLINE, wait_until

_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


class Program:
    """A program of ours that runs, its output in files so that no pipe holds anybody up."""

    def __init__(
        self, *command: str | Path, cwd: Path, output: Path, env: dict[str, str] | None = None
    ) -> None:
        self.output = output
        with output.open("ab") as sink:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL it, and only it: its children become orphans."""
        self.process.kill()
        self.process.wait()

    def wait(self, deadline: float = DEADLINE) -> int:
        """Let it end by itself; its exit status."""
        return self.process.wait(deadline)


def processes_below(directory: Path) -> list[psutil.Process]:
    """Every process that works below this directory or names it in its command line."""
    found = []
    inside = os.fsencode(f"{directory}{os.sep}")
    for pid in psutil.pids():
        # Read as it is: every test looks, and psutil takes twice as long.
        with suppress(OSError, *_GONE):
            place = os.fsencode(f"{Path(f'/proc/{pid}/cwd').readlink()}{os.sep}")
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if pid != os.getpid() and (inside in place or inside in words):
                found.append(psutil.Process(pid))
    return found


def end_processes_below(directory: Path) -> None:
    """End what a test left running below its own directory, by pid, and what that still starts."""

    def none_left() -> bool:
        found = processes_below(directory)
        for process in found:
            with suppress(*_GONE):
                process.send_signal(signal.SIGKILL)
        return not found

    wait_until(none_left, f"processes below {directory} to end")
