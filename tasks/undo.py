"""Undo: take one change of an earlier run back."""

from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact

from tasks.runtime.arguments import argument
from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.states import Ending
from tasks.runtime.step_log import told
from unjam.adapters.machine import key
from unjam.domain.reports.markdown import undo_page
from unjam.domain.steps.change import Change
from unjam.domain.steps.outcome import Outcome
from unjam.domain.world.words import printable
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.undo import change_in_words, preview_undo
from unjam.engine.running.undo import take_back as taken_back
from unjam.engine.telling.run_report import close, described_undo


def _name() -> str:
    return printable(f"undo {change_in_words(argument('change'))}")


@task(task_run_name="look whether the world has moved on", **RETRY_TRANSIENT)
def assess_undo(run: Recovery, past: str) -> tuple[Change, ...]:
    """Return what is to be taken back, newest first; raises RefusedError showing both sides."""
    return preview_undo(run.orchestration, past)


@task(task_run_name=_name, **RETRY_TRANSIENT)
def take_back(run: Recovery, change: Change) -> Ending[tuple[Outcome, ...]]:
    """Take one change back; taken back already is fine."""
    return told(run.settle((taken_back(run, change),)))


@task(task_run_name="report", **RETRY_TRANSIENT)
def report_undo(run: Recovery, past: str) -> dict[str, Any]:
    """End the undo with its word."""
    document = described_undo(run, past)
    create_markdown_artifact(
        undo_page(document),
        key=key("undo", run.orchestration.primary),
        description=document["word"],
    )
    close(run, document)
    return document
