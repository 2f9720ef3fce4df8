"""Escalate: hand over to a person what recoveries did not clear."""

from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.adapters.machine import key
from unjam.domain.world.finding import Finding
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.prepare import Prepared
from unjam.engine.telling.escalate import escalate_now, escalate_repeated
from unjam.engine.telling.escalation_bundle import read_page


@task(task_run_name="look whether it was in vain", **RETRY_TRANSIENT)
def escalate(run: Recovery, prepared: Prepared, after: tuple[Finding, ...]) -> str | None:
    """Hand over to a person what this run, the last that is allowed, did not clear."""
    bundle = escalate_repeated(run, prepared.findings, after)
    _publish(run, bundle)
    return bundle


@task(task_run_name="hand over to a person", **RETRY_TRANSIENT)
def call_person(run: Recovery, again: bool) -> dict[str, Any]:  # noqa: FBT001 -- the flow's own field
    """Hand over to a person everything that is found, and end the run."""
    document = escalate_now(run, again=again)
    _publish(run, document["bundle"])
    return document


def _publish(run: Recovery, bundle: str | None) -> None:
    if bundle is not None:
        get_run_logger().warning("a person is needed: %s", bundle)
        name = key("escalation", run.orchestration.primary)
        create_markdown_artifact(read_page(bundle), key=name, description=bundle)
