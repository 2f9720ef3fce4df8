"""Run a Python module beside us, as a process that ends when we do, however we end.

It holds the end of a pipe whose other end is ours alone. The kernel closes ours at our death, also
at a SIGKILL, which lets nobody tidy up; on every system, and from the first moment of its life.
"""

import gc
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from unjam.adapters.processes.helper import companion_command

Companion: TypeAlias = "subprocess.Popen[bytes]"

GRACE = 5.0  # seconds it has to end by itself once we are gone
_BEAT = 0.5  # seconds between two looks at the parent, should a stranger hold the pipe open
_LOOK = 0.05  # seconds between two looks whether all have ended


def start_companion(
    module: str, *arguments: str, environment: Mapping[str, str], log: Path | None = None
) -> Companion:
    """Start ``python -m module``, mute and in a session of its own: Ctrl-C is for us to answer.

    It imports nothing from the current directory. What it says goes to a new ``log``, if there is one.
    """
    with _opened(log) as output:
        return subprocess.Popen(
            companion_command("running.companion", str(os.getpid()), module, *arguments),
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def end_companion(companion: Companion, grace: float = GRACE) -> None:
    """End it and whatever it started in its session: politely, and what is left then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(companion.pid, number)
        if _has_ended(companion, grace):
            return


def _opened(log: Path | None) -> BinaryIO:
    if log is None:
        return open(os.devnull, "wb")  # noqa: PTH123 -- the caller closes it
    log.unlink(missing_ok=True)
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _has_ended(companion: Companion, grace: float) -> bool:
    """Wait for all of its group; one that has ended and is not collected yet would count."""
    end = time.monotonic() + grace
    while True:
        companion.poll()
        try:
            os.killpg(companion.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it gave its rights away; nothing more can be done
            return False
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)


def main() -> None:
    """Be the module that the second argument names, until it ends or the parent has died."""
    _, parent, module, *arguments = sys.argv
    pipe = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    alone = threading.Event()
    threading.Thread(target=_end_after, args=(pipe, int(parent), alone), daemon=True).start()
    sys.argv = [module, *arguments]
    # A server imports for seconds and drops nothing of it: collecting garbage meanwhile costs a sixth.
    gc.set_threshold(100_000, 50, 100)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if alone.is_set():
            _wait_for_children(GRACE / 2)
            os.killpg(0, signal.SIGKILL)


def _end_after(pipe: int, parent: int, alone: threading.Event) -> None:
    """End this process and its group when the parent has died: politely, then for good."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    while not poll.poll(_BEAT * 1000) and os.getppid() == parent:
        pass
    alone.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


def _wait_for_children(patience: float) -> None:
    end = time.monotonic() + patience
    with suppress(ChildProcessError):
        while time.monotonic() < end:
            os.waitpid(-1, os.WNOHANG)
            time.sleep(_LOOK)
