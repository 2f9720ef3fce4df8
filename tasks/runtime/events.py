"""Events that unjam emits: what of a repository an automation can wait for, and what it is told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.events import emit_event

from unjam.adapters import machine
from unjam.domain.reports.check_report import Document
from unjam.domain.world.finding import Finding
from unjam.domain.world.words import printable


def tell_of_finding(repo: Path, finding: Finding) -> None:
    """Tell that this was found, and was not at the last look."""
    told = {
        "scenario": str(finding.scenario),
        "fingerprint": finding.fingerprint,
        "severity": str(finding.severity),
        "summary": printable(finding.summary),
        "workstreams": [printable(one) for one in finding.workstreams],
    }
    _emit(f"unjam.finding.{finding.scenario}", repo, told)


def tell_of_run(
    word: str, summary: str, parameters: Mapping[str, Any], document: Document | None = None
) -> None:
    """Tell that a recovery, a reset, an undo or an escalation has ended, and with which word."""
    known = document or {}
    told = {
        "word": str(word),
        "summary": printable(summary),
        "run": known.get("run"),
        "undo": known.get("undo"),
        "escalated": known.get("escalated") or known.get("bundle"),
    }
    _emit(f"unjam.recovery.{word.replace(' ', '_')}", Path(parameters["repo"]).resolve(), told)


def _emit(event: str, repo: Path, told: dict[str, Any]) -> None:
    emit_event(
        event=event,
        resource={
            "prefect.resource.id": f"unjam.repository.{machine.mark(repo)}",
            "prefect.resource.name": printable(repo.name),
            "unjam.repository": printable(str(repo)),
            "unjam.machine": printable(machine.shown()),
        },
        payload={"repo": printable(str(repo)), **told},
    )
