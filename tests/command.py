"""The command line as a person uses it: a process of its own, its streams, its exit status."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def unjam(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    deadline: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run ``unjam`` in a directory and wait for it."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=deadline,
        check=False,
    )


def unjam_json(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Any:
    """Run ``unjam … --json``; the one document on its standard output, whatever the exit status."""
    ended = unjam(*arguments, "--json", cwd=cwd, env=env)
    try:
        return json.loads(ended.stdout)
    except ValueError as error:
        raise AssertionError(
            f"status {ended.returncode}, no JSON:\n{ended.stdout}{ended.stderr}"
        ) from error


def command(*arguments: str | Path) -> list[str]:
    """The words to start it with."""
    return [sys.executable, "-m", "unjam", *(str(one) for one in arguments)]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The sealed environment of the test, in which this checkout is what runs."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
