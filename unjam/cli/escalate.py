"""``unjam escalate``: hand what is found over to a person."""

import argparse

from unjam.cli.say import Page, as_json
from unjam.cli.trust import opened
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.request import Request
from unjam.engine.acts.recovery import Permission
from unjam.engine.running.session import Terms, session
from unjam.engine.telling.escalate import escalate_now


def run(arguments: argparse.Namespace) -> int:
    """Return 0: there was nothing, or a person has everything. Needs no Prefect: it may be what broke."""
    orchestration = opened(arguments)
    terms = Terms("escalate", Request(tuple(arguments.scenario or ())))
    with session(orchestration, terms, Permission()) as this:
        document = escalate_now(this, again=arguments.again)
    as_json(document) if arguments.json else _print(document)
    return 0


def _print(document: Document) -> None:
    page = Page()
    for one in document["findings"]:
        page.line(f"{one['scenario']}: {one['summary']}")
    if document["bundle"]:
        page.line(f"the person reads first:  {document['page']}", "bold")
        page.line(f"everything else is in:   {document['bundle']}")
        if document["called"]:
            page.line(document["called"])
    elif document["earlier"]:
        page.line("all of it is left to a person already; --again writes another bundle", "yellow")
    else:
        page.line("nothing is wrong: nothing to escalate", "green")
    for bundle in document["earlier"]:
        page.line(f"written before:  {bundle}")
