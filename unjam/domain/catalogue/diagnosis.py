"""Run the detectors over a snapshot."""

from collections.abc import Iterable

from unjam.domain.catalogue.scenarios import SCENARIOS, Need, needing
from unjam.domain.world.finding import Finding, Severity, Subject
from unjam.domain.world.identity import Scenario, WorkstreamId
from unjam.domain.world.snapshot import Snapshot


def diagnose(
    snapshot: Snapshot,
    scenarios: Iterable[Scenario] = tuple(SCENARIOS),
    workstreams: frozenset[WorkstreamId] | None = None,
) -> tuple[Finding, ...]:
    """Return the findings of these scenarios; with ``workstreams``, only what concerns them.

    What several scenarios find, such as the lock of a dead process, is the first one's to report.
    While the trunk is damaged, nothing else can be told: that comes first, whatever was asked.
    """
    if snapshot.trunk_damaged:
        readers = (row for row in SCENARIOS.values() if row.reads_damage)
        return tuple(one for row in readers for one in row.findings(snapshot))
    found: dict[tuple[str, tuple[Subject, ...]], Finding] = {}
    for scenario in scenarios:
        for finding in SCENARIOS[scenario].findings(snapshot):
            if workstreams is None or workstreams & set(finding.workstreams):
                found.setdefault((finding.cause, finding.subjects), finding)
    return tuple(found.values())


def disorder(snapshot: Snapshot) -> tuple[Finding, ...]:
    """Find what no order of work could satisfy, or what would be waited for in vain."""
    return tuple(one for row in needing(Need.ORDER) for one in row.findings(snapshot))


def waits_in_vain(snapshot: Snapshot) -> str:
    """Say what an orchestrator that is started now would sleep on for ever; nothing if it can work."""
    errors = (one for one in disorder(snapshot) if one.severity is Severity.ERROR)
    return next((one.summary for one in errors), "")
