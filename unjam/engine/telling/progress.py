"""How far an orchestration is, how fast it goes, and when it will be done, as one document."""

from datetime import datetime, timedelta

from unjam.domain.readiness.forecast import Usual
from unjam.domain.readiness.pace import Pace, pace_of
from unjam.domain.readiness.progress import Line, progress_of
from unjam.domain.reports.check_report import SCHEMA, Document
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.words import printable
from unjam.engine.observing.observe import observe, with_signs_of_life
from unjam.engine.orchestration import Orchestration


def look_at_progress(orchestration: Orchestration) -> Document:
    """Observe and describe; changes nothing."""
    return progress_document(with_signs_of_life(observe(orchestration)))


def progress_document(snapshot: Snapshot) -> Document:
    """Describe the progress of what was observed."""
    progress, pace = progress_of(snapshot), pace_of(snapshot)
    because = {one.workstream: one.because for one in pace.out_of_reach}
    return {
        "schema": SCHEMA,
        "observed_at": snapshot.observed_at.isoformat(timespec="seconds"),
        "orchestrator": progress.orchestrator,
        "unknown": [
            {"what": printable(one.what), "because": printable(one.because)}
            for one in progress.unknown
        ],
        "counts": dict(progress.counts),
        "elsewhere": progress.elsewhere,
        "total": pace.total,
        "done": pace.done,
        "agents_at_work": pace.at_work,
        "completed_last_hour": pace.last_hour,
        "completed_per_hour": None if pace.per_hour is None else round(pace.per_hour, 2),
        "usual_seconds": _usual(pace.usual),
        "finish": _finish(pace),
        "no_forecast_because": pace.because or None,
        "workstreams": [_line(one, pace, because.get(one.workstream)) for one in progress.lines],
    }


def _usual(usual: Usual | None) -> Document | None:
    if usual is None:
        return None
    spans = {"quick": usual.quick, "typical": usual.typical, "slow": usual.slow}
    return {name: round(span.total_seconds(), 1) for name, span in spans.items()}


def _finish(pace: Pace) -> Document | None:
    if pace.finish is None:
        return None
    times = (pace.finish.earliest, pace.finish.likely, pace.finish.latest)
    names = ("earliest", "likely", "latest")
    return {name: at.isoformat(timespec="seconds") for name, at in zip(names, times, strict=True)}


def _line(line: Line, pace: Pace, because: str | None) -> Document:
    expected = pace.expected.get(line.workstream)
    return {
        "id": printable(line.workstream),
        "status": line.status,
        "word": printable(line.word) if line.word is not None else None,
        "agent": printable(line.agent) if line.agent else None,
        "age_seconds": _seconds(line.age),
        "last_sign": _iso(line.last_sign),
        "pids": list(line.pids),
        "attempts": line.attempts,
        "elsewhere": printable(line.elsewhere) or None,
        "expected_end": _iso(expected),
        "late": line.workstream in pace.late,
        "out_of_reach": printable(because) if because else None,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
