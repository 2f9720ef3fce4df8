"""Plan anew, within a run, what was refused because the facts had changed since it was planned."""

from dataclasses import replace

from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Plan, Step
from unjam.domain.steps.policy import Consent
from unjam.domain.world.truth import Truth
from unjam.engine.acts.carry_out import FACTS_CHANGED
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.prepare import look_and_prepare
from unjam.engine.running.session import adopt
from unjam.errors import RefusedError

ROUNDS = 2  # in one run: a world that goes on changing is for the next one


def plan_anew(run: Recovery, before: Plan) -> Plan | None:
    """Look again and plan; None where nothing became untrue, or the new plan needs another approval.

    Where a person approved the plan before by its digest, whatever they would have been asked about
    has to be in it.
    """
    if not any(map(became_untrue, run.outcomes[run.planned_anew :])):
        return None
    try:
        prepared = look_and_prepare(run)
    except RefusedError:  # what is found afterwards says the rest
        return None
    if run.had_state and prepared.snapshot.state.readable is Truth.NO:
        return None  # gone since: what it said of each workstream is not over
    wanted, approved = _asked(run, prepared.plan.steps), _asked(run, before.steps)
    if not prepared.plan.steps or (run.permission.plan is not None and not wanted <= approved):
        return None
    plan = prepared.plan
    if not plan.restarts():  # that of the plan before is still to come
        plan = replace(plan, steps=(*plan.steps, *before.restarts()))
    run.planned_anew = len(run.outcomes)
    adopt(run, plan)
    return plan


def became_untrue(outcome: Outcome) -> bool:
    """Tell a step that was refused because the world had changed, or what it rests on was."""
    return outcome.word is StepWord.REFUSED and FACTS_CHANGED in outcome.sentence


def _asked(run: Recovery, steps: tuple[Step, ...]) -> set[tuple[str, str]]:
    asked = (one for one in steps if run.policy.approval(one.step_class) is Consent.ASK)
    return {(one.verb, one.subject) for one in asked}
