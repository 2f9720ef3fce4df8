"""Let frozen processes go on if we die: a helper holds the list of them and the end of a pipe.

Without it, a SIGKILL between SIGSTOP and SIGCONT would leave agents stopped for ever.
"""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from unjam.adapters.processes.helper import helper_command, helper_environment
from unjam.adapters.processes.signals import Key, send
from unjam.errors import TransientError

_READY, _DONE = b"ready\n", "done"
_START = 30.0  # seconds a busy machine may take to start it
_BEAT = 0.5  # seconds between two looks at the parent, should a stranger hold the pipe open


class Guard:
    """Our side of it. Name a process here before it is stopped."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            helper_command("stopping.guard", str(os.getpid())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=helper_environment(),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Wait until it keeps watch; raises TransientError if it does not come up."""
        output = self._process.stdout
        if output is None or not _readable(output.fileno(), _START):
            self._end()
            raise TransientError("the guard of frozen processes did not start")
        if output.readline() != _READY:
            self._end()
            raise TransientError("the guard of frozen processes ended at once")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tell(_DONE)
        self._end()

    def watch(self, key: Key) -> None:
        """Let this process go on if we die from now on."""
        self._tell(f"{key[0]} {key[1]}")

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.write(f"{line}\n".encode())
                pipe.flush()

    def _end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()


def _readable(handle: int, seconds: float) -> bool:
    # Not select(2): a server may have more files open than it can count.
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def main() -> None:
    """Keep watch until the pipe ends or the parent is another; then let everything go on."""
    parent = int(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(1, _READY)
    told = _listen(parent)
    lines = told.decode("ascii").split("\n")[:-1]
    if _DONE in lines:
        return
    for line in reversed(lines):
        pid, start = line.split()
        with suppress(OSError):
            send((int(pid), int(start)), signal.SIGCONT)


def _listen(parent: int) -> bytes:
    """Return everything the parent said in its life."""
    told = b""
    while True:
        readable = _readable(0, _BEAT)
        heard = os.read(0, 65536) if readable else b""
        told += heard
        if not heard and (readable or os.getppid() != parent):
            return told
