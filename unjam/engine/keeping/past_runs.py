"""Read runs back from their journals."""

from dataclasses import dataclass, field
from datetime import datetime

from unjam.adapters import journal
from unjam.domain.catalogue.codec import from_record
from unjam.domain.steps.change import Change
from unjam.domain.steps.outcome import Outcome, RunWord
from unjam.domain.steps.plan import Step
from unjam.engine.orchestration import Orchestration

_LOOKED_AT = 50  # runs; whoever kills more in a row has closed the older ones by now


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run as its journal tells it."""

    id: str
    kind: str
    started: datetime
    word: str | None  # None: it never ended; it was killed, or is at work
    undoes: str | None = None
    digest: str = ""
    flow_run: tuple[str, str] | None = None  # id and name
    planned: tuple[Step, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    changes: tuple[Change, ...] = ()  # intended, in order; the last may not have been made
    made: tuple[Change, ...] = ()
    records: tuple[dict[str, object], ...] = field(default=(), repr=False)


def past_run(orchestration: Orchestration, run: str) -> PastRun:
    """Read one run; raises UsageError when there is none of this name."""
    return _told(run, journal.read(orchestration.common, run))


def past_runs(orchestration: Orchestration) -> tuple[PastRun, ...]:
    """Read every run, oldest first."""
    return tuple(past_run(orchestration, run) for run in journal.runs(orchestration.common))


def unfinished(orchestration: Orchestration) -> tuple[PastRun, ...]:
    """Return the newest runs that never ended, oldest first: killed, if we hold the lease."""
    newest = journal.runs(orchestration.common)[-_LOOKED_AT:]
    told = (past_run(orchestration, run) for run in newest)
    return tuple(past for past in told if past.word is None)


def later_standing(orchestration: Orchestration, past: PastRun) -> tuple[PastRun, ...]:
    """Return the runs that came after one and were not taken back, oldest first."""
    names = journal.runs(orchestration.common)
    later = [past_run(orchestration, one) for one in names[names.index(past.id) + 1 :]]
    undone = {one.undoes for one in later if one.word == RunWord.UNDONE}
    return tuple(one for one in later if one.id not in undone and one.undoes is None)


def last_told(orchestration: Orchestration) -> PastRun | None:
    """Return the newest run that ended and has a flow run, which a kill may have left open."""
    newest = journal.runs(orchestration.common)[-_LOOKED_AT:]
    told = (past_run(orchestration, run) for run in reversed(newest))
    return next((past for past in told if past.word is not None and past.flow_run), None)


def _told(run: str, records: list[dict[str, object]]) -> PastRun:
    by_event: dict[str, list[dict[str, object]]] = {}
    for record in records:
        by_event.setdefault(str(record.get("event")), []).append(record)
    began = by_event.get("began", [{}])[0]
    ended = by_event.get("ended", [{}])[-1]
    intents = [from_record(one["change"]) for one in by_event.get("intent", [])]
    made = [from_record(one["change"]) for one in by_event.get("made", [])]
    plans = by_event.get("plan", [{}])[-1]
    flow = _mapping(began.get("flow_run"))
    return PastRun(
        id=run,
        kind=str(began.get("kind", "")),
        started=datetime.fromisoformat(str(began.get("at", "1970-01-01T00:00:00+00:00"))),
        word=str(ended["word"]) if "word" in ended else None,
        undoes=str(began["undoes"]) if began.get("undoes") else None,
        digest=str(plans.get("digest", "")),
        flow_run=(str(flow["id"]), str(flow["name"])) if flow else None,
        planned=tuple(from_record(one) for one in _list(plans.get("steps"))),
        outcomes=tuple(from_record(one["outcome"]) for one in by_event.get("outcome", [])),
        changes=tuple(dict.fromkeys(intents)),
        made=tuple(made),
        records=tuple(records),
    )


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
