"""When work that is left will be done: handed out in the order of what waits for what, as it went so far."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Row
from unjam.domain.world.status import OVER, Status
from unjam.domain.world.workstream import Workstream

ENOUGH = 3  # completed workstreams; fewer tell nothing of the others


@dataclass(frozen=True, slots=True)
class Usual:
    """How long work has taken: a quarter was quicker than the first, a tenth slower than the last."""

    quick: timedelta
    typical: timedelta
    slow: timedelta


@dataclass(frozen=True, slots=True)
class Finish:
    """When all that is in reach will be done, if it goes as before."""

    earliest: datetime
    likely: datetime
    latest: datetime


_Pick = Callable[[Usual], timedelta]


def is_left(one: Workstream) -> bool:
    """Tell what is still to be done."""
    return one.status not in OVER


def spans_of(rows: Iterable[Row]) -> Iterator[tuple[str | None, timedelta]]:
    """Yield how long each completed one took, with its track."""
    for row in rows:
        if row.status == Status.COMPLETED and row.started_at and row.completed_at:
            span = row.completed_at - row.started_at
            if span > timedelta():
                yield row.track, span


def usual_of(spans: Iterable[tuple[str | None, timedelta]]) -> Usual | None:
    """Say what is usual; None where too few were completed to tell."""
    seconds = sorted(span.total_seconds() for _, span in spans)
    if len(seconds) < ENOUGH:
        return None
    tenths = quantiles(seconds, n=20, method="inclusive")
    quick, typical, slow = (timedelta(seconds=tenths[at]) for at in (4, 9, 17))
    return Usual(quick, typical, slow)


def waits_of(
    one: Workstream, streams: Mapping[WorkstreamId, Workstream]
) -> tuple[WorkstreamId, ...]:
    """Return what it waits for: a running one for nothing any more."""
    if one.status == Status.RUNNING or one.spec is None:
        return ()
    return tuple(
        need
        for need in dict.fromkeys(one.spec.depends_on)
        if need not in streams or is_left(streams[need])
    )


class Forecast:
    """What is left, handed out to as many agents as work now."""

    def __init__(
        self,
        now: datetime,
        rows: Iterable[Row],
        left: Mapping[WorkstreamId, Workstream],
        agents: int,
    ) -> None:
        self.now = now
        self.left = left
        self.agents = agents
        spans = list(spans_of(rows))
        by_track = defaultdict[str | None, list[tuple[str | None, timedelta]]](list)
        for track, span in spans:
            by_track[track].append((track, span))
        self._overall = usual_of(spans)
        self._by_track = {track: usual_of(some) for track, some in by_track.items()}

    def finish(self) -> Finish:
        """Return when the last of it ends, if work is as quick, as usual, or as slow as it has been."""
        quick, likely, slow = (
            max(self.ends(pick).values())
            for pick in (lambda one: one.quick, lambda one: one.typical, lambda one: one.slow)
        )
        return Finish(min(quick, likely), likely, max(likely, slow))

    def is_late(self, one: Workstream) -> bool:
        """Tell whether it has been running for longer than slow work takes."""
        usual = self._usual_of(one)
        return usual is not None and self._elapsed(one) > usual.slow

    def ends(self, pick: _Pick) -> dict[WorkstreamId, datetime]:
        """Return when each would end, if each takes as long as ``pick`` says of what is usual."""
        agents: list[datetime] = []
        ends: dict[WorkstreamId, datetime] = {}
        for name, one in self.left.items():
            if one.status == Status.RUNNING:
                ends[name] = self.now + max(self._span(one, pick) - self._elapsed(one), timedelta())
                agents.append(ends[name])
        agents.extend([self.now] * (self.agents - len(agents)))
        heapq.heapify(agents)
        for name, ready in self._as_they_get_ready(ends):
            begins = max(heapq.heappop(agents), ready)
            ends[name] = begins + self._span(self.left[name], pick)
            heapq.heappush(agents, ends[name])
        return ends

    def _as_they_get_ready(
        self, ends: Mapping[WorkstreamId, datetime]
    ) -> Iterator[tuple[WorkstreamId, datetime]]:
        """Yield each when all it waits for has an end, the first ready first; ``ends`` grows meanwhile."""
        running = list(ends)
        waiting = {name: one for name, one in self.left.items() if name not in ends}
        needs = {
            name: {need for need in waits_of(one, self.left) if need in self.left}
            for name, one in waiting.items()
        }
        waited_by = defaultdict[WorkstreamId, list[WorkstreamId]](list)
        for name, some in needs.items():
            for need in some:
                waited_by[need].append(name)
        ready = [(self.now, name) for name, some in needs.items() if not some]
        heapq.heapify(ready)
        ended = running
        while True:
            for one in ended:
                for later in waited_by[one]:
                    needs[later].discard(one)
                    if not needs[later]:
                        at = max(
                            ends[need]
                            for need in waits_of(waiting[later], self.left)
                            if need in ends
                        )
                        heapq.heappush(ready, (at, later))
            if not ready:
                return
            at, name = heapq.heappop(ready)
            yield name, at
            ended = [name]

    def _usual_of(self, one: Workstream) -> Usual | None:
        track = (one.row.track if one.row else None) or (one.spec.track if one.spec else None)
        return self._by_track.get(track) or self._overall

    def _span(self, one: Workstream, pick: _Pick) -> timedelta:
        usual = self._usual_of(one)
        return pick(usual) if usual else timedelta()

    def _elapsed(self, one: Workstream) -> timedelta:
        began = one.row.started_at if one.row else None
        return self.now - began if began else timedelta()
