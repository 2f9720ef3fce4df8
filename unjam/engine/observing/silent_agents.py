"""Look closely at agents that have shown no sign of life for long: twice, a moment apart; kept apart for import time."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from unjam.adapters import clock, files
from unjam.adapters.processes.looking.agent_tree import (
    WantedAgent,
    instant,
    look_at_agents,
    uncollected,
)
from unjam.domain.world.agents.overdue import agents_in
from unjam.domain.world.agents.signs import Look, Pulse, Watched
from unjam.domain.world.lookups import row_named, state_is_known
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.engine.observing.observe import with_signs_of_life
from unjam.engine.orchestration import Orchestration

_LONG_AGO = 0.5  # seconds; an earlier look that is younger says nothing


@dataclass(frozen=True, slots=True)
class _Silent:
    """A worktree in which nothing changed for long, and what changed last."""

    tree: Worktree
    last_sign: datetime | None
    sign: str


def watch_silent_agents(
    orchestration: Orchestration,
    snapshot: Snapshot,
    trees: Iterable[Worktree],
    earlier: Mapping[str, Look],
) -> tuple[Watched, ...]:
    """Watch those of the worktrees that are silent; none of them, nothing is asked."""
    silent = tuple(_silent(trees, snapshot, orchestration))
    if not silent:
        return ()
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
    before = dict(earlier) | look_at_agents(missing, settings.orchestration.agents)
    if missing:
        clock.pause(interval)
    now = look_at_agents(living, settings.orchestration.agents)
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
    """Yield the logs that are named after the workstream, its agent or its worktree.

    Where its agent cannot be told, any log may be its own: a sign too many stops nobody.
    """
    if not state_is_known(snapshot):
        yield from ((log.written_at, f"a log, {log.path.name}") for log in snapshot.logs)
        return
    row = row_named(tree.workstream, snapshot)
    agent = row.agent if row else None
    names = [re.escape(one) for one in (tree.name, tree.workstream, agent) if one]
    named = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(names)})(?![A-Za-z0-9])")
    for log in snapshot.logs:
        if named.search(log.path.name):
            yield log.written_at, f"its log {log.path.name}"


def _serves(before: Look, wanted: WantedAgent, until: float) -> bool:
    """Tell whether an earlier look is one at the same processes, and old enough."""
    return {pid for pid, _ in before.roots} == set(wanted.roots) and before.at <= until


def _wanted(tree: Worktree, snapshot: Snapshot) -> WantedAgent:
    roots = tuple(one.identity.pid for one in agents_in(tree.name, snapshot))
    return WantedAgent(roots, Path(tree.path))


def _ended(snapshot: Snapshot) -> Iterator[Pulse]:
    """Yield what the orchestrator started and has not collected; whose it was cannot be told."""
    for boss in snapshot.orchestrators():
        yield from uncollected(boss.identity.pid)
