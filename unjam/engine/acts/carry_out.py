"""How a step is carried out: approved, its facts looked at again, its act called."""

from collections.abc import Callable, Mapping

from unjam.domain.scenarios.reset.steps import Bundle, EmptyState, SetLogsAside
from unjam.domain.scenarios.shared.foreign_worktrees import refusal
from unjam.domain.steps.facts import UNTOLD, answer, fact_in_words, holds, untold
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import (
    Abort,
    Discard,
    EditSpec,
    Land,
    Mend,
    MendShared,
    MoveLock,
    NameCommits,
    Push,
    Record,
    Recreate,
    Register,
    RemoveBranch,
    RemoveWorktree,
    Reopen,
    Restart,
    RestoreBranch,
    RestoreObjects,
    ReturnPrimary,
    Revert,
    Rework,
    Salvage,
    SetAside,
    Step,
    Stop,
    Unregister,
    rests_on_outcome,
)
from unjam.domain.steps.policy import StepClass
from unjam.domain.steps.state_steps import (
    KeepState,
    OpenState,
    RebuildState,
    ReplaceState,
    StopHolder,
    UseLog,
    VacuumState,
)
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth
from unjam.engine.acts.clean import discard, remove_branch, remove_worktree
from unjam.engine.acts.database import (
    keep_files,
    open_state,
    rebuild_state,
    replace_state,
    use_log,
    vacuum,
)
from unjam.engine.acts.holder import stop_holder
from unjam.engine.acts.landing.land import land
from unjam.engine.acts.landing.push import push
from unjam.engine.acts.landing.revert import revert
from unjam.engine.acts.landing.rework import rework
from unjam.engine.acts.mend import (
    mend,
    mend_shared,
    name_commits,
    recreate,
    register,
    restore_branch,
    set_aside,
    unregister,
)
from unjam.engine.acts.objects import restore_objects
from unjam.engine.acts.record import record
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.reorder import edit_spec, reopen
from unjam.engine.acts.repair import abort, move_lock, return_primary
from unjam.engine.acts.reset import bundle, empty_state, set_logs_aside
from unjam.engine.acts.restart import restart
from unjam.engine.acts.salvage import salvage
from unjam.engine.acts.stop import stop
from unjam.errors import PermanentError, RefusedError

# Each takes the step of its own kind, which a mapping's type cannot say.
_ACTS: Mapping[type[Step], Callable[..., tuple[Outcome, ...]]] = {
    Stop: stop,
    KeepState: keep_files,
    StopHolder: stop_holder,
    Salvage: salvage,
    MoveLock: move_lock,
    Abort: abort,
    RestoreObjects: restore_objects,
    RestoreBranch: restore_branch,
    NameCommits: name_commits,
    Mend: mend,
    MendShared: mend_shared,
    Register: register,
    Recreate: recreate,
    Unregister: unregister,
    SetAside: set_aside,
    OpenState: open_state,
    RebuildState: rebuild_state,
    ReplaceState: replace_state,
    UseLog: use_log,
    VacuumState: vacuum,
    Land: land,
    Revert: revert,
    Rework: rework,
    Push: push,
    Record: record,
    EditSpec: edit_spec,
    Reopen: reopen,
    RemoveWorktree: remove_worktree,
    RemoveBranch: remove_branch,
    Discard: discard,
    ReturnPrimary: return_primary,
    Restart: restart,
    Bundle: bundle,
    EmptyState: empty_state,
    SetLogsAside: set_logs_aside,
}

_NOT_MADE = (StepWord.REFUSED, StepWord.FAILED)
NOT_APPROVED = "it was not approved"
FACTS_CHANGED = "the facts have changed since the plan was made"


def carry_out(run: Recovery, step: Step) -> tuple[Outcome, ...]:
    """Carry out one step: is it approved, do its facts still hold? Then act.

    A TransientError passes through, so that the step is tried again; everything else becomes an
    outcome.
    """
    if not run.permission.covers(step.step_class, run.policy):
        return run.settle((outcome(step, StepWord.REFUSED, NOT_APPROVED),))
    because = _not_made_before(run, step)
    if because:
        return run.settle((outcome(step, StepWord.REFUSED, because),))
    fresh = run.look(*_looked_into(step))
    because = _not_as_planned(run, step, fresh) or refusal(step, fresh)
    if because:
        return run.settle((outcome(step, StepWord.REFUSED, because),))
    try:
        return run.settle(_ACTS[type(step)](run, step, fresh))
    except RefusedError as error:
        return run.settle((outcome(step, StepWord.REFUSED, str(error)),))
    except PermanentError as error:
        return run.settle((outcome(step, StepWord.FAILED, str(error)),))


def _not_as_planned(run: Recovery, step: Step, fresh: Snapshot) -> str:
    """Say what of its facts cannot be told now, or has changed; nothing where all of them hold."""
    hidden = untold(step, fresh)
    if hidden:
        run.gave_up = True  # the machinery was in the way: no attempt at the failure itself
        return f"nothing was done: {'; '.join(hidden)}; once that is over: unjam recover"
    changed = [one for one in step.facts if not holds(one, fresh)]
    if step.step_class is StepClass.SALVAGE:  # nothing is lost by saving what cannot be told
        changed = [one for one in changed if answer(one.kind, one.subject, fresh) != UNTOLD]
    named = ", ".join(fact_in_words(one.kind, one.subject) for one in changed)
    if fresh.state.readable is Truth.NO and any(one.kind == "row of" for one in changed):
        named += "; there is no state now"
    return f"{FACTS_CHANGED}: {named}" if changed else ""


def _not_made_before(run: Recovery, step: Step) -> str:
    """Say what this step rests on and was not done in this run; nothing where all was."""
    verb = rests_on_outcome(step)
    if step.workstream is None:
        return ""
    told = run.outcomes[run.planned_anew :]  # what was planned anew took the place of all before
    said = {one.subject: one for one in told if one.step == verb and _is_of(one, step)}
    for one in said.values():  # what a later round made good counts
        if one.word in _NOT_MADE:
            return f"it keeps its place, since {verb} {one.subject} was not done: {one.sentence}"
    return ""


def _is_of(one: Outcome, step: Step) -> bool:
    return one.workstream == step.workstream


def _looked_into(step: Step) -> tuple[str, ...]:
    """Name the worktrees whose files a step's facts may ask for."""
    named = tuple(one.subject for one in step.facts if one.kind == "unsaved in")
    return named or (getattr(step, "worktree", ""),)


def give_up(run: Recovery, step: Step, because: str) -> tuple[Outcome, ...]:
    """Settle a step that trying again did not help."""
    run.gave_up = True
    return run.settle((outcome(step, StepWord.FAILED, because),))
