"""Run the detectors over a snapshot."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from unjam.domain.scenarios.conflict.find import find_merge_conflict
from unjam.domain.scenarios.corruption.find import find_worktree_corruption
from unjam.domain.scenarios.crash.find import find_orchestrator_crash
from unjam.domain.scenarios.database.find import find_database_lock
from unjam.domain.scenarios.deadlock.find import find_dependency_deadlock
from unjam.domain.world.finding import Finding, Scenario, Subject
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Snapshot

Detector = Callable[[Snapshot], Iterator[Finding]]


def _find_agent_hang(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.watched:
        # Most checks suspect nobody, and must answer in a blink.
        from unjam.domain.scenarios.hang.find import find_agent_hang

        yield from find_agent_hang(snapshot)


def _find_failing_merge(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.tests is not None:
        # In most repositories no tests were ever asked for.
        from unjam.domain.scenarios.failing_merge.find import find_failing_merge

        yield from find_failing_merge(snapshot)


DETECTORS: Mapping[Scenario, Detector] = {
    Scenario.ORCHESTRATOR_CRASH: find_orchestrator_crash,
    Scenario.AGENT_HANG: _find_agent_hang,
    Scenario.WORKTREE_CORRUPTION: find_worktree_corruption,
    Scenario.DATABASE_LOCK: find_database_lock,
    Scenario.MERGE_CONFLICT: find_merge_conflict,
    Scenario.DEPENDENCY_DEADLOCK: find_dependency_deadlock,
    Scenario.FAILING_MERGE: _find_failing_merge,
}


def asks_for_tests(scenarios: Collection[Scenario]) -> bool:
    """Tell whether tests may be run: only where failing merges were asked for by name.

    They take long and run agents' code; everything at once makes do with what is on record.
    """
    return Scenario.FAILING_MERGE in scenarios and len(scenarios) < len(DETECTORS)


def diagnose(
    snapshot: Snapshot,
    scenarios: Iterable[Scenario] = tuple(DETECTORS),
    workstreams: frozenset[WorkstreamId] | None = None,
) -> tuple[Finding, ...]:
    """Return the findings of these scenarios; with ``workstreams``, only what concerns them.

    What several scenarios find, such as the lock of a dead process, is the first one's to report.
    While the trunk is damaged, nothing else can be told: that comes first, whatever was asked.
    """
    if snapshot.trunk_damaged:
        return tuple(find_worktree_corruption(snapshot))
    found: dict[tuple[str, tuple[Subject, ...]], Finding] = {}
    for scenario in scenarios:
        for finding in DETECTORS[scenario](snapshot):
            if workstreams is None or workstreams & set(finding.workstreams):
                found.setdefault((finding.cause, finding.subjects), finding)
    return tuple(found.values())
