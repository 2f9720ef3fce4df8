"""Our own processes, which must never be taken for an agent's."""

import os

from unjam.adapters.processes.table import PROC, ProcessEntry, Table, ancestors_of, descendants_of

# Only our own Git commands are run with both; see the Git adapter.
_MARKS = (b"GIT_OPTIONAL_LOCKS=0", b"GIT_NO_REPLACE_OBJECTS=1")


def our_own(table: Table) -> frozenset[int]:
    """Return ourselves, our Git commands, and copies of us that have not become a command yet."""
    us = table.get(os.getpid())
    below = () if us is None else descendants_of({us.pid}, table)
    found = (pid for pid in below if us is not None and _is_part(table[pid], us))
    return frozenset((os.getpid(), *found))


def is_our_own(entry: ProcessEntry, table: Table) -> bool:
    """Tell the same of one process, looking at nothing but what is above it."""
    us = table.get(os.getpid())
    if us is None or entry.pid == us.pid:
        return us is not None
    above = ancestors_of(entry.pid, table)
    return any(one.pid == us.pid for one in above) and _is_part(entry, us)


def _is_part(entry: ProcessEntry, us: ProcessEntry) -> bool:
    is_copy = entry.parent == us.pid and entry.command == us.command
    return is_copy or _is_marked(entry.pid)


def _is_marked(pid: int) -> bool:
    try:
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return all(mark in variables for mark in _MARKS)
