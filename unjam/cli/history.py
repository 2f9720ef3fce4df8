"""``unjam history`` and ``unjam show``: past runs, from their journals."""

import argparse

from unjam.cli.say import Page, as_json
from unjam.domain.reports.check_report import Document
from unjam.domain.reports.markdown import made_in_words
from unjam.domain.reports.report import outcome_document
from unjam.domain.world.words import printable
from unjam.engine.keeping.past_runs import PastRun, past_run, past_runs
from unjam.engine.keeping.vault import kept
from unjam.engine.orchestration import open_orchestration


def run(arguments: argparse.Namespace) -> int:
    """Print all runs, or one."""
    orchestration = open_orchestration(arguments.repo, arguments.config)
    if arguments.command == "show":
        past = past_run(orchestration, arguments.run)
        vault = [one.name for one in kept(orchestration) if one.run == past.id]
        document = _described(past) | {
            "plan": [
                {"step": step.verb, "subject": printable(step.subject), "reason": step.reason}
                for step in past.planned
            ],
            "outcomes": [outcome_document(one) for one in past.outcomes],
            "vault": [printable(one) for one in vault],
        }
        as_json(document) if arguments.json else _print_one(document)
        return 0
    runs = [_described(past) for past in past_runs(orchestration)]
    as_json({"schema": 1, "runs": runs}) if arguments.json else _print_all(runs)
    return 0


def _described(past: PastRun) -> Document:
    flow_run = {"id": past.flow_run[0], "name": past.flow_run[1]} if past.flow_run else None
    return {
        "schema": 1,
        "run": past.id,
        "kind": past.kind,
        "started": past.started.isoformat(timespec="seconds"),
        "word": past.word,
        "undoes": past.undoes,
        "digest": past.digest,
        "flow_run": flow_run,
        "by": {what: printable(name) for what, name in past.by.items()} if past.by else None,
        "is_newer": past.is_newer,
    }


def _print_all(runs: list[Document]) -> None:
    page = Page()
    if not runs:
        page.line("no runs yet")
        return
    heads = ("run", "started", "what", "word", "flow run")
    page.table(heads, [_row(one) for one in runs])


def _row(one: Document) -> tuple[str, ...]:
    what = f"undo of {one['undoes']}" if one["undoes"] else one["kind"]
    flow_run = one["flow_run"]["name"] if one["flow_run"] else ""
    return one["run"], one["started"], what, one["word"] or "not ended", flow_run


def _print_one(document: Document) -> None:
    page = Page()
    page.line(f"{document['run']}  {document['kind']}  {document['word'] or 'not ended'}", "bold")
    plan = f"plan {document['digest']}" if document["digest"] else "without a plan"
    page.line(f"started {document['started']}, {plan}")
    if document["by"]:
        page.line(made_in_words(document["by"]))
    if document["flow_run"]:
        page.line(f"flow run {document['flow_run']['name']} ({document['flow_run']['id']})")
    if document["is_newer"]:
        page.line("that is a later version than this one, which cannot read what it did", "yellow")
    for step in document["plan"]:
        page.line(f"planned  {step['step']} {step['subject']}: {step['reason']}")
    for one in document["outcomes"]:
        page.line(f"{one['outcome']}  {one['step']} {one['subject']}: {one['sentence']}")
    for name in document["vault"]:
        page.line(f"keeps  {name}")
