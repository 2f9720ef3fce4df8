"""Plan the way out of everything that was found, as one plan."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.catalogue.steps import stage_of
from unjam.domain.scenarios.shared.foreign_rows import kept_off
from unjam.domain.scenarios.shared.tidying import nothing_below
from unjam.domain.steps.facts import only_told
from unjam.domain.steps.plan import EditSpec, Land, Plan, Push, Revert, Rework, Step
from unjam.domain.steps.policy import Policy
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.steps.tell_spec import TellSpec
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.domain.world.snapshot import Snapshot

_MOVES_TRUNK = Revert | Rework | Land | EditSpec | TellSpec


def plan_recovery(
    found: Collection[Scenario],
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the way out of these scenarios; nothing is done twice, and no workstream in two ways."""
    plans = [
        only_told(row.planned(snapshot, policy, request, owed), snapshot)
        for row in SCENARIOS.values()
        if row.name in found
    ]
    once = _pushed_for_all(_each_once(plans), plans)
    steps = _landed_together(sorted(once, key=stage_of))
    notes = dict.fromkeys(note for plan in plans for note in plan.notes)
    plan = Plan(snapshot.repo, tuple(steps), tuple(notes))
    return _told_unsigned(_only_ours(plan, snapshot, policy, request), snapshot, policy)


def _told_unsigned(plan: Plan, snapshot: Snapshot, policy: Policy) -> Plan:
    """Say before that nobody signs: a signer may wait for a passphrase that nobody is there to give."""
    if not policy.signs or not any(isinstance(one, _MOVES_TRUNK) for one in plan.steps):
        return plan
    note = (
        f"commit.gpgSign is on, but what is committed to {snapshot.trunk_name} here is not signed: "
        "sign it yourself before you push, if signatures are asked for"
    )
    return replace(plan, notes=(*plan.notes, note))


def _only_ours(plan: Plan, snapshot: Snapshot, policy: Policy, request: Request) -> Plan:
    ours = kept_off(plan, snapshot, policy, request)
    return _behind_moves_of_trunk(nothing_below(ours, snapshot))


def _each_once(plans: Iterable[Plan]) -> Iterator[Step]:
    """Yield the steps of all plans but those that an earlier plan has taken care of."""
    treated: set[WorkstreamId] = set()
    seen: set[tuple[str, str]] = set()
    for plan in plans:
        left = [step for one in plan.steps if (step := _without(one, treated)) is not None]
        new = [step for step in left if (step.verb, step.subject) not in seen]
        yield from new
        seen.update((step.verb, step.subject) for step in new)
        treated.update(workstream for step in new for workstream in _treats(step))


def _pushed_for_all(steps: Iterable[Step], plans: Iterable[Plan]) -> Iterator[Step]:
    """Let the one push that is left be owed if any was: also if nothing more lands now."""
    owed = any(isinstance(one, Push) and one.owed for plan in plans for one in plan.steps)
    return (replace(one, owed=True) if isinstance(one, Push) and owed else one for one in steps)


def _landed_together(steps: Iterable[Step]) -> Iterator[Step]:
    """Make one landing of all: the trunk that the second would rest on is moved by the first."""
    ordered = list(steps)
    lands = [step for step in ordered if isinstance(step, Land)]
    for step in ordered:
        if not isinstance(step, Land):
            yield step
        elif step is lands[0]:
            landings = tuple(landing for land in lands for landing in land.landings)
            facts = tuple(dict.fromkeys(fact for land in lands for fact in land.facts))
            named = ", ".join(one.workstream for one in landings)
            yield replace(step, landings=landings, facts=facts, subject=named)


def _behind_moves_of_trunk(plan: Plan) -> Plan:
    """Let steps build on what an earlier step of the same plan leaves, not on the trunk as it was."""
    steps, moved = list[Step](), False
    for one in plan.steps:
        kept = tuple(each for each in one.facts if not (moved and each.kind == "trunk"))
        steps.append(one if kept == one.facts else replace(one, facts=kept))
        moved = moved or isinstance(one, _MOVES_TRUNK)
    return replace(plan, steps=tuple(steps))


def _treats(step: Step) -> Iterator[WorkstreamId]:
    if step.workstream is not None:
        yield step.workstream
    if isinstance(step, Land):
        yield from (landing.workstream for landing in step.landings)


def _without(step: Step, treated: Collection[WorkstreamId]) -> Step | None:
    """Return what is left of a step when these workstreams are another's."""
    if step.workstream in treated:
        return None
    if not isinstance(step, Land):
        return step
    left = tuple(one for one in step.landings if one.workstream not in treated)
    named = ", ".join(one.workstream for one in left)
    return replace(step, landings=left, subject=named) if left else None
