"""Who waits for whom: what was ordered, what the rows say, and what is left of both."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Row, Snapshot, Spec
from unjam.domain.world.status import Status

_STARTED_OR_ENDED = (
    Status.UNKNOWN,  # nobody can tell, so it is not started
    Status.COMPLETED,
    Status.RUNNING,
    Status.CONFLICT,
    Status.REVERTED,
    Status.DISCARDED,
)
_STARTABLE = (None, Status.PENDING, Status.FAILED)
_BETWEEN_IDS = re.compile(r"[\s,;\"'\[\]]+")
_NOBODY_FREE = "no agents available"  # what the reference orchestrator logs, again and again

Ids = tuple[WorkstreamId, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Every workstream that has not had its turn, with what keeps it from having it."""

    rows: Mapping[WorkstreamId, Row]
    specs: Mapping[WorkstreamId, Spec]
    ordered: Mapping[WorkstreamId, Ids]  # by its spec, without what is completed
    blocked: Mapping[WorkstreamId, Ids]  # by its row, which says blocked, without what is completed
    missing: Mapping[WorkstreamId, Ids]  # what its spec names and nothing else does
    waits: Mapping[
        WorkstreamId, Ids
    ]  # for what each waits, by its spec or its row, itself included
    starved: frozenset[WorkstreamId] = frozenset()  # could start, but no agent serves its track
    served: frozenset[str] = field(default=frozenset())  # tracks in which agents have worked
    at_work: bool = False  # a row says running, or what nobody knows, or an agent lives

    def status(self, workstream: WorkstreamId) -> Status | None:
        """Return the row's word."""
        row = self.rows.get(workstream)
        return row.status if row else None

    def ready(self) -> Iterator[WorkstreamId]:
        """Name what an orchestrator could start now."""
        waited_for = {by for needs in self.blocked.values() for by in needs}
        for one, needs in self.ordered.items():
            free = not needs and one not in self.missing and one not in self.starved
            status = self.status(one)
            retried = status != Status.FAILED or one not in waited_for
            if free and retried and status in _STARTABLE:
                yield one

    @property
    def stuck(self) -> bool:
        """Tell whether something waits, nothing is at work and nothing could start."""
        return bool(self.ordered) and not self.at_work and next(self.ready(), None) is None


def waiting(snapshot: Snapshot) -> Waiting:
    """Work out what waits for what; a completed workstream is waited for no more."""
    rows = {row.workstream: row for row in snapshot.state.rows}
    specs = {spec.workstream: spec for spec in snapshot.specs}
    done = {one for one, row in rows.items() if row.status == Status.COMPLETED}
    known = rows.keys() | specs.keys() | {branch.workstream for branch in snapshot.branches}
    left = {
        one: specs.get(one)
        for one in sorted(
            one
            for one in rows.keys() | specs.keys()
            if one not in rows or rows[one].status not in _STARTED_OR_ENDED
        )
    }
    ordered = {one: _ordered(spec, done, known) for one, spec in left.items()}
    missing = {
        one: names
        for one, spec in left.items()
        if (names := tuple(name for name in _needs(spec) if name not in known))
    }
    blocked = {
        one: tuple(by for by in blockers(rows[one]) if by not in done)
        if known.issuperset(blockers(rows[one]))
        else ()  # it is words, or names somebody unknown: why it is blocked cannot be told
        for one in left
        if one in rows and rows[one].status == Status.BLOCKED
    }
    waits = {
        one: tuple(dict.fromkeys((*needs, *blocked[one]))) if one in blocked else needs
        for one, needs in ordered.items()
    }
    served = _served(rows.values())
    starved = frozenset(_starved(snapshot, served, specs, ordered) if served else ())
    return Waiting(
        rows, specs, ordered, blocked, missing, waits, starved, served, _at_work(snapshot)
    )


def blockers(row: Row) -> Ids:
    """Return what a row says it is blocked by: an id, or several in a list of any kind."""
    names = _BETWEEN_IDS.split(row.blocked_by or "")
    return tuple(WorkstreamId(one) for one in names if one)


def _needs(spec: Spec | None) -> Ids:
    return tuple(dict.fromkeys(spec.depends_on)) if spec and spec.depends_on else ()


def _ordered(spec: Spec | None, done: set[WorkstreamId], known: Iterable[WorkstreamId]) -> Ids:
    if spec is None or not spec.depends_on:
        return ()
    return tuple(one for one in _needs(spec) if one not in done and one in known)


def _at_work(snapshot: Snapshot) -> bool:
    maybe = (Status.RUNNING, Status.UNKNOWN)
    running = any(row.status in maybe for row in snapshot.state.rows)
    return running or any(one.role is Role.AGENT for one in snapshot.processes)


def _served(rows: Iterable[Row]) -> frozenset[str]:
    """Name the tracks in which some agent has worked."""
    return frozenset(row.track for row in rows if row.track and row.agent and row.started_at)


def _starved(
    snapshot: Snapshot,
    served: frozenset[str],
    specs: Mapping[WorkstreamId, Spec],
    ordered: Mapping[WorkstreamId, Ids],
) -> Iterator[WorkstreamId]:
    """Name what waits for nothing and is passed over, in a track where nobody has ever worked.

    A track nobody has worked in yet is nothing by itself: an agent must have been free and have
    taken another one, or the orchestrator must say that it has no agent for it.
    """
    lines = (line for log in snapshot.logs for line in log.lines[-3:])
    told = any(_NOBODY_FREE in line.lower() for line in lines)
    rows = {row.workstream: row for row in snapshot.state.rows}
    for one, needs in ordered.items():
        row, spec = rows.get(one), specs.get(one)
        track = (row.track if row else None) or (spec.track if spec else None)
        idle = not needs and (row is None or row.status == Status.PENDING)
        if idle and track and track not in served and (told or _passed_over(spec, rows)):
            yield one


def _passed_over(spec: Spec | None, rows: Mapping[WorkstreamId, Row]) -> bool:
    """Tell whether an agent became free when this one could start, and took another one."""
    needed = [row.completed_at for one in _needs(spec) if (row := rows.get(one))]
    began = [row.started_at for row in rows.values() if row.started_at]
    free_since = max((at for at in needed if at), default=min(began, default=None))
    if free_since is None:
        return False
    ended = [row.completed_at for row in rows.values() if row.completed_at]
    freed = min((at for at in ended if at >= free_since), default=None)
    return freed is not None and any(at > freed for at in began)
