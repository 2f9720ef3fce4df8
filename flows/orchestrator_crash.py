"""Scenario: the orchestrator was killed. See docs/scenarios/orchestrator_crash.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import flow

from tasks.assess import assess, assess_again
from tasks.clean import clean
from tasks.merge import merge, push
from tasks.record import record
from tasks.repair import repair
from tasks.report import report
from tasks.restart import restart
from tasks.salvage import salvage
from tasks.session import Approval, adopted, name_of_run, opened, recovery, settled, terms
from tasks.stop import stop
from unjam.domain import plan as steps
from unjam.domain.finding import Scenario

SCENARIOS = (Scenario.ORCHESTRATOR_CRASH,)
TASKS: Mapping[type[steps.Step], Any] = {
    steps.Stop: stop,
    steps.Salvage: salvage,
    steps.MoveLock: repair,
    steps.Abort: repair,
    steps.Land: merge,
    steps.Push: push,
    steps.Record: record,
    steps.RemoveWorktree: clean,
    steps.RemoveBranch: clean,
    steps.ReturnPrimary: repair,
    steps.Restart: restart,
}


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
        approval: What a person allows beyond the policy; empty means only what is automatic.
        config: A configuration file other than the repository's own.
    """
    about = terms("orchestrator_crash", workstreams, rehearsal=dry_run)
    with recovery(opened(repo, config), about, approval) as run:
        prepared = assess(run, SCENARIOS)
        if dry_run:
            return report(run, prepared)
        plan = adopted(run, prepared.plan, approval)
        for step in plan.but_restart():
            settled(run, step, TASKS[type(step)](run, step, return_state=True))
        after = assess_again(run, SCENARIOS)
        for step in plan.restarts():
            settled(run, step, restart(run, step, return_state=True))
        return report(run, prepared, after)
