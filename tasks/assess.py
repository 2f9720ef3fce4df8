"""Assess: observe, diagnose, and plan; changes nothing."""

from prefect import get_run_logger, task

from tasks.retrying import RETRY_TRANSIENT
from unjam.domain.steps.plan import Plan
from unjam.domain.world.finding import Finding, Scenario
from unjam.domain.world.words import printable
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.prepare import Prepared, look_again, prepare
from unjam.engine.running.replanning import became_untrue, plan_anew
from unjam.engine.running.reset import prepare_reset


@task(task_run_name="assess", **RETRY_TRANSIENT)
def assess(run: Recovery, scenarios: tuple[Scenario, ...]) -> Prepared:
    """Observe the whole orchestration, find what is wrong, and plan the way out."""
    prepared = prepare(run.look_for(scenarios), run.policy, run.workstreams, scenarios, run.killed)
    logger = get_run_logger()
    for finding in prepared.findings:
        logger.info(printable(finding.summary))
    return prepared


def assess_anew(
    run: Recovery, scenarios: tuple[Scenario, ...], before: Plan, *, as_seen: bool
) -> Plan | None:
    """Plan anew what was refused because the facts had changed; no task where nothing was."""
    if not any(map(became_untrue, run.outcomes[run.planned_anew :])):
        return None
    return _assess_anew(run, scenarios, before, as_seen=as_seen)


@task(task_run_name="assess anew", **RETRY_TRANSIENT)
def _assess_anew(
    run: Recovery, scenarios: tuple[Scenario, ...], before: Plan, *, as_seen: bool
) -> Plan | None:
    return plan_anew(run, scenarios, before, only_as_seen=as_seen)


@task(task_run_name="verify the recovery", **RETRY_TRANSIENT)
def assess_again(run: Recovery, scenarios: tuple[Scenario, ...]) -> tuple[Finding, ...]:
    """Observe afresh and return what is still found: the proof, or the lack of it."""
    return look_again(run, scenarios)


@task(task_run_name="assess", **RETRY_TRANSIENT)
def assess_reset(run: Recovery) -> Prepared:
    """Observe the whole orchestration, and plan how all of it goes into the vault."""
    return prepare_reset(run)
