"""Plan what comes of work that lands, or has landed, and is not finished: it is told, and makes way for a retry."""

from collections.abc import Iterator
from dataclasses import replace

from unjam.domain.scenarios.shared.tidying import (
    Facts,
    branches_of_attempt,
    person_in,
    removal_of_branch,
)
from unjam.domain.steps.facts import fact
from unjam.domain.steps.plan import Step
from unjam.domain.steps.tell_spec import TellSpec
from unjam.domain.world.claims.incomplete import (
    STOPPED,
    evidence_of_rest,
    known_before,
    not_ended,
)
from unjam.domain.world.snapshot import Branch, Snapshot
from unjam.domain.world.workstream import Judged, Verdict

_LANDING = (Verdict.RECORDED_UNLANDED, Verdict.DEAD_WITH_COMMITS)


def rest_of(judged: Judged, snapshot: Snapshot, *, stopped: bool) -> tuple[str, ...]:
    """Say what shows that work is not finished; ``stopped``: this very plan ends its agent."""
    match judged.verdict:
        case Verdict.DEAD_WITH_COMMITS:
            told = tuple(evidence_of_rest(judged.workstream, snapshot))
        case Verdict.LANDED_UNRECORDED:  # whoever else landed it had seen the end of its agent
            told = known_before(judged.workstream.id, snapshot)
        case _:
            return ()
    return tuple(dict.fromkeys((*((STOPPED,) if stopped else ()), *told)))


def may_be_incomplete(judged: Judged, rest: tuple[str, ...]) -> bool:
    """Tell work that is not finished, or of which its own tests may say so."""
    one = judged.workstream
    if one.row is None or one.branch is None:
        return False
    tested = one.spec is not None and bool(one.spec.acceptance_tests)
    return bool(not_ended(rest)) or (tested and judged.verdict in _LANDING)


def told_to_retry(
    judged: Judged, rest: tuple[str, ...], snapshot: Snapshot, facts: Facts
) -> Iterator[Step]:
    """Yield what tells whoever takes it up again what there is already."""
    one = judged.workstream
    if one.spec is not None and one.branch is not None:
        yield TellSpec(
            subject=one.id,
            reason="a retry goes on from what has landed" if rest else "if its own tests fail",
            facts=(*facts, fact("spec of", one.id, snapshot)),
            workstream=one.id,
            worktrees=tuple(tree.name for tree in one.worktrees),
            because="" if judged.verdict in _LANDING else "; ".join(rest),
            attempt=f"{one.branch.name} at {one.branch.tip[:12]}",
        )


def landed_branches(judged: Judged, snapshot: Snapshot, facts: Facts) -> Iterator[Step]:
    """Yield that what a retry would stumble over makes way, where nobody is on it: the attempt's branches."""
    one = judged.workstream
    if any(person_in(tree, one) is not None for tree in one.worktrees):
        return
    for branch in branches_of_attempt(one):
        if branch is one.branch or _is_in(branch, one.branch):
            reason = "if it is incomplete: the trunk has its commits, and a retry makes it anew"
            removal = removal_of_branch(branch, snapshot, facts, reason)
            landing = judged.verdict in _LANDING
            yield replace(removal, workstream=one.id, if_incomplete=landing)


def _is_in(branch: Branch, landing: Branch | None) -> bool:
    """Tell that what lands has every commit of a branch."""
    held = landing is not None and (branch.tip == landing.tip or branch.ref in landing.holds)
    return held or branch.own_commits == 0
