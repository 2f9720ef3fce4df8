"""``unjam trust``: let a repository's own configuration count, as it is now."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from unjam.cli.say import Page, as_json, ask, is_terminal, shown
from unjam.domain.world.words import printable
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.errors import RefusedError
from unjam.settings.load import holds_same
from unjam.settings.render import toml_value
from unjam.settings.trust import Own, revoke, trust

if TYPE_CHECKING:
    from unjam.domain.reports.check_report import Document

_SHOWN = 16  # characters of a digest


def run(arguments: argparse.Namespace) -> int:
    """Return 0; 3 when a person does not agree, cannot be asked, or saw another content."""
    own = open_orchestration(arguments.repo, arguments.config, standing=True).own
    if own is None:
        none = "there is no configuration in this repository"
        why = "a file outside of every repository counts since you name it"
        nothing = f"nothing to trust: {why if arguments.config else none}"
        as_json({"schema": 1, "file": None}) if arguments.json else Page().line(nothing)
        return 0
    told = "" if arguments.show else _revoked(own) if arguments.revoke else _agreed(own, arguments)
    if arguments.json:
        now = open_orchestration(arguments.repo, arguments.config, standing=True).own or own
        as_json(document(now) | {"done": told or None})
    elif arguments.show:
        _show(own)
    else:
        Page().line(told)
    return 0


def opened(arguments: argparse.Namespace) -> Orchestration:
    """Open the orchestration that is to be acted upon; raises RefusedError while a setting is held.

    A person at a terminal is shown what is held and asked. ``--yes`` answers for what is on the
    trunk, and for nothing that merely lies there: that can be anybody's.
    """
    orchestration = open_orchestration(arguments.repo, arguments.config)
    held = orchestration.held
    if held is None:
        return orchestration
    if getattr(arguments, "yes", False) and _is_on_trunk(orchestration, held):
        _tell_what_yes_trusts(held)
    else:
        if getattr(arguments, "json", False) or not is_terminal():
            orchestration.require_trust()
        _show(held)
        if not ask("Trust it as it is now?"):
            orchestration.require_trust()
    trust(held)
    again = open_orchestration(arguments.repo, arguments.config)
    again.require_trust()  # it may be another by now
    return again


def opened_to_look(arguments: argparse.Namespace) -> Orchestration:
    """Open an orchestration of which nothing is changed; on standard error, say what is held."""
    orchestration = open_orchestration(arguments.repo, arguments.config)
    if orchestration.held is not None:
        sys.stderr.write(f"unjam: {shown(orchestration.held.sentence)}\n")
    return orchestration


def _is_on_trunk(orchestration: Orchestration, own: Own) -> bool:
    """Tell whether the trunk's tip holds just this content at just this place."""
    if own.file.parent != orchestration.primary:
        return False
    from unjam.engine.observing.observe import content_on_trunk

    content = content_on_trunk(orchestration, own.file.name)
    return content is not None and holds_same(own, content)


def _tell_what_yes_trusts(own: Own) -> None:
    told = ", ".join(f"{name} = {_value(name, value)}" for name, value in own.needs)
    sentence = f"--yes trusts {own.file} as it is on the trunk: {told}"
    sys.stderr.write(f"unjam: {shown(sentence)}\n")


def document(own: Own) -> "Document":
    """Describe a configuration: what of it needs to be trusted, and whether it is."""
    return {
        "schema": 1,
        "file": printable(str(own.file)),
        "digest": own.digest[:_SHOWN],
        "trusted": own.trusted or None,
        "needs_trust": {name: json.loads(_value(name, value)) for name, value in own.needs},
    }


def _agreed(own: Own, arguments: argparse.Namespace) -> str:
    """Trust it, if a person agrees to just this content; return what was done."""
    seen = own.digest[:_SHOWN]
    if arguments.digest not in (None, seen):
        raise RefusedError(f"{own.file} has changed: its digest is now {seen}; look at it again")
    if not (arguments.yes or arguments.digest):
        if arguments.json or not is_terminal():
            raise RefusedError(
                "nobody is at a terminal to say yes: look at it with --show, "
                f"then use --digest {seen}, or --yes"
            )
        _show(own)
        if not ask("Trust it as it is now?"):
            raise RefusedError("nothing was trusted")
    trust(own)
    return f"trusted {own.file} as it is now; a change is asked about anew"


def _revoked(own: Own) -> str:
    done = revoke(own)
    by_place = f"; {own.repository} lies in a place that you trust" * (own.trusted == "place")
    return (f"forgot {own.file}" if done else f"{own.file} was not remembered") + by_place


def _show(own: Own) -> None:
    """Print what a file would let unjam do beyond what is allowed without it."""
    page = Page()
    page.line(f"{own.file}, digest {own.digest[:_SHOWN]}", "bold")
    for name, value in own.needs:
        page.line(f"    {name} = {_value(name, value)}", "yellow")
    if not own.needs:
        page.line("    nothing in it needs to be trusted", "dim")
    elif own.trusted:
        page.line(f"trusted by its {own.trusted}", "green")
    else:
        page.line("not trusted: none of this is in force")


def _value(name: str, value: object) -> str:
    return toml_value(name.rpartition(".")[2], value)
