"""Several clones on one state, each with agents of its own that live."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.recovering import recover_in
from tests.world import Program, Workstream, World, git
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.request import Request
from unjam.engine.orchestration import open_orchestration

ALL_OF_A = {"ws-21", "ws-22", "ws-23"}
AGENT = "import time; time.sleep(600)"


def working(
    world: World, name: str, start: Callable[..., Program], agent: str = "agent-1"
) -> Workstream:
    """A workstream whose agent is at work, with something it has not committed."""
    stream = world.workstream(name, agent).worktree().row("running")
    stream.leaves({"draft.txt": f"{name} goes on\n"})
    start(sys.executable, "-c", AGENT, cwd=stream.tree)
    return stream


def clone_of(world: World, root: Path, state: str | Path | None = None) -> World:
    """Clone a world as a colleague does; the state it is configured to use is the other's."""
    other = World(root, remote=False)
    other.configure(
        orchestration={"state": str(state or world.state.path)}, policy={"restart": "off"}
    )
    other.state = world.state
    git("remote", "add", "colleague", str(world.repo), cwd=other.repo)
    return other


def recover_named(repo: Path, request: Request) -> Document:
    """Recover what a person has named, with everything approved."""
    named = request.discard | request.elsewhere
    return recover_in(open_orchestration(repo), replace(request, workstreams=named))
