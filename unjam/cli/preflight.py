"""``unjam preflight``: what must hold before a run; for a person and, by its exit status, for scripts."""

import argparse

from unjam.cli.say import Page, as_json
from unjam.cli.trust import opened_to_look
from unjam.domain.readiness.checks import Word, readiness_document
from unjam.domain.reports.check_report import Document
from unjam.engine.telling.survey import check_before

_STYLES = {Word.OK: "green", Word.WARNING: "yellow", Word.FAILED: "bold red", Word.UNKNOWN: "red"}


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when a run can begin, 1 when something failed or cannot be told."""
    snapshot, checks = check_before(opened_to_look(arguments))
    document = readiness_document("preflight", snapshot, checks)
    as_json(document) if arguments.json else print_readiness(document, "ready to begin")
    return 0 if document["ready"] else 1


def print_readiness(document: Document, well: str) -> None:
    """Print every check in a line, what to type below it, and the whole at the end."""
    page = Page()
    for one in document["checks"]:
        page.line(
            f"{one['word']:>11}  {one['check']}: {one['sentence']}", _STYLES[Word(one["word"])]
        )
        if one["advice"]:
            page.line(f"{'':>11}  → {one['advice']}", "dim")
    page.line()
    page.line(well if document["ready"] else f"not {well}", "bold")
