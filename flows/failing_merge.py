"""Scenario: tests fail since something landed. See docs/scenarios/failing_merge.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.bisect import bisect
from tasks.escalate import escalate
from tasks.merge import push
from tasks.record import record, reorder
from tasks.report import report
from tasks.revert import revert
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word


@flow(name="failing_merge", flow_run_name=name_of_run)
@ends_in_its_word
def failing_merge(
    repo: Path,
    workstreams: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Find the landed work that broke the trunk's tests, prove it, and take it out again.

    Args:
        repo: Any directory of the repository.
        workstreams: Take out only work of these workstreams; empty means of any.
        dry_run: Only search, and make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    request = requested("failing_merge", workstreams=workstreams, dry_run=dry_run)
    orchestration = opened(repo, config)
    bisect(orchestration)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            revert,
            reorder,
            push,
            record,
            assess_again,
            escalate,
            report,
        )
