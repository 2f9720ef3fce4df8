"""The patch that gives an orchestrator's connections a timeout, and leaves all else as it is."""

import subprocess
from pathlib import Path

from unjam.domain.scenarios.shared.busy_timeout import timeout_patch

BEFORE = """import sqlite3

def one(path):
    return sqlite3.connect(path)

def two(path):
    return sqlite3.connect(str(path / "x"), isolation_level=None)

def three(path):
    return sqlite3.connect(path, timeout=60)

last = sqlite3.connect(
    "several lines are left alone"
)"""


def test_every_connection_without_a_timeout_gets_one_and_git_takes_the_patch(
    tmp_path: Path,
) -> None:
    program = tmp_path / "orchestrator.py"
    program.write_text(BEFORE)
    patch = timeout_patch("orchestrator.py", BEFORE)

    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch, text=True, check=True)

    assert program.read_text() == BEFORE.replace(
        "connect(path)", "connect(path, timeout=30)"
    ).replace("isolation_level=None)", "isolation_level=None, timeout=30)")


def test_where_all_have_one_nothing_is_suggested() -> None:
    assert timeout_patch("x.py", "sqlite3.connect(path, timeout = 5)\n") == ""
    assert timeout_patch("x.py", "") == ""
