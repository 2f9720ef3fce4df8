"""Recognise the orchestrator that a killed run had started: its last step, done but not recorded."""

from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.processes.holders import owners_of
from unjam.domain.steps.change import StartProcess
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.history import PastRun

_MARGIN = 2.0  # seconds; the system's clock and a process's start are read differently


def restarted_by(killed: tuple[PastRun, ...], snapshot: Snapshot) -> str:
    """Say which killed run started what lives now; nothing if none did, or it has ended since."""
    for past in reversed(killed):
        for change in past.changes:
            found = next(_started(past, change, snapshot), None)
            if found is not None:
                return f"run {past.id}, which was killed, had started the orchestrator (pid {found.pid})"
    return ""


def started(killed: tuple[PastRun, ...]) -> bool:
    """Tell whether a killed run had proven that the orchestrator started, whatever became of it."""
    return any(isinstance(change, StartProcess) for past in killed for change in past.made)


def _started(past: PastRun, change: object, snapshot: Snapshot) -> Iterator[ProcessIdentity]:
    if not isinstance(change, StartProcess):
        return
    since = past.started.timestamp() - _MARGIN
    living = (one.identity for one in snapshot.orchestrators() if one.certain)
    yield from (one for one in living if one.started >= since)
    # Whatever name it runs under, it writes into the file that this run made for it.
    yield from owners_of(Path(change.output))
