"""``unjam vault``: list, restore, prune or purge what was saved."""

import argparse

from unjam.adapters import clock
from unjam.cli.say import Page, as_json, ask, is_terminal, typed
from unjam.domain.steps.outcome import RunWord
from unjam.domain.world.words import printable
from unjam.engine.acts.recovery import Permission
from unjam.engine.keeping.vault import Kept, kept, not_erased
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.engine.running import vault_restore
from unjam.engine.running.session import Terms, end, session
from unjam.engine.running.vault_purge import Purge, purge, would_go
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
        case "purge":
            return _purge(orchestration, arguments)
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
    if said := not_erased(orchestration):
        page.line(said)


def _what(one: Kept) -> str:
    return one.name if one.commit else str(one.path)


def _restore(orchestration: Orchestration, arguments: argparse.Namespace) -> None:
    commit = vault_restore.kept_commit(orchestration, arguments.name)
    if arguments.to is not None:
        vault_restore.to_directory(orchestration, commit, arguments.to)
        Page().line(f"restored into {arguments.to}")
        return
    if arguments.branch is not None:
        vault_restore.refuse_branch(orchestration, arguments.branch)
    with session(orchestration, Terms("restore", by_settings=False), Permission()) as this:
        if arguments.branch is not None:
            where = vault_restore.to_branch(this, commit, arguments.branch)
        else:
            where = str(vault_restore.in_place(this, commit))
        end(this, RunWord.RECOVERED)
    Page().line(f"restored as {where}; to take it back: unjam undo {this.run}")


def _prune(orchestration: Orchestration, arguments: argparse.Namespace) -> None:
    page = Page()
    going = vault_restore.droppable(orchestration, clock.now())
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
            vault_restore.drop(this, one)
        erased = vault_restore.erase_dropped(this)
        end(this, RunWord.RECOVERED)
    if erased:
        page.line(erased)


def _purge(orchestration: Orchestration, arguments: argparse.Namespace) -> int:
    """Return 0 when a look afterwards found nothing left, 1 when it could not prove that."""
    wanted = Purge(arguments.run, arguments.path)
    page = Page()
    for name in would_go(orchestration, wanted):
        page.line(f"erase  {name}")
    if arguments.dry_run:
        return 0
    _require_name(wanted, yes=arguments.yes)
    with session(orchestration, Terms("purge"), Permission()) as this:
        purged = purge(this, wanted)
        end(this, RunWord.PARTLY if purged.unproven else RunWord.RECOVERED)
    if not purged.gone:
        page.line(f"the vault does not hold {wanted}")
    for one in purged.gone:
        page.line(f"erased  {one}")
    for one in purged.unproven:
        page.line(f"not proven to be gone: {one}")
    page.line(f"a run that needs {wanted} can no longer be taken back whole")
    return 1 if purged.unproven else 0


def _require_name(wanted: Purge, *, yes: bool) -> None:
    if yes:
        return
    question = f"This cannot be taken back. Type {wanted} to erase it for good"
    if not is_terminal() or typed(question) != str(wanted):
        raise RefusedError(
            "erasing has to be asked for by name, or with --yes; nothing was changed"
        )
