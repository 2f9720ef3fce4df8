"""Detect a state whose file cannot be used: who keeps it, what was left of whom, what is damaged."""

from collections.abc import Iterator

from unjam.domain.finding import Finding
from unjam.domain.snapshot import Snapshot


def find_database_lock(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what keeps the state's file from all; nothing where it looked well at a glance."""
    if snapshot.database is not None:
        # Most checks never come here, and must answer in a blink.
        from unjam.domain.database_findings import findings

        yield from findings(snapshot, snapshot.database)
