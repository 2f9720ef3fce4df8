"""Scenario: the orchestrator was killed. See docs/scenarios/orchestrator_crash.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.asking import answered
from tasks.session import Approval, name_of_run, opened, recovery, terms
from unjam.domain.finding import Scenario


@flow(name="orchestrator_crash", flow_run_name=name_of_run)
def orchestrator_crash(
    repo: Path,
    workstreams: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Bring an orchestration whose orchestrator died back into order, losing nothing.

    Args:
        repo: Any directory of the repository.
        workstreams: Recover only these workstreams; empty means all, and what they share.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    about = terms("orchestrator_crash", workstreams, rehearsal=dry_run)
    orchestration = opened(repo, config)
    allowed = answered(
        orchestration, (Scenario.ORCHESTRATOR_CRASH,), workstreams, approval, rehearsal=dry_run
    )
    with recovery(orchestration, about, allowed) as run:
        return recovered(run, (Scenario.ORCHESTRATOR_CRASH,), allowed, rehearsal=dry_run)
