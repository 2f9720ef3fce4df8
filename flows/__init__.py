"""The procedures, one scenario a module, and the order that all of them share."""

from collections.abc import Iterable
from typing import Any

from tasks.assess import assess, assess_again, assess_anew
from tasks.escalate import escalate_in_vain
from tasks.report import report
from tasks.runtime.session import Approval, adopted, settled
from unjam.domain.catalogue.references import resolved
from unjam.domain.catalogue.steps import row_of
from unjam.domain.steps.plan import Step
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.replanning import ROUNDS


def carried_out(run: Recovery, planned: Iterable[Step]) -> None:
    """Carry out step by step, each as the task of its verb; one that fails does not stop the next."""
    for step in planned:
        task = resolved(f"tasks.{row_of(step).task}")
        settled(run, step, task(run, step, return_state=True))


def recovered(run: Recovery, approval: Approval | None) -> dict[str, Any]:
    """Assess, carry out step by step, look again, restart, report; returns the report.

    What became untrue before its turn is planned anew, twice at most.

    The restart comes after the verification: what it starts changes what would be looked at.
    """
    prepared = assess(run)
    if run.request.rehearsal:
        return report(run, prepared)
    plan = adopted(run, prepared.plan, approval)
    carried_out(run, plan.but_restart())
    as_seen = approval is not None and approval.plan is not None
    for _ in range(ROUNDS):
        anew = assess_anew(run, plan, as_seen=as_seen)
        if anew is None:
            break
        carried_out(run, anew.but_restart())
        plan = anew
    after = assess_again(run)
    carried_out(run, plan.restarts())
    escalate_in_vain(run, prepared, after)
    return report(run, prepared, after)
