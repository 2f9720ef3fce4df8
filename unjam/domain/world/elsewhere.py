"""Which rows are another clone's or machine's: of those nothing is judged, and nothing is written.

A row proves nothing by itself, and neither does it that nothing of it is here: a state may serve
several clones. So its agent must be proven to have worked here; see docs/adr/0015.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Branch, Row, Snapshot, Worktree
from unjam.domain.world.status import Status

UNSTARTED = Status.PENDING
# Nobody is at work for these, and nobody is waited for.
_OVER = frozenset({UNSTARTED, Status.FAILED, Status.COMPLETED, Status.REVERTED, Status.DISCARDED})


@dataclass(frozen=True, slots=True)
class Sharing:
    """Whom a state may serve beside this clone, and what was seen here of its rows' agents."""

    because: str = ""  # why it may serve others; empty: nothing says so, and it lies in this clone
    machine: frozenset[str] = frozenset()  # what this machine is called, in small letters
    nursery: PurePath | None = None  # where this clone's worktrees are made
    traces: frozenset[WorkstreamId] = (
        frozenset()
    )  # a log, a reflog or a ref here tells of its agent
    fetched: frozenset[str] = frozenset()  # branches that began as a remote's: others' work
    older: frozenset[str] = frozenset()  # worktrees and branches of before the row's attempt began
    seen: tuple[tuple[WorkstreamId, str], ...] = ()  # who works for it in another clone, in words


def asks_for_proof(snapshot: Snapshot) -> bool:
    """Tell whether any row may be another's; in most repositories none is, and nothing is compared."""
    sharing, rows = snapshot.sharing, snapshot.state.rows
    if sharing is None or not rows:
        return False
    return bool(sharing.because or sharing.seen or any(row.machine for row in rows))


def why_elsewhere(
    row: Row | None, branches: Iterable[Branch], trees: Iterable[Worktree], snapshot: Snapshot
) -> str:
    """Say why a row is taken for another clone's or machine's; empty where it is this one's."""
    sharing = snapshot.sharing
    if row is None or sharing is None:
        return ""
    named = row.machine
    if named and is_called(named, sharing.machine):
        return ""
    proven = _is_proven(row, tuple(branches), tuple(trees), sharing)
    if named and (sharing.because or not proven):
        return f"its row names another machine, {named}"
    seen = seen_at_work(row.workstream, snapshot)
    if seen or proven or not sharing.because:
        return seen
    return f"no worktree, branch, reflog or log here tells of its agent, and {sharing.because}"


def is_called(named: str, names: Iterable[str]) -> bool:
    """Tell a machine by its name, be it written with its domain or without."""
    wanted = named.lower()
    return any(wanted == one or _first(wanted) == one or wanted == _first(one) for one in names)


def has_a_claim(status: Status | None) -> bool:
    """Tell a row for which somebody may be at work, or is waited for, from what is over or not begun."""
    return status is not None and status not in _OVER


def seen_at_work(one: WorkstreamId, snapshot: Snapshot) -> str:
    """Say who of this machine works for a row in another clone; empty where nobody is seen."""
    seen = snapshot.sharing.seen if snapshot.sharing else ()
    return next((told for name, told in seen if name == one), "")


def may_serve_others(snapshot: Snapshot) -> bool:
    """Tell a state whose orchestrator may live on another machine, or in another clone."""
    return snapshot.sharing is not None and bool(snapshot.sharing.because)


def _first(name: str) -> str:
    return name.partition(".")[0]


def _is_proven(
    row: Row, branches: tuple[Branch, ...], trees: tuple[Worktree, ...], sharing: Sharing
) -> bool:
    agents = {one.ref: one.agent for one in branches}

    def is_its_agents(ref: str | None) -> bool:
        made_by = agents.get(ref or "")
        return made_by is None or row.agent is None or made_by == row.agent

    def is_its_place(tree: Worktree) -> bool:
        return tree.path.parent == sharing.nursery or tree.branch not in sharing.fetched

    strange = sharing.fetched | sharing.older
    return (
        row.workstream in sharing.traces
        or any(one.ref not in strange and is_its_agents(one.ref) for one in branches)
        or any(
            tree.name not in sharing.older and is_its_agents(tree.branch) and is_its_place(tree)
            for tree in trees
        )
    )
