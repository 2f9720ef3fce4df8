"""A command that did not get as far as testing says nothing of what was to be tested."""

import subprocess
import sys
from pathlib import Path

import pytest

from unjam.adapters.runner import why_not_tried

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
FAILS = "def test_it(): assert 0\n"
IMPORTS = "import no_such_thing\n"

# command, the test file's text, and what is said of it; nothing: that is for the tree to answer.
COMMANDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a module that is not installed": (
        (sys.executable, "-m", "no_such_runner", "-q"),
        FAILS,
        "the Python that it runs has no module no_such_runner",
    ),
    "the same behind a shell": (
        ("sh", "-c", f"{sys.executable} -m no_such_runner"),
        FAILS,
        "the Python that it runs has no module no_such_runner",
    ),
    "a word that no shell knows": (("sh", "-c", "pytset -q"), FAILS, "not found"),
    "an option that pytest does not know": ((*PYTEST, "--qiuet"), FAILS, "--qiuet"),
    "no test at all": (PYTEST, "", "it found no tests"),
    "a test that fails": (PYTEST, FAILS, ""),
    "a test that cannot be loaded": (PYTEST, IMPORTS, ""),
    "a program that fails": (("sh", "-c", "exit 1"), FAILS, ""),
}


@pytest.mark.parametrize(("command", "text", "said"), COMMANDS.values(), ids=COMMANDS)
def test_it_is_told_from_a_test_that_fails(
    tmp_path: Path, command: tuple[str, ...], text: str, said: str
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(text)
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )

    found = why_not_tried(command, ran.returncode, ran.stdout)

    assert said in found if said else found == ""
