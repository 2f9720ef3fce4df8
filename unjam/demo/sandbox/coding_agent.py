#!/usr/bin/env python3
"""A coding agent: carries out the script of its spec, in the worktree it was started in.

It is a program of the sandbox that `unjam demo` breaks, and no part of unjam.
"""

import json
import os
import socket
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business
import sys
import time
from collections.abc import Callable
from pathlib import Path

BEAT = 0.02  # seconds
THOUGHT = 0.15  # seconds before every action
LIFE = 300  # seconds; nothing of a sandbox outlives a demonstration for long
MARKERS = Path.cwd().parents[2] / "markers"  # sandbox/shop/.worktrees/<agent>-<workstream>


def write(name: str, *lines: str) -> None:
    """Write a file, and what leads to it."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("".join(f"{line}\n" for line in lines))


def append(name: str, *lines: str) -> None:
    """Go on with a file."""
    with Path(name).open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def stage(name: str) -> None:
    """Put a file into the index and no further."""
    git("add", "--", name)


def commit(message: str) -> None:
    """Commit everything there is; an earlier attempt may have left nothing to do."""
    git("add", "--all")
    staged = ("git", "diff", "--cached", "--quiet")
    if subprocess.run(staged, check=False, stdin=subprocess.DEVNULL).returncode:
        git("commit", "--quiet", "--message", message)


def git(*arguments: str) -> None:
    """Run Git here."""
    subprocess.run(("git", *arguments), check=True, stdin=subprocess.DEVNULL)


def reach(marker: str) -> None:
    """Tell how far it came, and as which process."""
    (MARKERS / f"{marker}.new").write_text(str(os.getpid()))
    (MARKERS / f"{marker}.new").rename(MARKERS / marker)


def wait_for(marker: str) -> None:
    """Wait until somebody gives the word; who is started again does not wait again."""
    until = time.monotonic() + LIFE
    while not (MARKERS / marker).exists() and time.monotonic() < until:
        time.sleep(BEAT)


def keep_writing(name: str) -> None:
    """Write on and on, whoever still listens; who is started again does not write on."""
    if (MARKERS / f"wrote {name}").exists():
        return
    (MARKERS / f"wrote {name}").touch()
    for number in range(int(LIFE / BEAT)):
        append(name, f"# thought {number}")
        time.sleep(BEAT)


def ask_model(marker: str) -> None:
    """Ask the model, and wait for what it says; it may never say anything."""
    port = int((MARKERS / "model").read_text())
    with socket.create_connection(("127.0.0.1", port)) as model:
        model.sendall(b"What next?")
        reach(marker)
        model.recv(1)


def compile_silently(marker: str) -> None:
    """Let a compiler work that says nothing for long."""
    reach(marker)
    subprocess.run(("timeout", str(LIFE), "sh", "-c", "while :; do :; done"), check=False)


VERBS: dict[str, Callable[..., None]] = {
    "write": write,
    "append": append,
    "stage": stage,
    "commit": commit,
    "reach": reach,
    "wait_for": wait_for,
    "keep_writing": keep_writing,
    "ask_model": ask_model,
    "compile_silently": compile_silently,
}


def main() -> None:
    """Carry out the spec named by --spec."""
    for verb, *arguments in json.loads(Path(sys.argv[sys.argv.index("--spec") + 1]).read_text())[
        "script"
    ]:
        time.sleep(THOUGHT)
        VERBS[verb](*arguments)


if __name__ == "__main__":
    main()
