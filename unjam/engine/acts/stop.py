"""Stop an agent: an orphan, or one that hangs, which is saved and proven to hang right before."""

from unjam.adapters import clock
from unjam.adapters.state.rows.read import row_of
from unjam.domain.steps.change import StopProcess
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Stop
from unjam.domain.world.agents.suspects import suspects
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.lookups import orchestrator_seen, row_named
from unjam.domain.world.snapshot import Scalar, Snapshot
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.salvage import save_living
from unjam.engine.culprits.fresh_checkout import verify_trunk, why_no_runner, why_not_passing
from unjam.engine.observing.observe_closely import watched_again
from unjam.errors import RefusedError, UnjamError

_NOTICED = 5.0  # seconds in which a living orchestrator may notice that its agent has ended
_BEAT = 0.1


def stop(run: Recovery, step: Stop, fresh: Snapshot) -> tuple[Outcome, ...]:
    """End the process and its tree; its worktree is salvaged by the next step."""
    if step.process not in {one.identity for one in fresh.processes}:
        return (outcome(step, StepWord.ALREADY_DONE, "it has ended"),)
    if because := why_infeasible(run, fresh):
        raise RefusedError(f"nothing is stopped before what comes after it can be done: {because}")
    if not step.worktree:
        said = run.door.make(StopProcess(step.process, step.below))
        return (outcome(step, StepWord.DONE, said),)
    _refuse_unless_hung(run, step, fresh)
    kept = save_living(run, step.worktree, fresh)
    said = run.door.make(StopProcess(step.process, step.below))
    noticed = _wait_for_orchestrator(run, step, fresh)
    sentence = f"{said}; what it held before is kept as {kept}{noticed}"
    return (outcome(step, StepWord.DONE, sentence, kept),)


def why_infeasible(run: Recovery, fresh: Snapshot) -> str:
    """Prove, once, that the tests pass on the trunk where this run lands; says why they do not.

    A process that was stopped for a landing that cannot be tried was stopped for nothing.
    """
    if run.infeasible is None:
        run.infeasible = _why_nothing_can_land(run, fresh.trunk_tip) if run.lands else ""
        run.gave_up |= bool(run.infeasible)
    return run.infeasible


def _why_nothing_can_land(run: Recovery, tip: CommitId) -> str:
    if because := why_no_runner(run.orchestration, tip):
        return because
    said = verify_trunk(run.orchestration, tip)
    run.verified = tip, said
    return "" if said.passed else why_not_passing(run.orchestration, said).because


def _refuse_unless_hung(run: Recovery, step: Stop, fresh: Snapshot) -> None:
    """Look closely once more: since the plan was made, it may have gone on."""
    again = watched_again(run.orchestration, fresh, step.worktree)
    found = next(iter(suspects(again)), None)
    if found is None:
        raise RefusedError("it is not stopped: it has shown a sign of life since")
    if not found.is_hung:
        raise RefusedError(f"it is not stopped: {found.score.verdict}: {found.score.evidence[0]}")


def _wait_for_orchestrator(run: Recovery, step: Stop, fresh: Snapshot) -> str:
    """Give a living orchestrator the time to notice; say what it made of it."""
    row = row_named(step.workstream, fresh)
    if row is None or orchestrator_seen(fresh) is None:
        return ""
    end = clock.monotonic() + _NOTICED
    while clock.monotonic() < end:
        now = _row(run, row.workstream) or row.values
        if now != row.values:
            return f"; its orchestrator noticed, and wrote {dict(now).get('status')!r}"
        clock.pause(_BEAT)
    return ""


def _row(run: Recovery, workstream: WorkstreamId) -> tuple[tuple[str, Scalar], ...]:
    try:
        return row_of(run.orchestration.state, workstream)
    except UnjamError:  # busy: asked again
        return ()
