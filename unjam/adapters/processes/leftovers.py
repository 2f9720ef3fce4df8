"""End what a supervisor that was itself killed could not end: whatever carries its mark."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from unjam.adapters.processes.signals import Key, send
from unjam.adapters.processes.table import PROC, read_table

_NAME = "VERIFICATION"
_BEAT = 0.02  # seconds


def new_mark() -> dict[str, str]:
    """Make a variable that every process of one verification inherits and no other has."""
    return {_NAME: os.urandom(16).hex()}


def end_marked(mark: dict[str, str], seconds: float) -> None:
    """SIGKILL every process that was started with this mark, and what they start meanwhile."""
    wanted = f"{_NAME}={mark[_NAME]}".encode()
    end = time.monotonic() + seconds
    while (found := list(_marked(wanted))) and time.monotonic() < end:
        for key in found:
            with suppress(PermissionError):
                send(key, signal.SIGKILL)
        time.sleep(_BEAT)


def _marked(wanted: bytes) -> Iterator[Key]:
    for pid, entry in read_table().items():
        if pid == os.getpid():
            continue
        with suppress(OSError):
            if wanted in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                yield entry.key
