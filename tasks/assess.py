"""Assess: observe, diagnose, plan, and survey what must hold around a run; changes nothing."""

from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.runtime.arguments import given_whole
from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.adapters.machine import key
from unjam.domain.readiness.checks import readiness_document
from unjam.domain.reports.markdown import readiness_page
from unjam.domain.steps.plan import Plan
from unjam.domain.world.finding import Finding
from unjam.domain.world.words import printable
from unjam.engine.acts.recovery import Recovery
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.prepare import Prepared, look_again, look_and_prepare
from unjam.engine.running.replanning import became_untrue, plan_anew
from unjam.engine.running.reset import prepare_reset
from unjam.engine.telling.progress import look_at_progress
from unjam.engine.telling.survey import check_after, check_before


@task(task_run_name="assess", **RETRY_TRANSIENT)
def assess(run: Recovery) -> Prepared:
    """Observe the whole orchestration, find what is wrong, and plan the way out."""
    prepared = look_and_prepare(run)
    logger = get_run_logger()
    for finding in prepared.findings:
        logger.info(printable(finding.summary))
    return prepared


def assess_anew(run: Recovery, before: Plan) -> Plan | None:
    """Plan anew what was refused because the facts had changed; no task where nothing was."""
    if not any(map(became_untrue, run.outcomes[run.planned_anew :])):
        return None
    return given_whole(_assess_anew)(run, before)


@task(task_run_name="assess anew", **RETRY_TRANSIENT)
def _assess_anew(run: Recovery, before: Plan) -> Plan | None:
    return plan_anew(run, before)


@task(task_run_name="verify the recovery", **RETRY_TRANSIENT)
def assess_again(run: Recovery) -> tuple[Finding, ...]:
    """Observe afresh and return what is still found: the proof, or the lack of it."""
    return look_again(run)


@task(task_run_name="assess", **RETRY_TRANSIENT)
def assess_reset(run: Recovery) -> Prepared:
    """Observe the whole orchestration, and plan how all of it goes into the vault."""
    return prepare_reset(run)


@task(task_run_name="check before a run", **RETRY_TRANSIENT)
def survey_before(orchestration: Orchestration) -> dict[str, Any]:
    """Check what a run needs."""
    snapshot, checks = check_before(orchestration)
    return _told(orchestration, readiness_document("preflight", snapshot, checks))


@task(task_run_name="check after a run", **RETRY_TRANSIENT)
def survey_after(orchestration: Orchestration, verify: bool) -> dict[str, Any]:  # noqa: FBT001 -- the flow's own field
    """Check what a run has left."""
    snapshot, checks = check_after(orchestration, verify=verify)
    return _told(orchestration, readiness_document("postflight", snapshot, checks))


def _told(orchestration: Orchestration, document: dict[str, Any]) -> dict[str, Any]:
    logger = get_run_logger()
    for one in document["checks"]:
        (logger.info if one["word"] == "ok" else logger.warning)(
            "%s: %s: %s", one["check"], one["word"], one["sentence"]
        )
    said = "ready" if document["ready"] else "not ready"
    name = key(document["kind"], orchestration.primary)
    create_markdown_artifact(readiness_page(document), key=name, description=said)
    return document


@task(task_run_name="look at the progress", **RETRY_TRANSIENT)
def survey_progress(orchestration: Orchestration) -> dict[str, Any]:
    """Tell how far and how fast it goes; a table of workstreams is its artifact."""
    document = look_at_progress(orchestration)
    rows = [{**one, "pids": ", ".join(map(str, one["pids"]))} for one in document["workstreams"]]
    if rows:
        name = key("progress", orchestration.primary)
        create_table_artifact(rows, key=name, description=str(document["counts"]))
    return document
