"""A calm ground on which everything holds, and what differs from it."""

from collections.abc import Iterable
from dataclasses import replace

from tests.domain.build import REPO, snapshot
from unjam.domain.readiness.checks import Checked
from unjam.domain.readiness.prerequisites import (
    Prerequisites,
    RemoteStanding,
    StateFile,
    Tools,
    WorktreesPlace,
)
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Branch, Process, Row, Snapshot, Spec, Worktree
from unjam.domain.world.truth import Truth

PLACE = WorktreesPlace(REPO / ".worktrees", free=10**10, inodes=10**6)
TOOLS = Tools(("pytest", "/bin/pytest"), ("resume", "/bin/resume"), ("aider",), identity=True)
GROUND = Prerequisites(
    PLACE,
    TOOLS,
    RemoteStanding.SAME,
    "it does not answer",
    enough=10**9,
    refs=frozenset({"refs/heads/main"}),
    state=StateFile("wal", Truth.YES),
)


def spec(ws: str, *needs: str, scope: tuple[str, ...] = ()) -> Spec:
    needed = tuple(map(WorkstreamId, needs))
    return Spec(WorkstreamId(ws), REPO / f"workstreams/{ws}.json", needed, scope)


def world(*parts: Row | Branch | Worktree | Process, **more: object) -> Snapshot:
    return replace(snapshot(*parts), **more)  # type: ignore[arg-type]


def ground(**more: object) -> Prerequisites:
    return replace(GROUND, **more)  # type: ignore[arg-type]


def lines(checks: Iterable[Checked], name: str) -> list[str]:
    """What is said under one name, a line each, with what to type."""
    return [
        f"{one.word}: {one.sentence}" + (f" [{one.advice}]" if one.advice else "")
        for one in checks
        if one.name == name
    ]
