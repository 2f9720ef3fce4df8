"""Scenario: a landing conflicts with the trunk. See docs/scenarios/merge_conflict.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.clean import clean, clear_discarded
from tasks.escalate import escalate
from tasks.merge import merge, push
from tasks.record import record, reorder
from tasks.report import report
from tasks.restart import restart
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word
from tasks.salvage import salvage, salvage_all


@flow(name="merge_conflict", flow_run_name=name_of_run)
@ends_in_its_word
def merge_conflict(  # noqa: PLR0913, PLR0917 -- a flow's parameters are the fields of a form
    repo: Path,
    workstreams: list[str] | None = None,
    discard: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- as above
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Land what merges, tell a person of what does not, and finish what was settled.

    Args:
        repo: Any directory of the repository.
        workstreams: Recover only these workstreams; empty means all.
        discard: Give these workstreams up; the vault keeps their branches and worktrees.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    request = requested("merge_conflict", workstreams=workstreams, discard=discard, dry_run=dry_run)
    orchestration = opened(repo, config)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            salvage_all,
            salvage,
            merge,
            reorder,
            push,
            record,
            clean,
            clear_discarded,
            assess_again,
            restart,
            escalate,
            report,
        )
