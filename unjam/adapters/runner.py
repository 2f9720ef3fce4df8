"""Ask a test runner for certain tests, and for a report of what each said.

pytest is known. Of any other runner the whole command is run, and its report is read where the
configuration says that it writes one.
"""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from unjam.errors import UsageError

REPORT = "unjam-report.xml"
_PYTEST = ("pytest", "py.test")
# Named from the checkout, whichever part of it has a configuration of its own; theirs come later.
_PLACED = ("--rootdir=.", "--confcutdir=.")
_ASKED = (
    *("--continue-on-collection-errors", "--maxfail=0", "-p", "no:cacheprovider"),
    *("-o", "junit_family=xunit1"),
)
_CHOOSING = ("-k", "-m")
_MISUSED, _NO_TESTS = 4, 5  # pytest's exit statuses
_NOT_RUN_BY_SHELL = (126, 127)
_SWITCHES = ("-q", "-v", "-vv", "-x", "-s", "-l", "-qq")


@dataclass(frozen=True, slots=True)
class TestOrder:
    """One command to run in a checkout, and where its report will be."""

    command: tuple[str, ...]
    report: Path | None
    environment: tuple[tuple[str, str], ...] = ()
    narrowed: bool = False  # only the tests that were asked for run


def is_pytest(command: Sequence[str]) -> bool:
    """Tell whether a command runs pytest, by itself or as a module."""
    return _starts_pytest(command) is not None


def why_not_tried(command: Sequence[str], status: int | None, said: str) -> str:
    """Say why a command that failed tells nothing of the tree: what runs the tests did not start."""
    last = said.strip().rpartition("\n")[2].strip()
    if missing := missing_module(command, last):
        return f"the Python that it runs has no module {missing}"
    if status in _NOT_RUN_BY_SHELL:
        return last or "the shell did not find it"
    if not is_pytest(command):
        return ""
    if status == _MISUSED:
        told = (line.strip() for line in said.splitlines() if "rror" in line)
        return next((one for one in told if not one.endswith("usage:")), last)
    return "it found no tests" if status == _NO_TESTS else ""


def missing_module(command: Sequence[str], said: str) -> str:
    """Return the module that Python was to run and does not have, by what it said last."""
    found = re.search(r"No module named '?([\w.]+)", said)
    named = found[1].partition(".")[0] if found else ""
    asked = re.findall(r"-m\s+(\w+)", " ".join(command))
    return named if named in asked else ""


def order(
    command: Sequence[str], junit: str | None, checkout: Path, beside: Path, tests: Sequence[str]
) -> TestOrder:
    """Say what to run in a checkout for these tests, or for all; ``beside`` takes pytest's report."""
    at = _starts_pytest(command)
    if at is None:
        return TestOrder(tuple(command), _below(checkout, junit) if junit else None)
    report = beside / REPORT
    options = list(command[at + 1 :])
    if tests:
        options = [one for n, one in enumerate(options) if not _is_place(options, n, checkout)]
    asked = (*_PLACED, *options, *_ASKED, f"--junitxml={report}", *tests)
    words = (*command[: at + 1], *asked)
    return TestOrder(words, report, _environment(checkout), bool(tests))


def wall_off(beside: Path) -> None:
    """Keep pytest from looking above the checkouts in a directory: a tree without a configuration has none.

    Up there is the person's own checkout, at another commit, with its configuration and fixtures.
    """
    (beside / "pytest.ini").write_text("[pytest]\n")


def present(tests: Sequence[str], checkout: Path) -> tuple[str, ...]:
    """Leave out tests whose files are not there: pytest runs nothing at all when asked for one."""
    return tuple(one for one in tests if (checkout / test_file_of(one)).is_file())


def test_file_of(test: str) -> PurePath:
    """Name the file of one of pytest's tests."""
    return PurePosixPath(test.partition("::")[0])


def acceptance(told: str, verify: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...] | None:
    """Return the command of a spec's acceptance test; None where it may not be started.

    A spec is anybody's to write: of pytest it chooses tests, and the configuration how it is started.
    """
    try:
        words = shlex.split(told)
    except ValueError:
        return None
    if not words:
        return None
    at, start = _starts_pytest(words), _starts_pytest(verify)
    if len(words) == 1 and test_file_of(words[0]).suffix == ".py":
        at = -1
    if at is not None and start is not None and _PYTEST[0] in allowed:
        asked = words[at + 1 :]
        return (*verify[: start + 1], *_PLACED, *asked) if _only_chooses(asked) else None
    return tuple(words) if words[0] in allowed and at is None else None


def _only_chooses(asked: Sequence[str]) -> bool:
    """Tell options and places that say which tests run, and nothing of how."""
    options = iter(asked)
    for word in options:
        if word in _CHOOSING:
            next(options, None)
        elif word.startswith("-"):
            if word not in _SWITCHES:
                return False
        elif test_file_of(word).is_absolute() or ".." in test_file_of(word).parts:
            return False
    return True


def _below(checkout: Path, junit: str) -> Path | None:
    """Return where a report will be; None where a link in the checkout leads out of it.

    Raises UsageError for a path that is not the checkout's: trials would share it.
    """
    named = PurePath(junit)
    if named.is_absolute() or ".." in named.parts:
        raise UsageError(f"verify.junit = {junit!r}: name a path below the checkout")
    report = checkout / named
    return report if report.parent.resolve().is_relative_to(checkout.resolve()) else None


def _starts_pytest(command: Sequence[str]) -> int | None:
    """Return where pytest is named, with its options behind it."""
    for at, word in enumerate(command):
        named = PurePath(word).name in _PYTEST
        if named and (at == 0 or command[at - 1] == "-m" or not word.startswith("-")):
            return at
    return None


def _is_place(options: Sequence[str], at: int, checkout: Path) -> bool:
    """Tell a directory or file of tests from an option and from what an option takes."""
    word = options[at]
    if word.startswith("-") or not (checkout / word.partition("::")[0]).exists():
        return False
    before = options[at - 1] if at else ""
    return not before.startswith("-") or before in _SWITCHES or "=" in before


def _environment(checkout: Path) -> tuple[tuple[str, str], ...]:
    """Import the checkout's own code first: an editable install names the person's checkout."""
    places = [str(one) for one in (checkout / "src", checkout) if one.is_dir()]
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([*places, *([inherited] if inherited else [])])
    return (("PYTHONPATH", path), ("PYTHONDONTWRITEBYTECODE", "1"))
