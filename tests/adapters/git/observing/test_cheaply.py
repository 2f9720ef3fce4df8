"""However large the fleet, Git is started a few times; and a child that fails costs no answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.git.observing import forking
from tests.adapters.git.observing.looking import look
from tests.command import environment
from tests.world import World, git


def _fleet(world: World, size: int) -> None:
    for number in range(size):
        one = world.workstream(f"ws-{number}").worktree().commits({f"{number}.py": "1\n"})
        (one.tree / "src" / "app.py").write_text("staged\n")
        git("add", "--all", cwd=one.tree)
        (one.tree / "untracked.py").write_text("1\n")


def test_the_number_of_processes_does_not_grow_with_the_fleet(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = tmp_path / "counted"
    shim = tmp_path / "bin" / "git"
    real = os.environ["PATH"]
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho >> "{counted}"\nPATH="{real}" exec git "$@"\n')
    shim.chmod(0o755)

    def processes() -> int:
        counted.write_text("")
        with monkeypatch.context() as patched:
            patched.setenv("PATH", f"{shim.parent}:{real}")
            look(world.repo)
        return len(counted.read_text().splitlines())

    _fleet(world, 2)
    few = processes()
    for number in range(2, 12):
        world.workstream(f"ws-{number}").worktree().commits({f"{number}.py": "1\n"})
        world.workstream(f"ws-{number}").leaves({"untracked.py": "1\n"})
    for number, version in ((2, "4"), (3, "4"), (4, "2")):
        tree = world.workstream(f"ws-{number}").tree
        git("update-index", "--index-version", version, cwd=tree)
        if number > 2:
            conflict_in(tree)

    assert processes() == few
    assert few < 25


def conflict_in(tree: Path) -> None:
    """Leave a merge that conflicts."""
    blob = git("rev-parse", "HEAD:src/app.py", cwd=tree)
    sides = "".join(f"100644 {blob} {side}\tsrc/app.py\n" for side in (1, 2, 3))
    gone = f"0 {blob}\tsrc/app.py\n"
    git("update-index", "--index-info", cwd=tree, stdin=gone + sides)


@pytest.mark.parametrize("claim", forking.ALL)
def test_in_a_process_with_one_thread(world: World, claim: str) -> None:
    _fleet(world, 3)
    command = [sys.executable, "-m", forking.__name__, claim]

    ended = subprocess.run(
        command, cwd=world.repo, env=environment(), capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
