"""Say whose directory a stray was, by its name, and which branch its files belong to."""

from collections.abc import Iterable
from dataclasses import replace

from unjam.adapters.git.observing.facts import GitFacts
from unjam.domain.world.damage import StrayKind
from unjam.domain.world.identity import AgentId
from unjam.domain.world.naming import Owner, Template
from unjam.domain.world.snapshot import Spec, State, Stray
from unjam.engine.orchestration import Orchestration


def strays_with_owners(
    orchestration: Orchestration, facts: GitFacts, state: State, ordered: Iterable[Spec]
) -> tuple[Stray, ...]:
    """Return the strays, each with its workstream; only a lost worktree has a branch."""
    if not facts.strays:
        return ()
    known = {row.workstream for row in state.rows} | {spec.workstream for spec in ordered}
    known |= {branch.workstream for branch in facts.branches}
    known |= {
        one.workstream
        for lost in facts.lost_branches
        if (one := orchestration.branch_template.owner(lost.ref))
    }
    told = {(row.workstream, row.agent) for row in state.rows}
    told |= {(branch.workstream, branch.agent) for branch in facts.branches}
    agents = {AgentId(one) for one in (row.agent for row in state.rows) if one}
    template = Template(orchestration.settings.orchestration.worktree_name)
    taken = {one.branch for one in (facts.primary, *facts.worktrees)}

    def owned(stray: Stray) -> Stray:
        owner = template.owner_among(stray.path.name, known, agents)
        if owner is None:
            return stray
        branch = (
            _branch_of(owner, facts, orchestration.branch_template)
            if stray.kind is StrayKind.ORPHAN
            else None
        )
        free = None if branch in taken else branch
        claimed = owner.agent is not None and owner in told
        return replace(stray, workstream=owner.workstream, branch=free, claimed=claimed)

    return tuple(owned(stray) for stray in facts.strays)


def _branch_of(owner: Owner, facts: GitFacts, template: Template) -> str | None:
    named = [(one.ref, one.workstream, one.agent) for one in facts.branches]
    for lost in facts.lost_branches:  # it is restored first
        whose = template.owner(lost.ref)
        if whose is not None and lost.last is not None:
            named.append((lost.ref, whose.workstream, whose.agent))
    found = (
        ref
        for ref, workstream, agent in named
        if workstream == owner.workstream and owner.agent in (None, agent)
    )
    return next(found, None)
