#!/usr/bin/env python3
"""A coding agent that does exactly what its spec's ``script`` says, in the current directory.

A script is a list of actions, each ``[verb, argument…]``; ``tests.world.script`` writes them.
Standard library only: it runs under whatever interpreter started the orchestrator.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BEAT = 0.01  # seconds between two looks at the world


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def append(name: str, text: str) -> None:
    with Path(name).open("a") as file:
        file.write(text)


def delete(name: str) -> None:
    Path(name).unlink()


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def commit(message: str) -> None:
    git("add", "--all")
    git("commit", "--message", message)


def reach(marker: str) -> None:
    Path(marker).touch()


def wait_for(marker: str) -> None:
    while not Path(marker).exists():
        time.sleep(BEAT)


def keep_writing(name: str) -> None:
    number = 0
    while True:
        append(name, f"line {number}\n")
        number += 1
        time.sleep(BEAT)


def hang() -> None:
    while True:
        time.sleep(60)


def leave(status: str) -> None:
    sys.stderr.write("the agent gave up\n")
    sys.exit(int(status))


VERBS: dict[str, Callable[..., None]] = {
    "write": write,
    "append": append,
    "delete": delete,
    "git": git,
    "commit": commit,
    "reach": reach,
    "wait_for": wait_for,
    "keep_writing": keep_writing,
    "hang": hang,
    "exit": leave,
}


def main() -> None:
    """Carry out the script of the spec named by --spec."""
    spec = json.loads(Path(sys.argv[sys.argv.index("--spec") + 1]).read_text())
    for verb, *arguments in spec.get("script", []):
        VERBS[verb](*arguments)


if __name__ == "__main__":
    main()
