"""Small programs that behave as agents do, written where a test can find and end them."""

import os
import pty
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.world import Program
from tests.world.shell import wait_until

Start = Callable[..., Program]

PRELUDE = """\
import os, pathlib, signal, subprocess, sys, time
HERE = pathlib.Path(__file__).parent
def tell(name, text=None):
    part = HERE / f"{name}.part"
    part.write_text(str(os.getpid() if text is None else text))
    part.rename(HERE / name)
def detach():
    "Leave the parent's tree for good."
    if os.fork():
        os.wait()
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    return True
"""
WAIT = "\ntime.sleep(600)\n"


class Bench:
    """Writes programs into one directory, runs them and hears which pids they tell."""

    def __init__(self, directory: Path, start: Start) -> None:
        self.directory = directory
        self._start = start
        directory.mkdir(parents=True, exist_ok=True)

    def script(self, body: str, name: str = "program.py") -> Path:
        path = self.directory / name
        path.write_text(PRELUDE + body)
        return path

    def run(self, body: str, *, cwd: Path, name: str = "program.py") -> Program:
        """Run a program by itself."""
        return self._start(sys.executable, self.script(body, name), cwd=cwd)

    def run_command(
        self, *command: str | Path, cwd: Path, env: dict[str, str] | None = None
    ) -> Program:
        """Run any command."""
        return self._start(*command, cwd=cwd, env=env)

    def heard(self, name: str) -> str:
        """What a program told under this name, once it has."""
        path = self.directory / name
        wait_until(path.exists, f"a program to tell {name}")
        return path.read_text()

    def pid(self, name: str) -> int:
        return int(self.heard(name))


class Terminal:
    """A shell a person sits at."""

    def __init__(self, cwd: Path) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:  # pragma: no cover -- becomes the shell
            os.chdir(cwd)
            os.execv("/bin/bash", ["bash", "--norc", "-i"])
        wait_until(lambda: psutil.Process(self.pid).name() == "bash", "the shell to start")

    def type(self, line: str) -> None:
        os.write(self.handle, f"{line}\n".encode())

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.handle)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def is_held(pid: int) -> bool:
    wait_until(lambda: is_stopped(pid), f"pid {pid} to stop")
    return True


def wait_for_end(*pids: int) -> None:
    wait_until(lambda: not any(is_alive(pid) for pid in pids), f"{pids} to end")
