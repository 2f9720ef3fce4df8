"""Scenario: the state is locked, or will not open. See docs/scenarios/database_lock.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.escalate import escalate
from tasks.repair import tend
from tasks.report import report
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word
from tasks.salvage import copy_state
from tasks.stop import stop


@flow(name="database_lock", flow_run_name=name_of_run)
@ends_in_its_word
def database_lock(  # noqa: PLR0913, PLR0917 -- a flow's parameters are the fields of a form
    repo: Path,
    workstreams: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    approval: Approval | None = None,
    config: Path | None = None,
    vacuum: bool = False,  # noqa: FBT001, FBT002 -- as above
) -> dict[str, Any]:
    """Copy the state, stop who keeps it, and open it again; or rebuild it from what can be had of it.

    Args:
        repo: Any directory of the repository.
        workstreams: The state is that of all of them: with any named, nothing is done.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
        vacuum: Rewrite the state without its holes, too, where there is room and nobody has it open.
    """
    request = requested("database_lock", workstreams=workstreams, vacuum=vacuum, dry_run=dry_run)
    orchestration = opened(repo, config)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            copy_state,
            stop,
            tend,
            assess_again,
            escalate,
            report,
        )
