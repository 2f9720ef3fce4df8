"""Scenario: the orchestrator was killed. See docs/scenarios/orchestrator_crash.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.clean import clean
from tasks.escalate import escalate
from tasks.merge import merge, push
from tasks.record import record, reorder
from tasks.repair import repair
from tasks.report import report
from tasks.restart import restart
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word
from tasks.salvage import salvage, salvage_all
from tasks.stop import stop


@flow(name="orchestrator_crash", flow_run_name=name_of_run)
@ends_in_its_word
def orchestrator_crash(  # noqa: PLR0913, PLR0917 -- a flow's parameters are the fields of a form
    repo: Path,
    workstreams: list[str] | None = None,
    elsewhere: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- as above
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Bring an orchestration whose orchestrator died back into order, losing nothing.

    Args:
        repo: Any directory of the repository.
        workstreams: Recover only these workstreams; empty means all, and what they share.
        elsewhere: Their machine is gone for good: only bring their rows to failed.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    request = requested(
        "orchestrator_crash", workstreams=workstreams, elsewhere=elsewhere, dry_run=dry_run
    )
    orchestration = opened(repo, config)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            stop,
            salvage_all,
            salvage,
            repair,
            merge,
            reorder,
            push,
            record,
            clean,
            assess_again,
            restart,
            escalate,
            report,
        )
