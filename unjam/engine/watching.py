"""Look closely at agents that have shown no sign of life for long: twice, a moment apart.

Only they are looked at, so that a check of a healthy orchestration neither asks nor waits.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unjam.adapters import clock, files
from unjam.adapters.git.observing.beginning import Begun
from unjam.adapters.processes.look import Wanted, instant, look, uncollected
from unjam.domain.agent_hang import agents_in, candidates
from unjam.domain.diagnosis import DETECTORS
from unjam.domain.finding import Scenario
from unjam.domain.signs import Look, Pulse, Watched
from unjam.domain.snapshot import Snapshot, Worktree
from unjam.engine.observe import observe, with_signs_of_life
from unjam.engine.orchestration import Orchestration


def observe_for(
    orchestration: Orchestration, scenarios: Collection[Scenario], begun: Begun | None = None
) -> Snapshot:
    """Observe everything; for lost objects too where damage was asked for by name."""
    by_name = Scenario.WORKTREE_CORRUPTION in scenarios and len(scenarios) < len(DETECTORS)
    snapshot = observe(orchestration, objects=by_name, begun=begun)
    # Whoever is gone without an orchestrator is a crash's to report: a thousand of them are not
    # looked at a second time.
    crashed = Scenario.ORCHESTRATOR_CRASH in scenarios and not any(snapshot.orchestrators())
    return watched(orchestration, snapshot, gone=not crashed)


def observe_closely(
    orchestration: Orchestration,
    earlier: Mapping[str, Look] | None = None,
    *,
    objects: bool = False,
) -> Snapshot:
    """Observe everything, and watch the agents that are suspected to hang.

    ``earlier`` are looks of a previous observation, by worktree: they take the place of waiting.
    """
    return watched(orchestration, observe(orchestration, objects=objects), earlier)


def watched(
    orchestration: Orchestration,
    snapshot: Snapshot,
    earlier: Mapping[str, Look] | None = None,
    *,
    gone: bool = True,
) -> Snapshot:
    """Add a close look at every agent that is overdue and silent, be it that it is gone."""
    overdue = candidates(snapshot, orchestration.settings.hang.after)
    there = (tree for tree in overdue if gone or any(agents_in(tree.name, snapshot)))
    silent = tuple(_silent(there, snapshot, orchestration))
    if not silent:
        return snapshot
    return replace(snapshot, watched=_watch(orchestration, snapshot, silent, earlier or {}))


def watched_again(orchestration: Orchestration, snapshot: Snapshot, worktree: str) -> Snapshot:
    """Look closely at one agent once more, right before it is stopped."""
    trees = [tree for tree in snapshot.worktrees if tree.name == worktree]
    silent = tuple(_silent(trees, snapshot, orchestration))
    return replace(snapshot, watched=_watch(orchestration, snapshot, silent, {}))


_LONG_AGO = 0.5  # seconds; an earlier look that is younger says nothing


@dataclass(frozen=True, slots=True)
class _Silent:
    """A worktree in which nothing changed for long, and what changed last."""

    tree: Worktree
    last_sign: datetime | None
    sign: str


def _silent(
    trees: Iterable[Worktree], snapshot: Snapshot, orchestration: Orchestration
) -> Iterator[_Silent]:
    """Drop those that wrote something lately; the cheap signs are asked first."""
    since = snapshot.observed_at - orchestration.settings.hang.after
    is_alone = not any(snapshot.orchestrators())
    for tree in trees:
        if is_alone and not any(agents_in(tree.name, snapshot)):
            yield _Silent(tree, None, "")  # nobody is left who could show a sign
            continue
        newest = _Silent(tree, None, "")
        for when, what in _signs(tree, snapshot, since):
            if when is not None and (newest.last_sign is None or when > newest.last_sign):
                newest = _Silent(tree, when, what)
            if newest.last_sign is not None and newest.last_sign > since:
                break
        else:
            yield newest


def _signs(
    tree: Worktree, snapshot: Snapshot, since: datetime
) -> Iterator[tuple[datetime | None, str]]:
    (touched,) = with_signs_of_life(replace(snapshot, worktrees=(tree,))).worktrees
    yield touched.touched_at, "its index, its reflog or an unsaved file"
    yield from _logs(tree, snapshot)
    yield files.newest_below(Path(tree.path), since), "a file in its worktree"


def _logs(tree: Worktree, snapshot: Snapshot) -> Iterator[tuple[datetime, str]]:
    """Yield the logs that are named after the workstream, its agent or its worktree."""
    rows = (row for row in snapshot.state.rows if row.workstream == tree.workstream)
    agent = next((row.agent for row in rows), None)
    names = [re.escape(one) for one in (tree.name, tree.workstream, agent) if one]
    named = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(names)})(?![A-Za-z0-9])")
    for log in snapshot.logs:
        if named.search(log.path.name):
            yield log.written_at, f"its log {log.path.name}"


def _watch(
    orchestration: Orchestration,
    snapshot: Snapshot,
    silent: tuple[_Silent, ...],
    earlier: Mapping[str, Look],
) -> tuple[Watched, ...]:
    settings = orchestration.settings
    wanted = {one.tree.name: _wanted(one.tree, snapshot) for one in silent}
    living = {name: one for name, one in wanted.items() if one.roots}
    interval = settings.hang.interval.total_seconds()
    missing = {
        name: one
        for name, one in living.items()
        if name not in earlier
        or not _serves(earlier[name], one, instant() - min(interval, _LONG_AGO))
    }
    before = dict(earlier) | look(missing, settings.orchestration.agents)
    if missing:
        clock.pause(interval)
    now = look(living, settings.orchestration.agents)
    ended = tuple(_ended(snapshot)) if living.keys() != wanted.keys() else ()
    nobody = Look(0.0, "", (), ended)
    return tuple(
        Watched(
            worktree=one.tree.name,
            patience=settings.hang.after,
            before=before.get(one.tree.name, nobody) if one.tree.name in living else nobody,
            now=now.get(one.tree.name, nobody),
            last_sign=one.last_sign,
            sign=one.sign,
        )
        for one in silent
    )


def _serves(before: Look, wanted: Wanted, until: float) -> bool:
    """Tell whether an earlier look is one at the same processes, and old enough."""
    return {pid for pid, _ in before.roots} == set(wanted.roots) and before.at <= until


def _wanted(tree: Worktree, snapshot: Snapshot) -> Wanted:
    roots = tuple(one.identity.pid for one in agents_in(tree.name, snapshot))
    return Wanted(roots, Path(tree.path))


def _ended(snapshot: Snapshot) -> Iterator[Pulse]:
    """Yield what the orchestrator started and has not collected; whose it was cannot be told."""
    for boss in snapshot.orchestrators():
        yield from uncollected(boss.identity.pid)
