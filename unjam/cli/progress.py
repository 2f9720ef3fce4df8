"""``unjam progress``: how fast the orchestration goes, who is late, and when it will be done."""

import argparse
from datetime import datetime, timedelta

from unjam.adapters import clock
from unjam.cli.say import Page, as_json, following
from unjam.cli.status import REFRESH, duration
from unjam.cli.trust import opened_to_look
from unjam.domain.reports.check_report import Document
from unjam.domain.world.status import Status
from unjam.engine.telling.progress import look_at_progress

_HEADS = ("workstream", "status", "agent", "running for", "last sign of life", "expected", "")


def run(arguments: argparse.Namespace) -> int:
    """Print it once, or until the person has seen enough."""
    orchestration = opened_to_look(arguments)
    if arguments.watch:
        with following() as show:
            while True:
                document = look_at_progress(orchestration)
                show(" ".join(_headlines(document)), _HEADS, _rows(document))
                clock.pause(REFRESH)
    document = look_at_progress(orchestration)
    if arguments.json:
        as_json(document)
        return 0
    page = Page()
    for line in _headlines(document):
        page.line(line, "bold")
    page.line()
    page.table(_HEADS, _rows(document))
    return 0


def _headlines(document: Document) -> list[str]:
    counts = ", ".join(f"{number} {status}" for status, number in document["counts"].items())
    lines = [f"{document['done']} of {document['total']} done: {counts or 'no workstreams'}."]
    if document["completed_per_hour"] is not None:
        usual = document["usual_seconds"]
        took = f", each in about {_span(usual['typical'])}" if usual else ""
        lines.append(
            f"{document['completed_per_hour']:.1f} an hour, {document['completed_last_hour']} in the "
            f"last one{took}; agents at work: {document['agents_at_work']}."
        )
    lines.append(_forecast(document))
    lines += [f"Cannot tell {one['what']}: {one['because']}." for one in document["unknown"]]
    return lines


def _forecast(document: Document) -> str:
    finish = document["finish"]
    if finish is None:
        return f"When it will be done cannot be told: {document['no_forecast_because']}."
    now = datetime.fromisoformat(document["observed_at"])
    within = {name: _until(at, now) for name, at in finish.items()}
    return (
        f"What is in reach is done in about {within['likely']} "
        f"(between {within['earliest']} and {within['latest']})."
    )


def _rows(document: Document) -> list[tuple[str, ...]]:
    now = datetime.fromisoformat(document["observed_at"])
    return [_row(one, now) for one in document["workstreams"]]


def _row(one: Document, now: datetime) -> tuple[str, ...]:
    sign = one["last_sign"]
    ago = f"{duration(now - datetime.fromisoformat(sign))} ago" if sign else ""
    return (
        one["id"],
        one["status"],
        one["agent"] or "",
        _span(one["age_seconds"]) if one["age_seconds"] is not None else "",
        ago if one["status"] == Status.RUNNING else "",
        f"in {_until(one['expected_end'], now)}" if one["expected_end"] else "",
        one["out_of_reach"] or ("elsewhere" if one["elsewhere"] else "late" if one["late"] else ""),
    )


def _until(at: str, now: datetime) -> str:
    return duration(max(datetime.fromisoformat(at) - now, timedelta()))


def _span(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))
