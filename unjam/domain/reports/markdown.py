"""A run as a page and a table that people read in the Prefect UI."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from unjam.domain.reports.agents_table import HEADS, agents_table, as_cells
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.policy import Consent
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.words import printable
from unjam.domain.world.workstream import join


def report_page(document: Document) -> str:
    """Tell a recovery: what was found, what was planned, what came of it, what is left and kept."""
    return "\n".join(_report(document))


def plan_page(document: Document) -> str:
    """Tell what was found and what is planned, for somebody who is to say yes or no."""
    return "\n".join(_planned(document))


def undo_page(document: Document) -> str:
    """Tell an undo."""
    title = f"# Undo of {document['undoes']}: {document['word']}"
    made = f"Made {_cell(made_in_words(document['by']))}."
    return "\n".join((title, "", made, "", *_outcomes(document)))


def readiness_page(document: Document) -> str:
    """Tell a preflight or a postflight."""
    title = f"# {document['kind']}: {'ready' if document['ready'] else 'not ready'}"
    rows = (
        (one["word"], one["check"], one["sentence"], one["advice"] or "")
        for one in document["checks"]
    )
    lines = ("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)
    return "\n".join((title, "", "| | check | | to do |", "|---|---|---|---|", *lines))


def workstream_table(
    snapshot: Snapshot, document: Document, chosen: Collection[WorkstreamId] | None
) -> list[dict[str, Any]]:
    """List what a run was about: what each row said, what was found, and what came of it."""
    verdicts: dict[str, str] = {}
    for finding in document["findings_before"]:
        verdicts |= finding["verdicts"]
    said: dict[str, dict[str, list[str]]] = {}
    for one in document["outcomes"]:
        said.setdefault(one["workstream"], {}).setdefault(one["outcome"], []).append(one["step"])
    return [
        {
            "workstream": one.id,
            "row before": one.status or "none",
            "verdict": verdicts.get(one.id, "elsewhere" if one.elsewhere else "consistent"),
            "came of it": "; ".join(
                f"{word}: {', '.join(steps)}" for word, steps in said.get(one.id, {}).items()
            ),
        }
        for one in join(snapshot)
        if chosen is None or one.id in chosen or one.id in said
    ]


def agents_of(snapshot: Snapshot) -> list[dict[str, Any]]:
    """List every process of the agents that were looked at closely, with the verdict."""
    observed_at = snapshot.observed_at
    lines = (as_cells(one, observed_at) for one in agents_table(snapshot))
    return [dict(zip(HEADS, map(printable, cells), strict=True)) for cells in lines]


def made_in_words(by: Mapping[str, str]) -> str:
    """Say who made a run, where, and with which version of unjam."""
    return f"by {by['user']} on {by['machine']}, with unjam {by['version']}"


def _report(document: Document) -> Iterator[str]:
    yield f"# {document['word']}"
    if document["because"]:
        yield f"\n{_cell(document['because'])}"
    if document["by"]:
        yield f"\nMade {_cell(made_in_words(document['by']))}."
    yield from _planned(document)
    yield from ("", "## What came of it", "")
    yield from _outcomes(document)
    yield from ("", "## Found afterwards", "")
    yield from _findings(document["findings_after"])
    for one in document["incomplete"]:
        yield f"- **{_cell(one['id'])} is incomplete**: {_cell(one['because'])}"
    if document["undo"]:
        yield from ("", "## Kept", "", *(f"- {_code(one)}" for one in document["vault"]))
        yield from ("", f"To take it back: {_code(document['undo'])}")


def _planned(document: Document) -> Iterator[str]:
    yield from ("", "## Found", "")
    yield from _findings(document["findings_before"])
    yield from ("", f"## Plan {document['digest']}", "")
    yield from (
        f"1. **{one['step']}** {_code(one['subject'])}: {_cell(one['reason'])}{_asked(one)}"
        for one in document["plan"]
    )
    yield from (f"- {_cell(note)}" for note in document["notes"])


def _asked(step: Document) -> str:
    return " *(asks first)*" if step["approval"] == Consent.ASK else ""


def _findings(findings: list[Document]) -> Iterator[str]:
    if not findings:
        yield "Nothing."
    for finding in findings:
        yield f"- **{_cell(finding['summary'])}**"
        yield from (f"  - {one['source']}: {_cell(one['fact'])}" for one in finding["evidence"])


def _outcomes(document: Document) -> Iterator[str]:
    if not document["outcomes"]:
        yield "Nothing was done."
        return
    yield from ("| step | subject | outcome | |", "|---|---|---|---|")
    for one in document["outcomes"]:
        cells = (one["step"], one["subject"], one["outcome"], one["sentence"])
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def _cell(text: str) -> str:
    """Keep a name from disk from becoming markup."""
    flat = " ".join(text.split())
    for special in "\\`*_[]<>|":
        flat = flat.replace(special, f"\\{special}")
    return flat
