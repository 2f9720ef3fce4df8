"""Which agents have been at it for so long that they are worth a closer look; most checks know of none."""

from collections.abc import Iterator
from datetime import timedelta

from unjam.domain.world.claims.ownership import TAKEN
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Process, Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth

_AGENTS = (Role.AGENT, Role.GIT)


def agents_in(worktree: str, snapshot: Snapshot) -> Iterator[Process]:
    """Yield what works in a worktree and is no person's."""
    inside = snapshot.in_worktree(worktree)
    return (one for one in inside if one.role in _AGENTS)


def candidates(snapshot: Snapshot, patience: timedelta) -> Iterator[Worktree]:
    """Yield the worktrees whose agents have been at it for so long that they are worth a closer look.

    Rows say since when. Without a state database, every worktree in which a process works is one.
    """
    overdue = set(_overdue(snapshot, patience))
    alive: set[str | None] = set()
    if snapshot.state.readable is Truth.NO:
        alive = {one.worktree for one in snapshot.processes if one.role in _AGENTS}
    for tree in snapshot.worktrees:
        if tree.whose in TAKEN and (tree.workstream in overdue or tree.name in alive):
            yield tree


def _overdue(snapshot: Snapshot, patience: timedelta) -> Iterator[WorkstreamId]:
    """Yield what has been running for so long, or nobody knows for how long."""
    for row in snapshot.state.rows:
        if row.status == Status.RUNNING:
            since = row.started_at
            if since is None or snapshot.observed_at - since >= patience:
                yield row.workstream
