"""Worlds with agents that hang: rows that are hours old, and nothing that has changed since."""

import os
import subprocess
import time
from datetime import timedelta
from pathlib import Path

from tests.recovering import recover
from tests.world import Workstream, World, fair
from tests.world.hanging import Stage
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.reports.check_report import Document
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import Scenario
from unjam.engine.observing.observe_closely import observe_closely
from unjam.engine.orchestration import open_orchestration

PATIENCE = 1.5  # seconds; an hour in life
HANG = (Scenario("agent_hang"),)


def impatient(world: World, **hang: str) -> World:
    """Let a second and a half of silence count as an hour does."""
    world.configure(hang={"after": f"{PATIENCE}s", "interval": f"{fair(0.5)}s", **hang})
    return world


def ordered(world: World, name: str, agent: str = "agent-1") -> Workstream:
    """A workstream whose row has said for hours that it runs, with unsaved work in its worktree."""
    stream = world.workstream(name, agent).worktree().row("running", age=timedelta(hours=2))
    return stream.leaves({"draft.txt": f"the draft of {name}\n"})


def hung(scene: Stage, stream: Workstream, kind: str) -> subprocess.Popen[bytes]:
    """Put an agent of this kind to work, and let the patience pass."""
    process = scene.start(kind, stream.tree)
    silence(stream.tree)
    return process


def silence(*trees: Path) -> None:
    """Let everything in these worktrees be old, and whoever works there too."""
    for tree in trees:
        for path in (tree, *tree.rglob("*")):
            os.utime(path, (1_000_000, 1_000_000), follow_symlinks=False)
    time.sleep(PATIENCE)  # its age is what is looked at, and nothing makes that go faster


def found(world: World) -> tuple[Finding, ...]:
    """What an observation of now finds of hangs."""
    return diagnose(observe_closely(open_orchestration(world.repo)), HANG)


def verdicts(world: World) -> dict[str, str]:
    """The verdict on every workstream that is reported."""
    return {str(ws): verdict for one in found(world) for ws, verdict in one.verdicts}


def recovered_from_hang(world: World) -> Document:
    """Recover from hangs alone, and expect that none is left."""
    document = recover(world.repo, HANG)
    incomplete = document["word"] == "partly recovered" and document["incomplete"]
    assert document["word"] == "recovered" or (incomplete and not document["findings_after"]), (
        document
    )
    return document


def alive(process: subprocess.Popen[bytes]) -> bool:
    """Whether it lives, be it stopped."""
    return process.poll() is None
