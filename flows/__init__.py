"""The procedures, one scenario a module, and the order that all of them share."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.archive import archive
from tasks.assess import assess, assess_again, assess_anew
from tasks.clean import clean
from tasks.escalate import escalate_in_vain
from tasks.merge import merge, push
from tasks.record import record, reorder
from tasks.repair import repair, tend
from tasks.report import report
from tasks.restart import restart
from tasks.revert import revert
from tasks.runtime.session import Approval, adopted, settled
from tasks.salvage import salvage
from tasks.stop import stop
from unjam.domain.scenarios.reset import steps as reset_steps
from unjam.domain.steps import plan as steps
from unjam.domain.steps import state_steps
from unjam.domain.world.finding import Scenario
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.replanning import ROUNDS

TASKS: Mapping[type[steps.Step], Any] = {
    steps.Stop: stop,
    state_steps.KeepState: tend,
    state_steps.StopHolder: stop,
    steps.Salvage: salvage,
    steps.MoveLock: repair,
    steps.Abort: repair,
    steps.RestoreObjects: repair,
    steps.RestoreBranch: repair,
    steps.NameCommits: repair,
    steps.Mend: repair,
    steps.MendShared: repair,
    steps.Register: repair,
    steps.Recreate: repair,
    state_steps.OpenState: tend,
    state_steps.RebuildState: tend,
    state_steps.ReplaceState: tend,
    state_steps.UseLog: tend,
    state_steps.VacuumState: tend,
    steps.Land: merge,
    steps.Revert: revert,
    steps.Rework: revert,
    steps.Push: push,
    steps.EditSpec: reorder,
    steps.Reopen: reorder,
    steps.Record: record,
    steps.RemoveWorktree: clean,
    steps.RemoveBranch: clean,
    steps.Discard: clean,
    steps.Unregister: clean,
    steps.SetAside: clean,
    steps.ReturnPrimary: repair,
    steps.Restart: restart,
    reset_steps.Bundle: archive,
    reset_steps.EmptyState: archive,
    reset_steps.SetLogsAside: archive,
}


def carried_out(run: Recovery, planned: Iterable[steps.Step]) -> None:
    """Carry out step by step, each as the task of its verb; one that fails does not stop the next."""
    for step in planned:
        settled(run, step, TASKS[type(step)](run, step, return_state=True))


def recovered(
    run: Recovery,
    scenarios: tuple[Scenario, ...],
    approval: Approval | None,
    *,
    rehearsal: bool,
) -> dict[str, Any]:
    """Assess, carry out step by step, look again, restart, report; returns the report.

    What became untrue before its turn is planned anew, twice at most.

    The restart comes after the verification: what it starts changes what would be looked at.
    """
    prepared = assess(run, scenarios)
    if rehearsal:
        return report(run, prepared)
    plan = adopted(run, prepared.plan, approval)
    carried_out(run, plan.but_restart())
    as_seen = approval is not None and approval.plan is not None
    for _ in range(ROUNDS):
        anew = assess_anew(run, scenarios, plan, as_seen=as_seen)
        if anew is None:
            break
        carried_out(run, anew.but_restart())
        plan = anew
    after = assess_again(run, scenarios)
    carried_out(run, plan.restarts())
    escalate_in_vain(run, prepared, after)
    return report(run, prepared, after)
