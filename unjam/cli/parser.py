"""What can be typed."""

import argparse
from datetime import timedelta
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from unjam import __version__
from unjam.cli.say import shown
from unjam.domain.catalogue.scenarios import SCENARIOS

if TYPE_CHECKING:
    from unjam.domain.world.identity import Scenario

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=365)
_LAST_PORT = 65_535
_EXITS = (
    "exit status: 0 healthy, recovered or nothing to do; 1 findings exist or remain; 2 wrong usage; "
    "3 refused for safety; 70 a bug in unjam; 130 interrupted"
)


class _OneLine(argparse.ArgumentParser):
    """Says in one line what is wrong, and where to read on."""

    def error(self, message: str) -> NoReturn:
        """End with the exit status of wrong usage."""
        self.exit(2, f"unjam: {shown(message)}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = _OneLine(
        prog="unjam",
        description="Gets stuck multi-agent coding runs moving again, and loses nothing.",
        epilog=_EXITS,
    )
    top.add_argument("--version", action="version", version=f"unjam {__version__}")
    top.set_defaults(repo=Path(), config=None, debug=False)
    _common(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _check(_command(commands, "check", "check", "say what is wrong; change nothing"))
    _recover(
        _command(commands, "recover", "recover", "plan the way out, ask, carry it out, verify")
    )
    _undo(_command(commands, "undo", "undo", "take a run back"))
    _around(commands)
    _command(commands, "history", "history", "list past runs")
    show = _command(commands, "show", "history", "tell one past run")
    show.add_argument("run", metavar="RUN")
    status = _command(commands, "status", "status", "show the progress of the orchestration")
    status.add_argument("--watch", action="store_true", help="stay and follow it")
    _vault(
        _command(
            commands,
            "vault",
            "vault",
            "list, restore, prune or purge what was saved",
            as_json=False,
        )
    )
    _up(
        _command(
            commands,
            "up",
            "up",
            "serve the Prefect UI, every recovery and the watch, on this machine",
            as_json=False,
        )
    )
    _trust(_command(commands, "trust", "trust", "let the repository's own configuration count"))
    init = _command(commands, "init", "init", "write unjam.toml from what is here", as_json=False)
    init.add_argument("--force", action="store_true", help="replace the one that is there")
    demo = _command(
        commands, "demo", "demo", "break a sandbox and recover it before your eyes", as_json=False
    )
    demo.set_defaults(module="demo.command")
    demo.add_argument("scenario", nargs="*", type=_scenario, help="only these; dashes are fine")
    demo.add_argument(
        "--keep", type=Path, metavar="DIR", help="build the sandbox here and leave it"
    )
    return top


_Commands: TypeAlias = "argparse._SubParsersAction[_OneLine]"  # noqa: SLF001 -- argparse names its type so


def _around(commands: _Commands) -> None:
    """Add the procedures before, after and beside a run."""
    _command(commands, "preflight", "preflight", "check what must hold before a run")
    progress = _command(
        commands, "progress", "progress", "say how fast it goes and when it will be done"
    )
    progress.add_argument("--watch", action="store_true", help="stay and follow it")
    postflight = _command(commands, "postflight", "postflight", "check what must hold after a run")
    postflight.add_argument(
        "--no-verify", action="store_true", help="do not run the verify command on the trunk"
    )
    escalate = _command(commands, "escalate", "escalate", "hand what is found over to a person")
    escalate.add_argument("scenario", nargs="*", type=_scenario, help="only these")
    escalate.add_argument(
        "--again", action="store_true", help="even what was handed to a person before"
    )
    _reset(
        _command(commands, "reset", "reset", "the emergency: stop and save everything, begin anew")
    )


def _command(
    commands: _Commands, name: str, module: str, about: str, *, as_json: bool = True
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=_EXITS
    )
    made.set_defaults(module=f"cli.{module}")
    _common(made)
    if as_json:
        made.add_argument("--json", action="store_true", help="print one JSON document")
    return made


def _common(command: argparse.ArgumentParser) -> None:
    """Take these before the command's name or behind it."""
    unset: Any = argparse.SUPPRESS
    command.add_argument(
        "--repo", type=Path, default=unset, metavar="PATH", help="the repository, if not here"
    )
    command.add_argument(
        "--config",
        type=_from_here,
        default=unset,
        metavar="FILE",
        help="instead of the repository's unjam.toml",
    )
    command.add_argument(
        "--debug", action="store_true", default=unset, help="show where an error came from"
    )


def _from_here(text: str) -> Path:
    """Read a path that still leads there when the current directory is another."""
    return Path(text).absolute()


def _digest(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("needs the digest that --dry-run prints, and it is empty")
    return text


def _scenario(text: str) -> "Scenario":
    found = next((one for one in SCENARIOS if one == text.replace("-", "_")), None)
    if found is None:
        known = ", ".join(SCENARIOS)
        raise argparse.ArgumentTypeError(f"unknown scenario {text!r}; known: {known}")
    return found


def _check(check: argparse.ArgumentParser) -> None:
    check.add_argument("scenario", nargs="*", type=_scenario, help="only these; dashes are fine")
    check.add_argument(
        "--picture", type=Path, metavar="FILE", help="draw who waits for whom, as SVG"
    )


def _recover(recover: argparse.ArgumentParser) -> None:
    recover.add_argument("scenario", nargs="*", type=_scenario, help="only these; dashes are fine")
    recover.add_argument(
        "--workstream", action="append", metavar="WS", help="only this one; repeatable"
    )
    for option in (one for row in SCENARIOS.values() for one in row.options):
        if option.names_workstreams:
            recover.add_argument(
                f"--{option.name}", action="append", metavar="WS", help=option.help
            )
        else:
            recover.add_argument(f"--{option.name}", action="store_true", help=option.help)
    recover.add_argument("--dry-run", action="store_true", help="only show the plan")
    recover.add_argument(
        "--plan",
        type=_digest,
        metavar="DIGEST",
        help="go ahead with exactly the plan that was seen",
    )
    recover.add_argument(
        "--yes", action="store_true", help="go ahead with every step the policy asks about"
    )


def _undo(undo: argparse.ArgumentParser) -> None:
    undo.add_argument("run", metavar="RUN", help="as `unjam history` names it")
    undo.add_argument("--dry-run", action="store_true", help="only show what would be taken back")
    undo.add_argument("--yes", action="store_true", help="do not ask")


def _trust(trust: argparse.ArgumentParser) -> None:
    how = trust.add_mutually_exclusive_group()
    how.add_argument("--show", action="store_true", help="only show what of it needs to be trusted")
    how.add_argument("--revoke", action="store_true", help="forget that it was trusted")
    how.add_argument(
        "--digest", type=_digest, metavar="DIGEST", help="trust exactly the content that was seen"
    )
    how.add_argument("--yes", action="store_true", help="do not ask")


def _reset(reset: argparse.ArgumentParser) -> None:
    reset.add_argument(
        "--name", metavar="NAME", help="the repository's, so that it is the one meant"
    )
    reset.add_argument("--dry-run", action="store_true", help="only show the plan")
    reset.add_argument(
        "--plan",
        type=_digest,
        metavar="DIGEST",
        help="go ahead with exactly the plan that was seen",
    )
    reset.add_argument("--yes", action="store_true", help="go ahead with whatever the plan is")


def _up(up: argparse.ArgumentParser) -> None:
    up.add_argument("--port", type=_port, default=4200, metavar="N", help="of UI and API (4200)")
    up.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="to be reached from elsewhere, too; needs a password",
    )
    up.add_argument(
        "--auth-file",
        type=_from_here,
        metavar="FILE",
        help="holds user:password; or set PREFECT_SERVER_API_AUTH_STRING",
    )
    up.add_argument(
        "--repos",
        type=Path,
        nargs="+",
        action="extend",
        metavar="PATH",
        help="watch these repositories, or those that a file lists; else UNJAM_REPOS, else this one",
    )
    up.add_argument(
        "--every",
        type=_interval,
        default=timedelta(minutes=5),
        metavar="TIME",
        help="look that often, such as 30s or 10m (5m)",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"no port: {text!r}")
    return int(text)


def _interval(text: str) -> timedelta:
    every = _duration(text)
    if not _SHORTEST <= every <= _LONGEST:
        raise argparse.ArgumentTypeError("look every 1s at most, and every 365d at least")
    return every


def _duration(text: str) -> timedelta:
    from unjam.settings.units import duration

    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _vault(vault: argparse.ArgumentParser) -> None:
    actions = vault.add_subparsers(dest="action", required=True, metavar="list|restore|prune|purge")
    listing = actions.add_parser("list", help="list what is kept")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    restore = actions.add_parser("restore", help="bring back what was saved")
    restore.add_argument("name", metavar="REF", help="a vault ref, as `unjam vault list` names it")
    where = restore.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", type=Path, metavar="DIR", help="into a new directory, byte for byte")
    where.add_argument("--branch", metavar="NAME", help="as a new branch holding its files")
    where.add_argument("--in-place", action="store_true", help="into the checkout it came from")
    prune = actions.add_parser(
        "prune", help="drop what is provably redundant, or older than vault.keep"
    )
    prune.add_argument("--yes", action="store_true", help="do not ask")
    prune.add_argument("--dry-run", action="store_true", help="only show what would go")
    purge = actions.add_parser("purge", help="erase a path or a run from everything, for good")
    what = purge.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--path",
        type=PurePath,
        metavar="PATH",
        help="a file or directory: below any worktree, or absolute, of one",
    )
    what.add_argument("--run", metavar="RUN", help="all that a run saved")
    purge.add_argument("--yes", action="store_true", help="do not ask for its name")
    purge.add_argument("--dry-run", action="store_true", help="only show what would go")
