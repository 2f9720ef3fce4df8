"""``unjam vault``: list, restore or prune what was saved."""

import argparse

from unjam.adapters import clock
from unjam.cli.say import Page, as_json, ask, is_terminal
from unjam.domain.outcome import RunWord
from unjam.domain.words import printable
from unjam.engine import keeping
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.engine.recovery import Permission
from unjam.engine.session import Terms, end, session
from unjam.engine.vault import Kept, kept
from unjam.errors import RefusedError
from unjam.settings.units import written_duration


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked with the vault."""
    orchestration = open_orchestration(arguments.repo, arguments.config)
    match arguments.action:
        case "list":
            _list(orchestration, arguments)
        case "restore":
            _restore(orchestration, arguments)
        case _:
            _prune(orchestration, arguments)
    return 0


def _list(orchestration: Orchestration, arguments: argparse.Namespace) -> None:
    everything = kept(orchestration)
    if arguments.json:
        described = [
            {"run": one.run, "name": printable(one.name), "commit": one.commit}
            for one in everything
        ]
        as_json({"schema": 1, "kept": described})
        return
    page = Page()
    for one in everything:
        page.line(f"{one.run}  {_what(one)}")
    if not everything:
        page.line("the vault is empty")


def _what(one: Kept) -> str:
    return one.name if one.commit else str(one.path)


def _restore(orchestration: Orchestration, arguments: argparse.Namespace) -> None:
    commit = keeping.kept_commit(orchestration, arguments.name)
    if arguments.to is not None:
        keeping.to_directory(orchestration, commit, arguments.to)
        Page().line(f"restored into {arguments.to}")
        return
    if arguments.branch is not None:
        keeping.refuse_branch(orchestration, arguments.branch)
    with session(orchestration, Terms("restore", by_settings=False), Permission()) as this:
        if arguments.branch is not None:
            where = keeping.to_branch(this, commit, arguments.branch)
        else:
            where = str(keeping.in_place(this, commit))
        end(this, RunWord.RECOVERED)
    Page().line(f"restored as {where}; to take it back: unjam undo {this.run}")


def _prune(orchestration: Orchestration, arguments: argparse.Namespace) -> None:
    page = Page()
    going = keeping.droppable(orchestration, clock.now())
    for one in going:
        page.line(f"drop  {one.run}  {_what(one)}")
    if not going:
        page.line(
            f"nothing is redundant or older than {written_duration(orchestration.settings.vault.keep)}"
        )
    if not going or arguments.dry_run:
        return
    if not arguments.yes and not (is_terminal() and ask("Drop these for good?")):
        raise RefusedError("approval denied; nothing was changed")
    with session(orchestration, Terms("prune", by_settings=False), Permission()) as this:
        for one in going:
            keeping.drop(this, one)
        end(this, RunWord.RECOVERED)
