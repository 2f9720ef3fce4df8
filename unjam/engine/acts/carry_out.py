"""How a step is carried out: approved, its facts looked at again, its act called."""

from collections.abc import Callable

from unjam.domain.catalogue.references import resolved
from unjam.domain.catalogue.steps import row_of
from unjam.domain.scenarios.shared.foreign_worktrees import refusal
from unjam.domain.steps.facts import UNTOLD, answer, fact_in_words, holds, untold
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import (
    Land,
    Record,
    Restart,
    Salvage,
    Step,
    Stop,
    rests_on_outcome,
)
from unjam.domain.steps.policy import StepClass
from unjam.domain.steps.scope import scope_of
from unjam.domain.steps.tell_spec import TellSpec
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.errors import PermanentError, RefusedError

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
    because = (
        _not_made_before(run, step)
        or _waits_for_tests(run, step)
        or _ended_before_its_stop(run, step)
    )
    if because:
        return run.settle((outcome(step, StepWord.REFUSED, because),))
    fresh = run.look(*_looked_into(step), scope=scope_of(step))
    because = _not_as_planned(run, step, fresh) or refusal(step, fresh)
    if because:
        return run.settle((outcome(step, StepWord.REFUSED, because),))
    try:
        return run.settle(_act(step)(run, step, fresh))
    except RefusedError as error:
        return run.settle((outcome(step, StepWord.REFUSED, str(error)),))
    except PermanentError as error:
        return run.settle((outcome(step, StepWord.FAILED, str(error)),))


def _act(step: Step) -> Callable[..., tuple[Outcome, ...]]:
    """Return what carries this kind of step out; it takes the step of its own kind."""
    act: Callable[..., tuple[Outcome, ...]] = resolved(f"unjam.engine.acts.{row_of(step).act}")
    return act


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


def _ended_before_its_stop(run: Recovery, step: Step) -> str:
    """Say whose agent ended by itself, where this step would say that unjam ended it."""
    if not isinstance(step, Land | Record | TellSpec):
        return ""
    landings = step.landings if isinstance(step, Land) else ()
    stops = [one for one in run.outcomes[run.planned_anew :] if one.step == Stop.verb]
    for name in dict.fromkeys((step.workstream, *(one.workstream for one in landings))):
        words = {one.word for one in stops if one.workstream == name}
        if words == {StepWord.ALREADY_DONE}:  # of its processes none was there any more
            return f"{FACTS_CHANGED}: the agent of {name} ended before it was to be stopped"
    return ""


def _waits_for_tests(run: Recovery, step: Step) -> str:
    """Say why nothing lands, and nothing goes on where a stop was not made, while tests cannot be tried."""
    if not run.infeasible or isinstance(step, Stop | Salvage):
        return ""
    if isinstance(step, Land):
        return run.infeasible
    held = {
        one.workstream for one in run.outcomes if one.step == Stop.verb and one.word in _NOT_MADE
    }
    if step.workstream in held - {None} or (held and isinstance(step, Restart)):
        return f"its agent was not stopped: {run.infeasible}"
    return ""


def _is_of(one: Outcome, step: Step) -> bool:
    return one.workstream == step.workstream


def _looked_into(step: Step) -> tuple[str, ...]:
    """Name the worktrees whose files a step's facts may ask for."""
    kinds = {one.kind for one in step.facts}
    asked = "head of" if "work of" in kinds else "unsaved in"  # its reflog is read with its files
    named = tuple(one.subject for one in step.facts if one.kind == asked)
    return named or (getattr(step, "worktree", ""),)


def give_up(run: Recovery, step: Step, because: str) -> tuple[Outcome, ...]:
    """Settle a step that trying again did not help."""
    run.gave_up = True
    return run.settle((outcome(step, StepWord.FAILED, because),))
