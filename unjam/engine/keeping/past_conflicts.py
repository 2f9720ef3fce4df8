"""How often what conflicted, as the journals tell: by workstream, by file, and by pairs of files."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from unjam.adapters import journal
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError

_LOOKED_AT = 500  # newest runs
_MOST_PATHS = 30  # of one conflict that are paired: each with each
_SHOWN = 5
_Counted = TypeVar("_Counted", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class Past:
    """One conflict of an earlier run."""

    workstream: str
    digest: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Conflicts counted; one that was met again and again is counted once."""

    conflicts: int
    by_workstream: tuple[tuple[str, int], ...]  # most first
    by_file: tuple[tuple[str, int], ...]
    by_pair: tuple[tuple[tuple[str, str], int], ...]  # files that conflicted together


def conflict_statistics(orchestration: Orchestration) -> Statistics:
    """Count the conflicts of the journals."""
    return count_conflicts(_past(orchestration))


def count_conflicts(conflicts: Iterable[Past]) -> Statistics:
    """Count each conflict once."""
    once = {(one.workstream, one.digest): one for one in conflicts}.values()
    streams = Counter(one.workstream for one in once)
    paths = Counter(path for one in once for path in one.paths)
    pairs = Counter(
        pair for one in once for pair in combinations(sorted(one.paths)[:_MOST_PATHS], 2)
    )
    return Statistics(len(once), _most(streams), _most(paths), _most(pairs))


def earlier_conflicts(
    orchestration: Orchestration, digest: str, paths: Iterable[str]
) -> tuple[str, ...]:
    """Say of these files how often they conflicted before this conflict."""
    before = count_conflicts(one for one in _past(orchestration) if one.digest != digest)
    times = dict(before.by_file)
    found = sorted(((times[one], one) for one in paths if one in times), reverse=True)
    return tuple(
        f"{path}: {count} time{'s' * (count > 1)} before" for count, path in found[:_SHOWN]
    )


def _past(orchestration: Orchestration) -> Iterator[Past]:
    for run in journal.runs(orchestration.common)[-_LOOKED_AT:]:
        try:
            records = journal.read(orchestration.common, run)
        except UnjamError:
            continue
        for one in records:
            if one.get("event") == "conflict":
                paths = one.get("paths")
                named = tuple(map(str, paths)) if isinstance(paths, list) else ()
                yield Past(str(one.get("workstream")), str(one.get("digest")), named)


def _most(counts: Counter[_Counted]) -> tuple[tuple[_Counted, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
