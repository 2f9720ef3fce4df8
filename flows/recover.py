"""The front door: recover from everything that was found, in a safe order."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import recovered
from tasks.assess import assess, assess_again
from tasks.bisect import bisect
from tasks.clean import clean, clear_discarded
from tasks.escalate import escalate
from tasks.merge import merge, push
from tasks.record import record, reorder
from tasks.repair import repair, tend
from tasks.report import report
from tasks.restart import restart
from tasks.revert import revert
from tasks.runtime.approval_form import answered
from tasks.runtime.session import Approval, KnownScenario, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word
from tasks.salvage import copy_state, salvage, salvage_all
from tasks.stop import stop
from unjam.domain.catalogue.scenarios import asks_for_tests, scenarios_of


@flow(name="recover", flow_run_name=name_of_run)
@ends_in_its_word
def recover(  # noqa: PLR0913, PLR0917 -- a flow's parameters are the fields of a form
    repo: Path,
    scenarios: list[KnownScenario] | None = None,
    workstreams: list[str] | None = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- as above
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Recover an orchestration from whatever stopped it, losing nothing.

    Args:
        repo: Any directory of the repository.
        scenarios: Recover only from these; empty means from all that unjam knows.
        workstreams: Recover only these workstreams; empty means all, and what they share.
        dry_run: Only make the plan.
        approval: What a person allows beyond the policy; empty means what is automatic, and asks in the UI for the rest.
        config: A configuration file other than the repository's own.
    """
    request = requested(*(scenarios or ()), workstreams=workstreams, dry_run=dry_run)
    orchestration = opened(repo, config)
    if asks_for_tests(scenarios_of(request)):
        bisect(orchestration)
    allowed = answered(orchestration, request, approval)
    with recovery(orchestration, request, allowed) as run:
        return recovered(
            run,
            assess,
            copy_state,
            stop,
            salvage_all,
            salvage,
            repair,
            tend,
            revert,
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
