"""Start the orchestrator again."""

from pathlib import Path

from unjam.domain.catalogue.diagnosis import waits_in_vain
from unjam.domain.steps.change import StartProcess
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Restart
from unjam.domain.world.lookups import rows_in
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.errors import RefusedError


def restart(run: Recovery, step: Restart, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Start it detached from the primary, which must be on the trunk, and wait for the proof."""
    primary = fresh.primary
    if primary.branch != fresh.trunk or primary.operation is not None:
        raise RefusedError(
            f"{primary.path} is not on {fresh.trunk_name}: an orchestrator would work on the wrong branch"
        )
    waiting = [row.workstream for row in rows_in(fresh) if row.status == Status.RUNNING]
    if waiting:
        raise RefusedError(
            f"it would wait for ever for {', '.join(waiting)}: their rows say running"
        )
    asleep = waits_in_vain(fresh)
    if asleep:
        raise RefusedError(f"it would sleep for ever: {asleep}")
    output = run.orchestration.home / "restart" / f"{run.run}.log"
    change = StartProcess(step.command, Path(primary.path), output)
    said = run.door.make(change)
    return (
        outcome(step, StepWord.DONE, f"{said}; its output: {fresh.place(output)}", str(output)),
    )
