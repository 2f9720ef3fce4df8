"""``unjam status``: the progress of the orchestration."""

import argparse
from datetime import datetime, timedelta

from unjam.adapters import clock
from unjam.cli.say import Page, as_json, following
from unjam.cli.trust import opened_to_look
from unjam.domain.readiness.progress import Line, Progress, progress_of
from unjam.domain.reports.check_report import Document
from unjam.domain.world.naming import shown as named
from unjam.domain.world.words import printable
from unjam.engine.observing.observe import observe, with_signs_of_life
from unjam.engine.orchestration import Orchestration

REFRESH = 2.0  # seconds
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def run(arguments: argparse.Namespace) -> int:
    """Print the progress once, or until the person has seen enough."""
    orchestration = opened_to_look(arguments)
    if arguments.watch:
        return _watch(orchestration)
    progress, now = _look(orchestration)
    if arguments.json:
        as_json(_document(progress))
        return 0
    page = Page()
    page.line(_headline(progress), "bold")
    for doubt in _doubts(progress):
        page.line(doubt, "yellow")
    page.table(_HEADS, [_row(line, now) for line in progress.lines])
    return 0


def _look(orchestration: Orchestration) -> tuple[Progress, datetime]:
    snapshot = with_signs_of_life(observe(orchestration))
    return progress_of(snapshot), snapshot.observed_at


def _watch(orchestration: Orchestration) -> int:
    with following() as show:
        while True:
            progress, now = _look(orchestration)
            headline = "; ".join((_headline(progress), *_doubts(progress)))
            show(headline, _HEADS, [_row(line, now) for line in progress.lines])
            clock.pause(REFRESH)


_HEADS = ("workstream", "status", "agent", "age", "last sign of life", "pids", "attempts")


def _headline(progress: Progress) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in progress.counts)
    away = f"; {progress.elsewhere} of them elsewhere" if progress.elsewhere else ""
    living = (
        f"orchestrator pid {progress.orchestrator}"
        if progress.orchestrator
        else "no orchestrator on this machine"
    )
    return f"{counts or 'no workstreams'}{away}; {living}"


def _doubts(progress: Progress) -> tuple[str, ...]:
    return tuple(f"cannot tell {one.what}: {one.because}" for one in progress.unknown)


def _row(line: Line, now: datetime) -> tuple[str, ...]:
    return (
        named(line.workstream),
        f"{line.said}{', elsewhere' if line.elsewhere else ''}",
        line.agent or "",
        duration(line.age),
        f"{duration(now - line.last_sign)} ago" if line.last_sign else "",
        ",".join(map(str, line.pids)),
        str(line.attempts or ""),
    )


def duration(span: timedelta | None) -> str:
    """Say a span in its largest unit; nothing for none."""
    if span is None:
        return ""
    seconds = int(span.total_seconds())
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _document(progress: Progress) -> Document:
    return {
        "schema": 1,
        "orchestrator": progress.orchestrator,
        "unknown": [
            {"what": printable(one.what), "because": printable(one.because)}
            for one in progress.unknown
        ],
        "counts": dict(progress.counts),
        "elsewhere": progress.elsewhere,
        "workstreams": [
            {
                "id": printable(line.workstream),
                "status": line.status,
                "word": printable(line.word) if line.word is not None else None,
                "agent": line.agent,
                "age_seconds": line.age.total_seconds() if line.age is not None else None,
                "last_sign": line.last_sign.isoformat() if line.last_sign else None,
                "pids": list(line.pids),
                "attempts": line.attempts,
                "elsewhere": printable(line.elsewhere) or None,
            }
            for line in progress.lines
        ],
    }
