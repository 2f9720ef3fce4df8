"""Our own processes, which must never be taken for an agent's."""

import os

from unjam.adapters.processes.table import PROC, Table, descendants_of

# Only our own Git commands are run with both; see the Git adapter.
_MARKS = (b"GIT_OPTIONAL_LOCKS=0", b"GIT_NO_REPLACE_OBJECTS=1")


def our_own(table: Table) -> frozenset[int]:
    """Return ourselves, our Git commands, and copies of us that have not become a command yet."""
    us = table.get(os.getpid())
    if us is None:
        return frozenset()
    below = (table[pid] for pid in descendants_of({us.pid}, table))
    found = (
        one.pid
        for one in below
        if (one.parent == us.pid and one.command == us.command) or _is_marked(one.pid)
    )
    return frozenset((us.pid, *found))


def _is_marked(pid: int) -> bool:
    try:
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return all(mark in variables for mark in _MARKS)
