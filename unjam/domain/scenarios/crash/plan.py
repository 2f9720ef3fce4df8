"""Plan the way out of a crash: nobody waits any more for what the agents did."""

from unjam.domain.scenarios.shared.abandoned_work import plan_abandoned
from unjam.domain.steps.plan import Plan, Step
from unjam.domain.steps.policy import Policy
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Snapshot


def plan_crash(
    snapshot: Snapshot,
    policy: Policy,
    workstreams: frozenset[WorkstreamId] | None = None,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the recovery of these workstreams, or of all and of what they share."""
    return plan_abandoned(snapshot, policy, workstreams, owed)


def is_asked(policy: Policy, _owed: tuple[Step, ...]) -> bool:
    """Tell whether a person said of workstreams that their machine is gone for good."""
    return bool(policy.gone)
