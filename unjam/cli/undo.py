"""``unjam undo``: take a run back."""

import argparse

from unjam.cli.launch import Launcher
from unjam.cli.recover import print_outcomes
from unjam.cli.say import Page, as_json, ask, is_terminal
from unjam.cli.trust import opened
from unjam.domain.steps.outcome import ALL_WELL, RunWord
from unjam.engine.keeping.past_runs import past_run
from unjam.engine.running.undo import change_in_words, preview_undo
from unjam.engine.running.undo_differences import stays, why_final
from unjam.errors import RefusedError


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when everything was taken back, 1 when something cannot be, 3 when refused."""
    orchestration = opened(arguments)
    changes = preview_undo(orchestration, arguments.run)
    if arguments.dry_run or not arguments.json:
        left = stays(past_run(orchestration, arguments.run))
        named = [change_in_words(change) for change in changes if not why_final(change)]
        if arguments.json:
            document = {"schema": 1, "word": "planned", "undoes": arguments.run}
            as_json({**document, "changes": named, "stays": list(left)})
        else:
            _print_plan(named, left)
    if arguments.dry_run:
        return 0
    launcher = Launcher().start()
    _require_consent(arguments)
    document = launcher.run(
        "flows.undo:undo", repo=orchestration.primary, run=arguments.run, config=arguments.config
    )
    if arguments.json:
        as_json(document)
    else:
        print_outcomes(document)
        page = Page()
        for one in document["differences"]:
            page.line(f"not as before:  {one}", "yellow")
        page.line(document["word"], "bold")
    return 0 if RunWord(document["word"]) in ALL_WELL else 1


def _print_plan(named: list[str], left: tuple[str, ...]) -> None:
    page = Page()
    for name in named:
        page.line(f"take back  {name}")
    for one in left:
        page.line(f"stays      {one}", "yellow")
    if not named:
        page.line("nothing to take back")


def _require_consent(arguments: argparse.Namespace) -> None:
    if arguments.yes:
        return
    if not is_terminal():
        raise RefusedError("nobody is at a terminal to approve: use --yes")
    if not ask(f"Take back {arguments.run}?"):
        raise RefusedError("approval denied; nothing was changed")
