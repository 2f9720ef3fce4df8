"""How fast an orchestration goes, and when it will be done: from what its rows say was done so far.

A forecast is a simulation: what is left is handed out, in the order of what waits for what, to as
many agents as work now, each for as long as work of its track has usually taken.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from unjam.domain.readiness.forecast import (
    ENOUGH,
    Finish,
    Forecast,
    Usual,
    is_left,
    spans_of,
    usual_of,
    waits_of,
)
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.lookups import orchestrator_seen
from unjam.domain.world.snapshot import Row, Snapshot
from unjam.domain.world.status import OVER, Status
from unjam.domain.world.workstream import Workstream, join

HOUR = timedelta(hours=1)
_NEEDS_SOMEONE = (Status.UNKNOWN, Status.FAILED, Status.CONFLICT, Status.REVERTED)


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """A workstream that will not be done by itself, and why."""

    workstream: WorkstreamId
    because: str


@dataclass(frozen=True, slots=True)
class Pace:
    """All of it."""

    total: int
    done: int
    last_hour: int  # completed in it
    per_hour: float | None  # since the first was started
    usual: Usual | None  # None: too few were completed to tell
    at_work: int  # agents
    finish: Finish | None  # None: cannot tell, or nothing is left in reach
    because: str  # why there is no forecast
    expected: Mapping[WorkstreamId, datetime]  # likely ends
    late: frozenset[WorkstreamId]  # running for longer than slow work takes
    out_of_reach: tuple[OutOfReach, ...]


def pace_of(snapshot: Snapshot) -> Pace:
    """Work it out; what has no row yet is pending."""
    streams = {one.id: one for one in join(snapshot) if one.row is not None or one.spec is not None}
    rows = [one.row for one in streams.values() if one.row is not None]
    usual = usual_of(spans_of(rows))
    out = {one.workstream: one for one in _out_of_reach(streams)}
    running = [
        one for one in streams.values() if one.status == Status.RUNNING and one.id not in out
    ]
    at_work = _at_work(snapshot, running)
    left = {name: one for name, one in streams.items() if is_left(one) and name not in out}
    forecast = Forecast(snapshot.observed_at, rows, left, at_work)
    because = _why_no_forecast(left, usual, at_work)
    ends = {} if because else forecast.ends(lambda some: some.typical)
    return Pace(
        total=len(streams),
        done=sum(one.status in OVER for one in streams.values()),
        last_hour=sum(_ended_since(row, snapshot.observed_at - HOUR) for row in rows),
        per_hour=_per_hour(rows, snapshot.observed_at),
        usual=usual,
        at_work=at_work,
        finish=forecast.finish() if ends else None,
        because=because,
        expected=ends,
        late=frozenset(one.id for one in running if forecast.is_late(one)),
        out_of_reach=tuple(out.values()),
    )


def _at_work(snapshot: Snapshot, running: Iterable[Workstream]) -> int:
    """Count agents; by the rows where an orchestrator lives, whose agents may be between two looks."""
    seen = {one.worktree for one in snapshot.processes if one.role is Role.AGENT}
    believed = len(list(running)) if orchestrator_seen(snapshot) else 0
    return max(len(seen), believed)


def _why_no_forecast(
    left: Mapping[WorkstreamId, Workstream], usual: Usual | None, at_work: int
) -> str:
    if not left:
        return "nothing is left that could be done"
    if at_work == 0:
        return "no agent is at work on this machine"
    return "" if usual else f"fewer than {ENOUGH} were completed: too few to tell"


def _ended_since(row: Row, since: datetime) -> bool:
    return (
        row.status == Status.COMPLETED
        and row.completed_at is not None
        and row.completed_at >= since
    )


def _per_hour(rows: Iterable[Row], now: datetime) -> float | None:
    done = [row for row in rows if row.status == Status.COMPLETED and row.completed_at]
    began = [row.started_at for row in rows if row.started_at]
    if not done or not began or now <= min(began):
        return None
    return len(done) / ((now - min(began)) / HOUR)


def _out_of_reach(streams: Mapping[WorkstreamId, Workstream]) -> Iterator[OutOfReach]:
    """Name what needs a person, and what waits for that, for nothing, or for itself."""
    reasons = {
        name: (one.row.why_unknown if one.row else "") or f"it is {one.status}"
        for name, one in streams.items()
        if one.status in _NEEDS_SOMEONE
    }
    waits = {name: waits_of(one, streams) for name, one in streams.items() if is_left(one)}
    for name, needs in waits.items():
        missing = [need for need in needs if need not in streams]
        if missing:
            reasons.setdefault(name, f"it waits for {missing[0]}, which does not exist")
    reachable = _reachable(waits, reasons)
    for name, needs in waits.items():
        if name not in reachable and name not in reasons:
            blocker = next(
                (need for need in needs if need in waits and need not in reachable), name
            )
            reasons[name] = f"it waits for {blocker}"
    yield from (OutOfReach(name, because) for name, because in sorted(reasons.items()))


def _reachable(
    waits: Mapping[WorkstreamId, tuple[WorkstreamId, ...]], lost: Mapping[WorkstreamId, str]
) -> set[WorkstreamId]:
    """Return what can have its turn, layer by layer; whatever is part of a cycle never does."""
    waited_by = defaultdict[WorkstreamId, list[WorkstreamId]](list)
    missing = {}
    for name, needs in waits.items():
        missing[name] = len(needs)
        for need in needs:
            waited_by[need].append(name)
    ready = [name for name, number in missing.items() if number == 0 and name not in lost]
    found = set(ready)
    while ready:
        for name in waited_by[ready.pop()]:
            missing[name] -= 1
            if missing[name] == 0 and name not in lost:
                found.add(name)
                ready.append(name)
    return found
