"""Scenario: the orchestrator was killed. See docs/scenarios/orchestrator_crash.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.runtime.approval_form import answered
from tasks.runtime.session import (
    Approval,
    name_of_run,
    named,
    opened,
    recovery,
    terms,
    told_by_name,
)
from tasks.runtime.states import ends_in_its_word
from unjam.domain.world.identity import Scenario


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
    chosen, what = workstreams or elsewhere, named(gone=elsewhere)
    about = terms("orchestrator_crash", chosen, rehearsal=dry_run)
    orchestration, only = opened(repo, config), (Scenario("orchestrator_crash"),)
    allowed = answered(orchestration, only, chosen, approval, rehearsal=dry_run, named=what)
    with recovery(orchestration, about, allowed) as run:
        told_by_name(run, what)
        return recovered(run, only, allowed, rehearsal=dry_run)
