"""Say whose directory a stray was, by its name, and which branch its files belong to."""

from collections.abc import Iterable
from dataclasses import replace

from unjam.adapters.git.observing.facts import GitFacts
from unjam.domain.damage import StrayKind
from unjam.domain.naming import Owner, Template
from unjam.domain.snapshot import AgentId, Spec, State, Stray
from unjam.engine.orchestration import Orchestration


def strays_with_owners(
    orchestration: Orchestration, facts: GitFacts, state: State, ordered: Iterable[Spec]
) -> tuple[Stray, ...]:
    """Return the strays, each with its workstream; only a lost worktree has a branch."""
    if not facts.strays:
        return ()
    known = {row.workstream for row in state.rows} | {spec.workstream for spec in ordered}
    known |= {branch.workstream for branch in facts.branches}
    agents = {AgentId(one) for one in (row.agent for row in state.rows) if one}
    template = Template(orchestration.settings.orchestration.worktree_name)
    taken = {one.branch for one in (facts.primary, *facts.worktrees)}

    def owned(stray: Stray) -> Stray:
        owner = template.owner_among(stray.path.name, known, agents)
        if owner is None:
            return stray
        branch = _branch_of(owner, facts) if stray.kind is StrayKind.ORPHAN else None
        free = None if branch in taken else branch
        return replace(stray, workstream=owner.workstream, branch=free)

    return tuple(owned(stray) for stray in facts.strays)


def _branch_of(owner: Owner, facts: GitFacts) -> str | None:
    found = (
        one.ref
        for one in facts.branches
        if one.workstream == owner.workstream and owner.agent in (None, one.agent)
    )
    return next(found, None)
