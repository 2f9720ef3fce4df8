"""Where directories of worktrees were moved to, when that is not where worktrees are made.

Somebody has to name the place: a process that works there, a row, or a directory that was put
around it. The disk is not searched.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.mending.strays import find_elsewhere
from unjam.adapters.git.observing.facts import GitFacts
from unjam.adapters.processes.table import working_directories
from unjam.domain.world.damage import Damage
from unjam.domain.world.snapshot import State, Stray, Worktree
from unjam.engine.orchestration import Orchestration


def with_moved_away(orchestration: Orchestration, facts: GitFacts, state: State) -> GitFacts:
    """Tell a worktree whose directory was moved away from one whose directory is gone."""
    gone = {one.name: Path(one.admin) for one in facts.worktrees if Damage.GONE in one.damage}
    if not gone:
        return facts
    found = find_elsewhere(gone, _hints(orchestration, facts.strays, state))
    around = {above for place in found.values() for above in place.parents}
    return facts._replace(
        worktrees=tuple(_moved(one, found.get(one.name)) for one in facts.worktrees),
        strays=tuple(one for one in facts.strays if Path(one.path) not in around),
    )


def _moved(one: Worktree, place: Path | None) -> Worktree:
    if place is None:
        return one
    left = tuple(each for each in one.damage if each is not Damage.GONE)
    return replace(one, damage=(Damage.MOVED, *left), moved_to=place)


def _hints(orchestration: Orchestration, strays: tuple[Stray, ...], state: State) -> Iterator[Path]:
    yield from (Path(one) for one in working_directories())
    for row in state.rows:
        for _, value in row.values:
            if isinstance(value, str) and "/" in value and "\0" not in value:
                yield orchestration.below(value)
    for stray in strays:
        yield from files.children(Path(stray.path))
