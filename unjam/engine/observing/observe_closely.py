"""Observe everything, and closely what is overdue: a check of a healthy orchestration asks nobody."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from unjam.adapters.git.observing.start import StartedReading
from unjam.domain.catalogue.scenarios import Need, is_by_name, needs_of
from unjam.domain.world.agents.overdue import agents_in, candidates
from unjam.domain.world.conflicts import has_work_of_its_own
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.engine.observing.observe import observe
from unjam.engine.observing.state_check import with_database
from unjam.engine.orchestration import Orchestration

if TYPE_CHECKING:
    from unjam.domain.world.agents.signs import Look


def observe_for(
    orchestration: Orchestration,
    scenarios: Collection[Scenario],
    begun: StartedReading | None = None,
    *,
    objects: bool = False,
) -> Snapshot:
    """Observe everything; for lost objects too where damage was asked for by name, or it is said."""
    needs, by_name = needs_of(scenarios), is_by_name(scenarios)
    for_objects = objects or (by_name and Need.OBJECTS in needs)
    snapshot = observe(orchestration, objects=for_objects, begun=begun)
    if Need.DATABASE in needs:
        snapshot = with_database(orchestration, snapshot, thorough=by_name)
    if Need.CLASHES in needs and any(map(has_work_of_its_own, snapshot.branches)):
        # Most healthy repositories have none: those need not wait for what merges.
        from unjam.engine.observing.conflict_prediction import with_clashes

        snapshot = with_clashes(orchestration, snapshot, all_of_them=by_name)
    # Whoever is gone without an orchestrator is a crash's to report: a thousand of them are not
    # looked at a second time.
    crashed = Need.ROWS in needs and not any(snapshot.orchestrators())
    return watched(orchestration, snapshot, gone=not crashed)


def observe_closely(
    orchestration: Orchestration,
    earlier: Mapping[str, "Look"] | None = None,
) -> Snapshot:
    """Observe everything, watch the agents that are suspected to hang, and glance at the state's file.

    ``earlier`` are looks of a previous observation, by worktree: they take the place of waiting.
    """
    return watched(orchestration, with_database(orchestration, observe(orchestration)), earlier)


def watched(
    orchestration: Orchestration,
    snapshot: Snapshot,
    earlier: Mapping[str, "Look"] | None = None,
    *,
    gone: bool = True,
) -> Snapshot:
    """Add a close look at every agent that is overdue and silent, be it that it is gone."""
    overdue = candidates(snapshot, orchestration.settings.hang.after)
    there = [tree for tree in overdue if gone or any(agents_in(tree.name, snapshot))]
    return _watched(orchestration, snapshot, there, earlier or {}) if there else snapshot


def watched_again(orchestration: Orchestration, snapshot: Snapshot, worktree: str) -> Snapshot:
    """Look closely at one agent once more, right before it is stopped."""
    trees = [tree for tree in snapshot.worktrees if tree.name == worktree]
    return _watched(orchestration, snapshot, trees, {})


def _watched(
    orchestration: Orchestration,
    snapshot: Snapshot,
    trees: Iterable[Worktree],
    earlier: Mapping[str, "Look"],
) -> Snapshot:
    # Most checks suspect nobody: those need not wait for what asks the system.
    from unjam.engine.observing.silent_agents import watch_silent_agents

    return replace(snapshot, watched=watch_silent_agents(orchestration, snapshot, trees, earlier))
