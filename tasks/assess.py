"""Assess: observe, diagnose, and plan; changes nothing."""

from prefect import get_run_logger, task

from tasks.retrying import RETRY_TRANSIENT
from unjam.domain.finding import Finding, Scenario
from unjam.domain.words import printable
from unjam.engine.prepare import Prepared, look_again, prepare
from unjam.engine.recovery import Recovery
from unjam.engine.resetting import prepare_reset


@task(task_run_name="assess", **RETRY_TRANSIENT)
def assess(run: Recovery, scenarios: tuple[Scenario, ...]) -> Prepared:
    """Observe the whole orchestration, find what is wrong, and plan the way out."""
    prepared = prepare(run.look_for(scenarios), run.policy, run.workstreams, scenarios, run.killed)
    logger = get_run_logger()
    for finding in prepared.findings:
        logger.info(printable(finding.summary))
    return prepared


@task(task_run_name="verify the recovery", **RETRY_TRANSIENT)
def assess_again(run: Recovery, scenarios: tuple[Scenario, ...]) -> tuple[Finding, ...]:
    """Observe afresh and return what is still found: the proof, or the lack of it."""
    return look_again(run, scenarios)


@task(task_run_name="assess", **RETRY_TRANSIENT)
def assess_reset(run: Recovery) -> Prepared:
    """Observe the whole orchestration, and plan how all of it goes into the vault."""
    return prepare_reset(run)
