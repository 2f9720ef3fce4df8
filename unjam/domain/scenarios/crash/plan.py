"""Plan the way out of a crash: nobody waits any more for what the agents did."""

from unjam.domain.scenarios.shared.abandoned_work import plan_abandoned
from unjam.domain.steps.plan import Plan, Step
from unjam.domain.steps.policy import Policy
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.snapshot import Snapshot


def plan_crash(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the recovery of these workstreams, or of all and of what they share."""
    return plan_abandoned(snapshot, policy, request, owed)


def is_asked(request: Request, _owed: tuple[Step, ...]) -> bool:
    """Tell whether a person said of workstreams that their machine is gone for good."""
    return bool(request.elsewhere)
