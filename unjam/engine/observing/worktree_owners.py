"""Say for whom a worktree was made, by the name of its directory, and how its things are called."""

from collections.abc import Collection, Iterable
from pathlib import Path

from unjam.domain.world.identity import AgentId, CommitId, WorkstreamId
from unjam.domain.world.naming import SHORT, Owner, Template
from unjam.domain.world.snapshot import Spec, State
from unjam.engine.orchestration import Orchestration
from unjam.errors import UsageError


class TreeOwners:
    """Knows the ids of the state and of the specs: only those can be part of a name."""

    def __init__(self, orchestration: Orchestration, state: State, ordered: Iterable[Spec]) -> None:
        settings = orchestration.settings.orchestration
        self._known = {row.workstream for row in state.rows}
        self._known |= {spec.workstream for spec in ordered}
        self._agents = {AgentId(one) for one in (row.agent for row in state.rows) if one}
        self._template = Template(settings.worktree_name)
        self._branches = orchestration.branch_template
        self._root = orchestration.below(settings.worktrees)

    def of(self, path: Path, known: Collection[WorkstreamId] = ()) -> Owner | None:
        """Name the owner of a worktree; None if it lies elsewhere, or its name says nothing."""
        if path.parent != self._root:
            return None
        return self._template.owner_among(path.name, self._known.union(known), self._agents)

    def directory(self, owner: Owner | None) -> str | None:
        """Name the directory that is made for an owner, where that can be told."""
        return owner and _named(self._template, owner.workstream, owner.agent)

    def new_branch(self, owner: Owner, commit: CommitId) -> str:
        """Name a branch for commits of an owner that are on none: of its form, and of no other's name."""
        short = commit[:SHORT]
        agent = AgentId(f"{owner.agent}-{short}" if owner.agent else short)
        name = _named(self._branches, owner.workstream, agent) or f"kept-{short}"
        return f"refs/heads/{name}" if short in name else f"refs/heads/{name}-{short}"


def _named(template: Template, workstream: WorkstreamId, agent: AgentId | None) -> str | None:
    try:
        return template.name(workstream, agent or AgentId("agent"))
    except UsageError:
        return None
