"""``unjam undo``: take a run back."""

import argparse

from unjam.cli.launch import Launcher
from unjam.cli.recover import print_outcomes
from unjam.cli.say import Page, as_json, ask, is_terminal
from unjam.cli.trust import opened
from unjam.domain.steps.outcome import RunWord
from unjam.engine.running.undo import change_in_words, preview_undo
from unjam.errors import RefusedError


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when everything was taken back, 1 when something cannot be, 3 when refused."""
    orchestration = opened(arguments)
    changes = preview_undo(orchestration, arguments.run)
    if arguments.dry_run or not arguments.json:
        named = [change_in_words(change) for change in changes]
        if arguments.json:
            as_json({"schema": 1, "word": "planned", "undoes": arguments.run, "changes": named})
        else:
            page = Page()
            for name in named:
                page.line(f"take back  {name}")
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
        Page().line(document["word"], "bold")
    return 0 if document["word"] == RunWord.UNDONE else 1


def _require_consent(arguments: argparse.Namespace) -> None:
    if arguments.yes:
        return
    if not is_terminal():
        raise RefusedError("nobody is at a terminal to approve: use --yes")
    if not ask(f"Take back {arguments.run}?"):
        raise RefusedError("approval denied; nothing was changed")
