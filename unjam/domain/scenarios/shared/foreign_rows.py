"""Keep a plan off rows that are elsewhere, or in words nobody knows, and say so.

And settle what a person names whose machine is gone.
"""

from collections.abc import Iterator
from dataclasses import replace

from unjam.domain.scenarios.shared.restarting import workstreams_in_words
from unjam.domain.steps.facts import fact
from unjam.domain.steps.plan import (
    Discard,
    Land,
    Plan,
    Record,
    RemoveBranch,
    RemoveWorktree,
    Reopen,
    Step,
    Stop,
    only_safe,
)
from unjam.domain.steps.policy import Policy
from unjam.domain.steps.request import Request
from unjam.domain.world.elsewhere import asks_for_proof, has_a_claim, seen_at_work
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import rows_not_known
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Row, Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Workstream, elsewhere, join, unfinished_elsewhere

PROOF = "elsewhere"  # the fact that a settlement rests on: still nothing of it is here
_SHOWN = 5  # reasons
_TREATMENTS = (Record, Reopen, RemoveWorktree, RemoveBranch, Discard, Stop)


def kept_off(plan: Plan, snapshot: Snapshot, policy: Policy, request: Request) -> Plan:
    """Leave out whatever would treat another's workstream, or write its row; and say what is elsewhere.

    Rows in words that nobody knows are not written either.
    """
    plan = _without_unknown_words(plan, snapshot, policy)
    if not asks_for_proof(snapshot):
        return plan
    others = frozenset(one.id for one in join(snapshot) if one.elsewhere)
    left = tuple(one for step in plan.steps if (one := _without(step, others)) is not None)
    away = elsewhere(snapshot)
    return replace(
        plan,
        steps=plan.steps if left == plan.steps else only_safe(left),
        notes=(*plan.notes, *_notes(away, snapshot, policy, request)),
        elsewhere=tuple(one.id for one in away),
    )


def _without_unknown_words(plan: Plan, snapshot: Snapshot, policy: Policy) -> Plan:
    """Write over no word that is not known, and start nobody who might take it up."""
    unknown = {row.workstream: row for row in rows_not_known(snapshot)}
    if not unknown:
        return plan
    kept = tuple(
        one
        for one in plan.steps
        if not (isinstance(one, Record | Reopen) and one.workstream in unknown)
    )
    left_out = {one.workstream for one in plan.steps} - {one.workstream for one in kept}
    notes = [
        f"the row of {shown(name)} stays as it is: cannot tell: {row.why_unknown}"
        for name, row in unknown.items()
        if name in left_out
    ]
    if policy.resume:
        named = workstreams_in_words(unknown.keys())
        notes.append(f"no orchestrator is started: what the state says of {named} is not known")
    steps = plan.steps if kept == plan.steps else only_safe(kept)
    return replace(plan, steps=steps, notes=(*plan.notes, *notes))


def settlements(snapshot: Snapshot, request: Request) -> Iterator[Record]:
    """Bring to failed what a person has named and said of that its machine is gone for good."""
    for one in join(snapshot):
        if one.id in request.elsewhere and not why_not_settled(one, snapshot):
            yield Record(
                subject=one.id,
                reason=f"{request.said_by} says that its machine is gone; the row says {one.status}",
                facts=(fact("row of", one.id, snapshot), fact(PROOF, one.id, snapshot)),
                workstream=one.id,
                status=Status.FAILED,
                message=f"{request.said_by} said that its machine is gone for good; will retry",
            )


def why_not_settled(one: Workstream, snapshot: Snapshot) -> str:
    """Say why nobody may settle it as one of a machine that is gone; empty where a person may."""
    name = shown(one.id)
    if one.row is None:
        return f"{name} has no row"
    if one.agents:
        pid = one.agents[0].identity.pid
        return f"{name} is not elsewhere: its agent works here (pid {pid})"
    if not one.elsewhere:
        return f"{name} is not elsewhere: unjam recover --workstream {name}"
    if seen := seen_at_work(one.id, snapshot):
        return f"{name}: {seen}; end that first"
    return _why_no_claim(one.row)


def _why_no_claim(row: Row) -> str:
    if row.why_unknown:
        return f"{shown(row.workstream)}: cannot tell: {row.why_unknown}"
    if has_a_claim(row.status):
        return ""
    return f"{shown(row.workstream)} is {row.status}: nobody is waited for, so there is nothing to settle"


def is_settlement(step: Step) -> bool:
    """Tell a row that a person had written from one that was judged."""
    return any(one.kind == PROOF for one in step.facts)


def _without(step: Step, others: frozenset[WorkstreamId]) -> Step | None:
    if isinstance(step, Land):
        mine = tuple(one for one in step.landings if one.workstream not in others)
        named = ", ".join(one.workstream for one in mine)
        return replace(step, landings=mine, subject=named) if mine else None
    foreign = isinstance(step, _TREATMENTS) and step.workstream in others
    return None if foreign and not is_settlement(step) else step


def _notes(
    away: tuple[Workstream, ...], snapshot: Snapshot, policy: Policy, request: Request
) -> Iterator[str]:
    reasons: dict[str, set[WorkstreamId]] = {}
    for one in away:
        if one.id not in request.elsewhere:
            reasons.setdefault(one.elsewhere, set()).add(one.id)
    names = frozenset(one for those in reasons.values() for one in those)
    if names:
        verb = "is" if len(names) == 1 else "are"
        told = (
            f"{counted(len(names), 'workstream')} {verb} elsewhere ({workstreams_in_words(names)})"
        )
        yield f"{told}, and left alone: no row is judged or written"
    for because, those in list(reasons.items())[:_SHOWN]:
        yield f"{workstreams_in_words(those)}: {because}"
    if policy.resume and unfinished_elsewhere(snapshot):
        yield "no orchestrator is started: one that cannot be seen from here may be at work"
