"""A person at a terminal: a pseudo-terminal on which a command runs, is read and is answered."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.command import command, environment
from tests.world.shell import DEADLINE

_STYLING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What stands on the screen, and the keys."""

    def __init__(self, words: Sequence[str], cwd: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            words,
            cwd=cwd,
            env=environment({"TERM": "xterm-256color", "COLUMNS": "200"}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._said = b""

    @property
    def said(self) -> str:
        """Everything that was printed, without its colours."""
        return _STYLING.sub(b"", self._said).decode().replace("\r\n", "\n")

    def wait_for(self, text: str, *, times: int = 1, deadline: float = DEADLINE) -> None:
        """Read until this text has come so many times."""
        end = time.monotonic() + deadline
        while self.said.count(text) < times:
            assert time.monotonic() < end, f"no {text!r} in:\n{self.said}"
            if not self._read():
                assert self.said.count(text) >= times, f"no {text!r} in:\n{self.said}"

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, deadline: float = DEADLINE) -> int:
        """Read until it has ended; its exit status."""
        end = time.monotonic() + deadline
        while self._read():
            assert time.monotonic() < end, f"it does not end:\n{self.said}"
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        """Hang up."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        """Take what comes within a moment; False when nothing will come any more."""
        if not select.select([self._ours], [], [], 0.2)[0]:
            return self.process.poll() is None
        with suppress(OSError):  # so a terminal answers whose other end is closed
            piece = os.read(self._ours, 65536)
            self._said += piece
            return bool(piece)
        return False


@contextmanager
def terminal(*words: str | Path, cwd: Path) -> Iterator[Terminal]:
    """Run ``unjam`` on a terminal."""
    made = Terminal(command(*words), cwd)
    try:
        yield made
    finally:
        made.close()
