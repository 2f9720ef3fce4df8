"""Say whose directory a stray was, by its name, and which branch its files belong to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.mending.stray_directories import find_elsewhere
from unjam.adapters.git.observing.facts import GitFacts
from unjam.adapters.processes.table import working_directories
from unjam.domain.world.damage import Damage, StrayKind
from unjam.domain.world.identity import AgentId
from unjam.domain.world.naming import Owner, Template
from unjam.domain.world.snapshot import Spec, State, Stray, Worktree
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


def with_moved_away(orchestration: Orchestration, facts: GitFacts, state: State) -> GitFacts:
    """Tell a worktree whose directory was moved away from one whose directory is gone."""
    gone = {one.name: Path(one.admin) for one in facts.worktrees if Damage.GONE in one.damage}
    if not gone:
        return facts
    found = find_elsewhere(gone, _hints(orchestration, facts.strays, state))
    around = {above for place in found.values() for above in place.parents}
    return facts._replace(
        worktrees=tuple(_moved(one, found.get(one.name)) for one in facts.worktrees),
        strays=tuple(one for one in facts.strays if Path(one.path) not in around),
    )


def _moved(one: Worktree, place: Path | None) -> Worktree:
    if place is None:
        return one
    left = tuple(each for each in one.damage if each is not Damage.GONE)
    return replace(one, damage=(Damage.MOVED, *left), moved_to=place)


def _hints(orchestration: Orchestration, strays: tuple[Stray, ...], state: State) -> Iterator[Path]:
    yield from (Path(one) for one in working_directories())
    for row in state.rows:
        for _, value in row.values:
            if isinstance(value, str) and "/" in value and "\0" not in value:
                yield orchestration.below(value)
    for stray in strays:
        yield from files.children(Path(stray.path))
