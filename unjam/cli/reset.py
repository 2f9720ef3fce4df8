"""``unjam reset``: the emergency; shows what goes, asks for the repository's name, begins with nothing."""

import argparse

from unjam.cli.launch import Launcher
from unjam.cli.recover import (
    exit_status,
    print_outcomes,
    print_plan,
    refuse_stale,
)
from unjam.cli.say import Page, as_json, is_terminal, typed
from unjam.cli.trust import opened
from unjam.domain.steps.outcome import RunWord
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.reset import preview_reset, refuse_unless_named
from unjam.errors import RefusedError


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when nothing is left but the trunk, 1 when something is, 3 when refused."""
    orchestration = opened(arguments)
    prepared, policy, is_owed = preview_reset(orchestration)
    document = prepared.described(policy)
    if not arguments.json:
        print_plan(document)
    if not arguments.dry_run and (prepared.plan.steps or is_owed):
        refuse_stale(arguments, prepared.plan)
        launcher = Launcher().start()
        name = _name(arguments, orchestration)
        document = launcher.run(
            "flows.reset:reset",
            repo=orchestration.primary,
            name=name,
            approval={"plan": prepared.plan.digest},
            config=arguments.config,
        )
        if not arguments.json:
            print_outcomes(document)
    if arguments.json:
        as_json(document)
    elif document["word"] != RunWord.PLANNED:
        Page().line(document["word"], "bold")
    return exit_status(document)


def _name(arguments: argparse.Namespace, orchestration: Orchestration) -> str:
    """Return the name a person typed; raises RefusedError where it is another, or there is none."""
    name = orchestration.primary.name
    if arguments.name is not None:
        refuse_unless_named(orchestration, arguments.name)
    allowed = arguments.yes or arguments.plan is not None
    if allowed and arguments.name is not None:
        return name
    if not is_terminal():
        raise RefusedError(
            f"a reset has to be asked for by name: look at it with --dry-run, then add "
            f"--name {name} and --plan DIGEST or --yes"
        )
    if typed(f"Everything above goes into the vault. Type the repository's name ({name})") != name:
        raise RefusedError(f"that is not {name}; nothing was changed")
    return name
