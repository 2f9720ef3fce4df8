"""Signals to exactly the process that was meant, or to none."""

import os
import signal
from contextlib import suppress

from unjam.adapters.processes.table import start_of

Key = tuple[int, int]  # pid and start: one process for ever


def lives(key: Key) -> bool:
    """Tell whether this very process still lives; a zombie does not."""
    return start_of(key[0]) == key[1]


def send(key: Key, number: signal.Signals) -> bool:
    """Send a signal; False if the process has ended. Raises PermissionError where we may not."""
    pid = key[0]
    if not hasattr(os, "pidfd_open"):
        return _send_at_once(key, number)
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    except OSError:  # an old kernel, or a sandbox that forbids it
        return _send_at_once(key, number)
    try:
        # The handle stands for one process; whether that is ours is asked while it is held.
        if not lives(key):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _send_at_once(key: Key, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        if lives(key):
            os.kill(key[0], number)
            return True
    return False
