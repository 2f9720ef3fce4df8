"""Locks of dead owners: what every scenario says of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario
from unjam.domain.world.judging import is_orchestrated, session_worktrees
from unjam.domain.world.snapshot import Lock, Snapshot
from unjam.domain.world.truth import Truth

_LONG = timedelta(minutes=10)


def lock_findings(snapshot: Snapshot, scenario: Scenario) -> Iterator[Finding]:
    """Find the locks that no living process can own."""
    return (
        _finding(lock, snapshot, scenario)
        for lock in left_locks(snapshot)
        if lock.stale is Truth.YES
    )


def left_locks(snapshot: Snapshot) -> Iterator[Lock]:
    """Yield the locks that may be left behind: where people work alone, no young one is."""
    if not snapshot.locks:
        return
    theirs = session_worktrees(snapshot)
    shared_are_theirs = not is_orchestrated(snapshot)
    for lock in snapshot.locks:
        is_theirs = lock.worktree in theirs if lock.worktree else shared_are_theirs
        if not is_theirs or snapshot.observed_at - lock.since >= snapshot.patience:
            yield lock


def lingering_locks(snapshot: Snapshot, scenario: Scenario) -> Iterator[Finding]:
    """Find the locks that have been there for long and whose owner may or may not live."""
    for lock in left_locks(snapshot):
        if lock.stale is Truth.UNKNOWN and snapshot.observed_at - lock.since > _LONG:
            yield replace(
                _finding(lock, snapshot, scenario),
                cause="lingering lock",
                severity=Severity.WARNING,
                summary=f"{snapshot.place(lock.path)}: it cannot be told whether its owner lives",
            )


def _finding(lock: Lock, snapshot: Snapshot, scenario: Scenario) -> Finding:
    evidence = (
        Evidence("files", f"there since {lock.since:%Y-%m-%d %H:%M:%SZ}"),
        Evidence("processes", lock.because),
    )
    return Finding(
        scenario=scenario,
        cause="stale lock",
        severity=Severity.ERROR,
        summary=f"{snapshot.place(lock.path)}: its owner is dead, and it stops every Git command that needs it",
        subjects=(Subject("lock", snapshot.place(lock.path)),),
        evidence=evidence,
    )
