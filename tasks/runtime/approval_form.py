"""Ask a person in the Prefect UI before steps that the policy asks about.

Only where a flow run came from a deployment: whoever calls from a terminal was asked there. The
flow run is suspended, without a process and without the lease, and begins anew when it is resumed.
"""

from enum import StrEnum

from prefect import get_run_logger
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from tasks.runtime.session import Approval
from unjam.domain.reports.markdown import plan_page
from unjam.domain.steps.policy import Consent as PolicyApproval
from unjam.domain.steps.request import Request
from unjam.domain.world.words import printable
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.prepare import preview
from unjam.errors import RefusedError

_PATIENCE = 7 * 86_400  # seconds until an unanswered question has failed


class Decision(StrEnum):
    """What a person may say to a plan."""

    APPROVE = "approve"
    ONLY_AUTOMATIC = "only what is automatic"
    DECLINE = "decline"


class Answer(RunInput):
    """The form of a suspended flow run."""

    decision: Decision = Field(description="Of the plan above, exactly as it is.")
    name: str = Field(default="", description="Who you are, for the record.")


def answered(
    orchestration: Orchestration, request: Request, approval: Approval | None
) -> Approval | None:
    """Return what a person allows; suspends the flow run until somebody has said so.

    An approval that was given is returned as it is. The answer is to one plan: where the facts have
    changed meanwhile, the new plan is shown and asked about. Raises RefusedError when declined,
    or while a setting is held.
    """
    if approval is not None or request.rehearsal or deployment.id is None:
        return approval
    orchestration.require_trust()
    prepared, policy, _ = preview(orchestration, request)
    asked = [one for one in prepared.plan.classes() if policy.approval(one) is PolicyApproval.ASK]
    if not asked:
        return None
    form = Answer.with_initial_data(description=printable(plan_page(prepared.described(policy))))
    digest = prepared.plan.digest
    get_run_logger().info("plan %s waits for a person to say yes or no", digest)
    answer = suspend_flow_run(wait_for_input=form, timeout=_PATIENCE, key=f"plan-{digest}")
    get_run_logger().info(
        "%s says: %s, to plan %s", answer.name or "somebody", answer.decision, digest
    )
    match answer.decision:
        case Decision.DECLINE:
            raise RefusedError("approval denied; nothing was changed")
        case Decision.ONLY_AUTOMATIC:
            return Approval(plan=digest)
        case _:
            return Approval(everything=True, plan=digest)
