"""How far an orchestration is: counts by status, and each workstream's age and last sign of life."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from unjam.domain.world.claims.kinds import Kind, kind_of
from unjam.domain.world.elsewhere import UNSTARTED
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import doubts, orchestrator_seen
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth, Unknown
from unjam.domain.world.workstream import Workstream, join


@dataclass(frozen=True, slots=True)
class Line:
    """One workstream as a person wants to see it."""

    workstream: WorkstreamId
    status: str
    said: str  # with the row's own word where that is not known
    word: str | None  # of its row, as it stands
    agent: str | None
    age: timedelta | None  # since it was started
    last_sign: datetime | None  # the newest change in its worktree
    pids: tuple[int, ...]
    attempts: int
    elsewhere: str = ""  # why it is taken for another clone's or machine's


@dataclass(frozen=True, slots=True)
class Progress:
    """The whole orchestration at a glance."""

    counts: tuple[tuple[str, int], ...]  # by status, the most frequent first
    lines: tuple[Line, ...]
    orchestrator: int | None  # pid of one that lives on this machine
    unknown: tuple[Unknown, ...] = ()

    @property
    def elsewhere(self) -> int:
        """How many others have begun."""
        return sum(bool(line.elsewhere) for line in self.lines)


def progress_of(snapshot: Snapshot) -> Progress:
    """Count and describe; what cannot be read is unknown, and why is told."""
    starts = dict(snapshot.state.starts)
    lines = tuple(_line(one, snapshot, starts.get(one.id, 0)) for one in join(snapshot))
    counts = Counter(line.status for line in lines).most_common()
    living = orchestrator_seen(snapshot)
    pid = living.identity.pid if living else None
    return Progress(tuple(counts), lines, pid, doubts(snapshot))


def _line(one: Workstream, snapshot: Snapshot, attempts: int) -> Line:
    started = one.row.started_at if one.row and one.row.status == Status.RUNNING else None
    agent = (one.row.agent if one.row else None) or (one.branch.agent if one.branch else None)
    return Line(
        workstream=one.id,
        status=_status(one, snapshot),
        said=one.row.said if one.row else _status(one, snapshot),
        word=one.row.word if one.row else None,
        agent=agent,
        age=snapshot.observed_at - started if started else None,
        last_sign=_newest(tree.touched_at for tree in one.worktrees),
        pids=tuple(process.identity.pid for process in one.processes),
        attempts=attempts,
        elsewhere=one.elsewhere if one.status != UNSTARTED else "",
    )


def _status(one: Workstream, snapshot: Snapshot) -> str:
    """Return the row's word; without a row, pending is only what was ordered and never begun.

    A session is told by who is there: nobody waits for it.
    """
    if one.status is not None:
        return one.status
    if snapshot.state.readable is Truth.UNKNOWN:
        return Status.UNKNOWN
    if one.worktrees and kind_of(one, snapshot) is Kind.SESSION:
        return Status.RUNNING if one.processes else Status.PAUSED
    return "no row" if one.branches or one.worktrees else Status.PENDING


def _newest(times: Iterable[datetime | None]) -> datetime | None:
    return max((one for one in times if one is not None), default=None)
