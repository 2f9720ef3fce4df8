"""Scenario: worktrees, or what Git keeps about them, are damaged. See docs/scenarios/worktree_corruption.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.clean import clean
from tasks.escalate import escalate
from tasks.record import record
from tasks.repair import repair
from tasks.report import report
from tasks.restart import restart
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word
from tasks.salvage import salvage, salvage_all


@flow(name="worktree_corruption", flow_run_name=name_of_run)
@ends_in_its_word
def worktree_corruption(
    repo: Path,
    workstreams: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Repair damaged worktrees one by one, losing nothing.

    Args:
        repo: Any directory of the repository.
        workstreams: Repair only these workstreams' worktrees; empty means all, and what they share.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    request = requested("worktree_corruption", workstreams=workstreams, dry_run=dry_run)
    orchestration = opened(repo, config)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            salvage_all,
            salvage,
            repair,
            record,
            clean,
            assess_again,
            restart,
            escalate,
            report,
        )
