"""Run one command so that nothing of it is left, whoever dies first.

Runs as a process of its own. On Linux it adopts whatever its command leaves behind by double forks,
so nothing can leave its tree. It ends everything when the command has ended, when the deadline has
passed, and when the end of the pipe tells that the one who waits for it has died.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from unjam.adapters.processes.signals import send
from unjam.adapters.processes.table import ProcessEntry, descendants_of, read_table

GRACE = 2.0  # seconds between SIGTERM and SIGKILL for what is left
KILLED = 5.0  # seconds to wait for the killed to be gone
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_BEAT = 0.5  # seconds; a child that ends wakes us at once where the system can


@dataclass(slots=True)
class _Ended:
    """How the command ended; status None while it runs, or when it had to be ended."""

    status: int | None = None
    timed_out: bool = False
    abandoned: bool = False  # the one who waited has died


def main() -> None:
    """Run what the first argument says, and say on standard output what came of it."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _process_control(_PR_SET_CHILD_SUBREAPER)
    said = _Supervision(order).run()
    with suppress(BrokenPipeError):
        os.write(1, json.dumps(said).encode())


class _Supervision:
    def __init__(self, order: dict[str, Any]) -> None:
        self.command: list[str] = order["command"]
        self.end = time.monotonic() + order["deadline"]
        self.log: str = order["log"]
        self.pipe: int = order["pipe"]
        self.parent: int = order["parent"]
        self.woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> dict[str, object]:
        began = time.monotonic()
        try:
            child = self._start()
        except OSError as error:
            return {"errno": error.errno or 0}
        ended = self._wait(child.pid)
        seconds = time.monotonic() - began
        # Reaped above; nothing else may wait for this pid again.
        child.returncode = ended.status if ended.status is not None else -signal.SIGKILL
        left, survivors = self._end_all(politely=not ended.abandoned)
        return {
            "status": ended.status,
            "timed_out": ended.timed_out,
            "seconds": seconds,
            "left": len(left - {child.pid}),
            "survivors": len(survivors),
        }

    def _start(self) -> subprocess.Popen[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
        log = os.open(self.log, flags, 0o600)
        try:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 -- this process has one thread
            )
        finally:
            os.close(log)

    def _wait(self, pid: int) -> _Ended:
        ended = _Ended()
        while ended.status is None and not ended.timed_out and not ended.abandoned:
            self._sleep(min(_BEAT, self.end - time.monotonic()))
            ended.status = _reap().get(pid)
            if ended.status is None:
                ended.timed_out = time.monotonic() >= self.end
                ended.abandoned = self._is_abandoned()
        return ended

    def _sleep(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN | select.POLLHUP)
        poll.register(self.woken, select.POLLIN)
        poll.poll(max(seconds, 0.0) * 1000)
        with suppress(BlockingIOError):
            os.set_blocking(self.woken, False)
            os.read(self.woken, 4096)

    def _is_abandoned(self) -> bool:
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(0)) or os.getppid() != self.parent

    def _end_all(self, *, politely: bool) -> tuple[set[int], set[int]]:
        """End everything below us; returns all that were, and what would not end."""
        left: set[int] = set()
        if politely:
            left |= self._signal_until_gone(signal.SIGTERM, GRACE)
        left |= self._signal_until_gone(signal.SIGKILL, KILLED)
        return left, {one.pid for one in _below_us()}

    def _signal_until_gone(self, number: signal.Signals, seconds: float) -> set[int]:
        end, met = time.monotonic() + seconds, set[tuple[int, int]]()
        while True:
            _reap()
            alive = _below_us()
            if not alive or time.monotonic() > end:
                return {pid for pid, _ in met}
            for entry in alive:
                # Once each, but SIGKILL again and again: a killed one may have left a child.
                if entry.key not in met or number is signal.SIGKILL:
                    _signal(entry, number)
            met |= {entry.key for entry in alive}
            self._sleep(0.02)


def _signal(entry: ProcessEntry, number: signal.Signals) -> None:
    with suppress(PermissionError):
        if send(entry.key, number):
            send(entry.key, signal.SIGCONT)


def _below_us() -> list[ProcessEntry]:
    table = read_table()
    return [table[pid] for pid in descendants_of({os.getpid()}, table)]


def _reap() -> dict[int, int]:
    """Collect every child that has ended, adopted ones too; returns their statuses."""
    found = {}
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    return found


def _die_with_parent() -> None:
    _process_control(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _process_control(option: int, value: int = 1) -> None:
    """Call prctl(2) where there is one; the pipe serves everywhere."""
    prctl: Callable[..., int] | None = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None and sys.platform == "linux":
        prctl(option, value, 0, 0, 0)
