"""Scenario: workstreams wait for each other. See docs/scenarios/dependency_deadlock.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.escalate import escalate
from tasks.merge import push
from tasks.record import reorder
from tasks.report import report
from tasks.restart import restart
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word


@flow(name="dependency_deadlock", flow_run_name=name_of_run)
@ends_in_its_word
def dependency_deadlock(
    repo: Path,
    workstreams: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Give every workstream its turn again: cut cycles where it costs least, reopen blocked rows.

    Args:
        repo: Any directory of the repository.
        workstreams: Recover only these workstreams; empty means all.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    request = requested("dependency_deadlock", workstreams=workstreams, dry_run=dry_run)
    orchestration = opened(repo, config)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            reorder,
            push,
            assess_again,
            restart,
            escalate,
            report,
        )
