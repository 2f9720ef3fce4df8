"""Read runs back from their journals."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from unjam import __version__
from unjam.adapters import journal
from unjam.domain.catalogue.codec import from_record
from unjam.domain.steps.change import Change
from unjam.domain.steps.outcome import TAKEN_BACK, Outcome
from unjam.domain.steps.plan import Step
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError

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
    by: Mapping[str, str] | None = (
        None  # machine, user, version; None: earlier versions did not say
    )
    is_newer: bool = False  # of a later version than this one: only what every version says is read
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
    """Return the newest runs that never ended, oldest first: killed, if we hold the lease.

    Raises RefusedError where a later version than this one has begun one.
    """
    newest = journal.runs(orchestration.common)[-_LOOKED_AT:]
    told = (past_run(orchestration, run) for run in newest)
    return tuple(readable(past) for past in told if past.word is None)


def later_standing(orchestration: Orchestration, past: PastRun) -> tuple[PastRun, ...]:
    """Return the runs that came after one and were not taken back, oldest first."""
    names = journal.runs(orchestration.common)
    later = [readable(past_run(orchestration, one)) for one in names[names.index(past.id) + 1 :]]
    undone = {one.undoes for one in later if one.word in TAKEN_BACK}
    return tuple(one for one in later if one.id not in undone and one.undoes is None)


def readable(past: PastRun) -> PastRun:
    """Return a run whose journal can be understood; raises RefusedError for one of a later version."""
    if past.is_newer and past.by is not None:
        raise RefusedError(
            f"run {past.id} was made by unjam {past.by['version']}, and this is {__version__}: what"
            f" it did cannot be read; use version {past.by['version']} or a later one"
        )
    return past


def last_told(orchestration: Orchestration) -> PastRun | None:
    """Return the newest run that ended and has a flow run, which a kill may have left open."""
    newest = journal.runs(orchestration.common)[-_LOOKED_AT:]
    told = (past_run(orchestration, run) for run in reversed(newest))
    return next((past for past in told if past.word is not None and past.flow_run), None)


def _told(run: str, records: list[dict[str, object]]) -> PastRun:
    by_event: dict[str, list[dict[str, object]]] = {}
    for record in records:
        by_event.setdefault(str(record.get("event")), []).append(record)
    past = _outline(run, by_event)
    return past if past.is_newer else _filled(past, by_event, records)


def _outline(run: str, by_event: Mapping[str, list[dict[str, object]]]) -> PastRun:
    """Read what every version writes alike."""
    began = by_event.get("began", [{}])[0]
    ended = by_event.get("ended", [{}])[-1]
    plans = by_event.get("plan", [{}])[-1]
    flow = _mapping(began.get("flow_run"))
    by = {what: str(name) for what, name in _mapping(began.get("by")).items()}
    return PastRun(
        id=run,
        kind=str(began.get("kind", "")),
        started=datetime.fromisoformat(str(began.get("at", "1970-01-01T00:00:00+00:00"))),
        word=str(ended["word"]) if "word" in ended else None,
        undoes=str(began["undoes"]) if began.get("undoes") else None,
        digest=str(plans.get("digest", "")),
        flow_run=(str(flow["id"]), str(flow["name"])) if flow else None,
        by=by or None,
        is_newer=_number(by.get("version", "")) > _number(__version__),
    )


def _number(version: str) -> tuple[int, ...]:
    """Order versions; what is none comes first."""
    return tuple(map(int, re.findall(r"\d+", version, re.ASCII)[:3]))


def _filled(
    past: PastRun,
    by_event: Mapping[str, list[dict[str, object]]],
    records: list[dict[str, object]],
) -> PastRun:
    steps = _list(by_event.get("plan", [{}])[-1].get("steps"))
    intents = [from_record(one["change"]) for one in by_event.get("intent", [])]
    return replace(
        past,
        planned=tuple(from_record(one) for one in steps),
        outcomes=tuple(from_record(one["outcome"]) for one in by_event.get("outcome", [])),
        changes=tuple(dict.fromkeys(intents)),
        made=tuple(from_record(one["change"]) for one in by_event.get("made", [])),
        records=tuple(records),
    )


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
