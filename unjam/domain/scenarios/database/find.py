"""Detect a state whose file cannot be used; what it takes is imported only where anything is odd."""

from collections.abc import Iterator

from unjam.domain.world.finding import Finding
from unjam.domain.world.snapshot import Snapshot


def find_database_lock(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what keeps the state's file from all; nothing where it looked well at a glance."""
    if snapshot.database is not None:
        # Most checks never come here, and must answer in a blink.
        from unjam.domain.scenarios.database.findings import findings

        yield from findings(snapshot, snapshot.database)
