"""The command line. Every command is a module of its own and is imported when it is asked for."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from unjam.cli.parser import parser
from unjam.cli.say import shown
from unjam.errors import RefusedError, UnjamError, UsageError

OK, FOUND, USAGE, REFUSED, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error is one line on standard error."""
    arguments = parser().parse_args(argv)
    try:
        command = importlib.import_module(f"unjam.cli.{arguments.module}")
        status: int = command.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return _say("interrupted; run it again to go on, nothing is lost", INTERRUPTED)
    except UnjamError as error:
        if arguments.debug:
            import traceback

            traceback.print_exc()
        return _say(str(error), _status_of(error))
    except Exception as error:  # noqa: BLE001 -- the last border before a person
        return _bug(error)
    return status


def _status_of(error: UnjamError) -> int:
    match error:
        case UsageError():
            return USAGE
        case RefusedError():
            return REFUSED
        case _:
            return FOUND


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"unjam: {shown(' '.join(text.split()))}\n")
    return status


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="unjam-bug-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    name = type(error).__name__
    return _say(f"a bug in unjam: {name}: {error}; the details are in {Path(file.name)}", BUG)
