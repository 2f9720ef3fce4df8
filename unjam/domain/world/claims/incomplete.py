"""Work that has landed, and of which there is evidence that it is not finished.

Its row never simply says completed: it is to be taken up again, and its message begins with a mark
by which it is known until whoever takes it up writes the row anew.
"""

from collections.abc import Iterator

from unjam.domain.world.claims.drifted_work import drifted_work
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Row, Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Workstream

_MARK = "incomplete: "
STOPPED = "its agent was at work, and was stopped"
NO_END = "no end of its agent was recorded, so whether it was done cannot be told"


def in_row(because: str) -> str:
    """Say in a row that work is incomplete."""
    return f"{_MARK}{because}; will retry"


def why_incomplete(row: Row) -> str:
    """Return what a row says of work that landed and is not finished; nothing if it says no such thing."""
    if row.status is Status.COMPLETED:
        return ""
    told = ((text or "").partition(_MARK)[2] for text in (row.error_message, row.notes))
    return next(filter(None, told), "")


def incomplete(snapshot: Snapshot) -> Iterator[tuple[WorkstreamId, str]]:
    """Name what has landed, is not finished, and was not taken up again since."""
    for row in snapshot.state.rows:
        if because := why_incomplete(row):
            yield row.workstream, because


def known_before(workstream: WorkstreamId, snapshot: Snapshot) -> tuple[str, ...]:
    """Say what earlier runs knew of it, each once."""
    told = (why for name, why in snapshot.unfinished if name == workstream)
    return tuple(dict.fromkeys(told))


def not_ended(told: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out of what is known that no end was recorded: that is no evidence against one."""
    return tuple(one for one in told if NO_END not in one)


def no_end_seen(told: tuple[str, ...]) -> str:
    """Return what is known of a landing of which no end was recorded; nothing if one was."""
    return next((one for one in told if NO_END in one), "")


def evidence_of_rest(one: Workstream, snapshot: Snapshot) -> Iterator[str]:
    """Yield what shows that whoever worked on it was not done: what he left, and how he ended."""
    yield from not_ended(known_before(one.id, snapshot))
    for tree in _of_attempt(one):
        if tree.operation is not None:
            yield f"it was in the middle of a {tree.operation}"
        if tree.unsaved.any is Truth.YES:
            yield f"it left {counted(len(tree.unsaved.paths), 'uncommitted file')}"
    # Commits that only a reflog names are what an amended commit was before: no rest of anything.
    yield from (
        f"it left {place}" for place in drifted_work(one.branch, one.branches, (), one.stashes)
    )


def _of_attempt(one: Workstream) -> tuple[Worktree, ...]:
    """Give the worktrees that are on the branch which lands: what an earlier attempt left says nothing."""
    on = one.branch.ref if one.branch else None
    return tuple(tree for tree in one.worktrees if tree.branch == on) or one.worktrees
