"""Run a Python module beside us, as a process that ends when we do, however we end.

It holds the end of a pipe whose other end is ours alone. The kernel closes ours at our death, also
at a SIGKILL, which lets nobody tidy up; on every system, and from the first moment of its life.
"""

import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from unjam.adapters.processes.helper import companion_command

GRACE = 5.0  # seconds it has to end by itself once we are gone
_BEAT = 0.5  # seconds between two looks at the parent, should a stranger hold the pipe open


def start_companion(
    module: str, *arguments: str, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start ``python -m module``, mute and in a session of its own: Ctrl-C is for us to answer.

    It imports nothing from the current directory.
    """
    return subprocess.Popen(
        companion_command("companion", str(os.getpid()), module, *arguments),
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main() -> None:
    """Be the module that the second argument names, until it ends or the parent has died."""
    _, parent, module, *arguments = sys.argv
    pipe = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_end_after, args=(pipe, int(parent)), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_after(pipe: int, parent: int) -> None:
    """End this process when the parent has died: politely, then for good."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    while not poll.poll(_BEAT * 1000) and os.getppid() == parent:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
