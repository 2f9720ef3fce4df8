"""Observe, and ask Git the same the slow way."""

import os
import subprocess
from pathlib import Path

from tests.world import Workstream, World
from unjam.adapters.git.observing.facts import GitFacts, ObserveRequest
from unjam.adapters.git.observing.observe import observe
from unjam.adapters.git.repository import find_repository
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import Template
from unjam.domain.world.snapshot import Branch, Unsaved, Worktree

OWNER = Template("ws/{workstream}/{agent}").owner


ALL = frozenset(WorkstreamId(f"ws-{number}") for number in range(10))


def look(
    repo: Path,
    *,
    only: frozenset[str] | None = None,
    prove: frozenset[WorkstreamId] | None = None,
    changed: frozenset[WorkstreamId] = frozenset(),
) -> GitFacts:
    """Observe a repository of the reference layout."""
    request = ObserveRequest(owner=OWNER, only=only, prove=prove, changed=changed)
    return observe(find_repository(repo), request)


def branch_of(facts: GitFacts, workstream: str) -> Branch:
    """The only branch of a workstream."""
    (found,) = [one for one in facts.branches if one.workstream == workstream]
    return found


def worktree_of(facts: GitFacts, name: str) -> Worktree:
    """The worktree of this name."""
    (found,) = [one for one in facts.worktrees if one.name == name]
    return found


def asked(tree: Path) -> dict[str, set[str]]:
    """What `git status` says, in the words of Unsaved."""
    found: dict[str, set[str]] = {
        name: set() for name in ("staged", "modified", "deleted", "untracked", "conflicted")
    }
    said = subprocess.run(
        ("git", "status", "--porcelain=v2", "-z", "--no-renames"),
        cwd=tree,
        capture_output=True,
        check=True,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    for record in os.fsdecode(said.stdout).split("\0"):
        match record[:2]:
            case "? ":
                found["untracked"].add(record[2:])
            case "u ":
                found["conflicted"].add(record.split(" ", 10)[10])
            case "1 ":
                path = record.split(" ", 8)[8]
                if record[2] != ".":
                    found["staged"].add(path)
                if record[3] != ".":
                    found["deleted" if record[3] == "D" else "modified"].add(path)
            case _:
                assert not record, record
    return found


def told(unsaved: Unsaved) -> dict[str, set[str]]:
    """What we say, in the same form."""
    return {
        name: set(getattr(unsaved, name))
        for name in ("staged", "modified", "deleted", "untracked", "conflicted")
    }


def clean(world: World) -> Workstream:
    return world.workstream("ws-1").worktree().commits({"one.py": "1\n"})


def seen_in(world: World, name: str = "agent-1-ws-1") -> Worktree:
    return worktree_of(look(world.repo), name)
