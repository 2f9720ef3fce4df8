"""What the journals know of work that lands, or was stopped, before it was finished."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from unjam.adapters import journal
from unjam.domain.steps.outcome import TAKEN_BACK, StepWord
from unjam.domain.steps.plan import Stop
from unjam.domain.world.claims.incomplete import STOPPED
from unjam.domain.world.identity import WorkstreamId
from unjam.engine.keeping.past_runs import PastRun, past_run
from unjam.engine.orchestration import Orchestration

UNFINISHED = "unfinished"  # an event in a journal
_LOOKED_AT = 50  # runs


def unfinished_work(
    orchestration: Orchestration, begun: Mapping[WorkstreamId, datetime | None]
) -> tuple[tuple[WorkstreamId, str], ...]:
    """Say of these workstreams what runs since they were begun knew, but for those that were undone."""
    names = journal.runs(orchestration.common)[-_LOOKED_AT:]
    runs = [past_run(orchestration, one) for one in names]
    undone = {one.undoes for one in runs if one.word in TAKEN_BACK}
    told = (
        (name, why, past.started)
        for past in runs
        if past.id not in undone
        for name, why in _told_by(past)
    )
    return tuple(
        (name, why)
        for name, why, at in told
        if name in begun and ((since := begun[name]) is None or at >= since)
    )


def _told_by(past: PastRun) -> Iterator[tuple[WorkstreamId, str]]:
    for one in past.outcomes:
        if one.step == Stop.verb and one.word is StepWord.DONE and one.workstream is not None:
            yield one.workstream, STOPPED
    for record in past.records:
        because = record.get("because")
        if record.get("event") == UNFINISHED and isinstance(because, list):
            yield from ((WorkstreamId(str(record["workstream"])), str(why)) for why in because)
