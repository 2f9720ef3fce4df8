"""The command line. Every command is a module of its own and is imported when it is asked for."""

import gc
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
    # To begin is to import much and drop nothing of it: collecting garbage meanwhile costs a tenth.
    gc.set_threshold(100_000, 50, 100)
    try:
        command = importlib.import_module(f"unjam.{arguments.module}")
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
        return _say_refused(error) if isinstance(error, RefusedError) else _say_error(error)
    except Exception as error:  # noqa: BLE001 -- the last border before a person
        return _bug(error)
    finally:
        gc.freeze()  # at the end everything goes anyway
    return status


def _say_error(error: UnjamError) -> int:
    return _say(str(error), USAGE if isinstance(error, UsageError) else FOUND)


def _say_refused(error: RefusedError) -> int:
    """Show both sides where there are two, each on a line of its own."""
    _say(error.headline, REFUSED)
    for side in error.sides:
        first, *further = side.split("\n")
        sys.stderr.write(f"  {shown(first)}\n")
        sys.stderr.writelines(f"    {shown(line)}\n" for line in further)
    return REFUSED


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
