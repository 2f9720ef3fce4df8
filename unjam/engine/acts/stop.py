"""Stop an orphaned agent."""

from unjam.domain.change import StopProcess
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import Stop
from unjam.domain.snapshot import Snapshot
from unjam.engine.recovery import Recovery, outcome


def stop(run: Recovery, step: Stop, fresh: Snapshot) -> tuple[Outcome, ...]:
    """End the process and its tree; its worktree is salvaged by the next step."""
    if step.process not in {one.identity for one in fresh.processes}:
        return (outcome(step, StepWord.ALREADY_DONE, "it has ended"),)
    said = run.door.make(StopProcess(step.process, step.below))
    return (outcome(step, StepWord.DONE, said),)
