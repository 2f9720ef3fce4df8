"""Which of several smallest cuts to propose, and why that one."""

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import PurePosixPath

from unjam.domain.graphs.cycles import inside
from unjam.domain.graphs.smallest_cut import Cut, smallest_cut
from unjam.domain.world.dependencies import Waiting
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Added, Spec

_WILD = "*?["
_APART, _UNTOLD, _TOGETHER = range(3)  # how little a cut hurts, by the files both sides touch

_Edge = tuple[WorkstreamId, WorkstreamId]


def cut_of(members: tuple[WorkstreamId, ...], found: Waiting) -> Cut:
    """Propose the smallest cut of a knot: of equal ones, what came last into Git's history.

    Where history does not tell, what ties workstreams together that touch different files.
    """
    knot = inside(found.waits, members)
    edges = [(one, other) for one, others in knot.items() for other in others]
    ages = {edge: _age(edge, found) for edge in edges}
    rank = {age: number for number, age in enumerate(sorted(set(ages.values()), reverse=True))}
    dear: dict[tuple[str, str], int] = {
        edge: 3 * min(rank[ages[edge]], 300) + _scopes(edge, found.specs) for edge in edges
    }
    return smallest_cut(knot, dear)


def why(edge: _Edge, cut: Cut, members: tuple[WorkstreamId, ...], found: Waiting) -> str:
    """Say why an entry is to go."""
    return "; ".join(_reasons(edge, cut, members, found))


def _reasons(
    edge: _Edge, cut: Cut, members: tuple[WorkstreamId, ...], found: Waiting
) -> Iterator[str]:
    count = len(cut.edges)
    size = "the smallest cut" if cut.smallest else "a small cut"
    entries = "this entry alone" if count == 1 else f"{count} entries, this one among them,"
    yield f"{entries} is {size} of a cycle of {len(members)}"
    added = _added(edge, found)
    if added is not None:
        last = all(_not_later(other, added, found) for other in _others(members, found))
        which = ", after every other of the cycle" if last else ""
        yield f"it was added on {added.at:%Y-%m-%d} in {added.commit[:12]}{which}"
    files = _scopes(edge, found.specs)
    if files == _APART:
        yield "the two touch different files"
    elif files == _TOGETHER:
        yield "both touch the same files, so look at the order yourself"


def _others(members: tuple[WorkstreamId, ...], found: Waiting) -> Iterator[_Edge]:
    for one, others in inside(found.waits, members).items():
        yield from ((one, other) for other in others)


def _not_later(edge: _Edge, added: Added, found: Waiting) -> bool:
    other = _added(edge, found)
    return other is not None and (other.place < added.place or other == added)


def _added(edge: _Edge, found: Waiting) -> Added | None:
    spec = found.specs.get(edge[0])
    entries = spec.added if spec else ()
    return next((one for one in entries if one.dependency == edge[1]), None)


def _age(edge: _Edge, found: Waiting) -> float:
    """Say where in history an entry was added; what is not in it yet is the newest."""
    added = _added(edge, found)
    return added.place if added else inf


def _scopes(edge: _Edge, specs: Mapping[WorkstreamId, Spec]) -> int:
    """Compare the files that both sides say they touch."""
    one, other = (specs[name].files_scope if name in specs else () for name in edge)
    if not one or not other:
        return _UNTOLD
    touch = any(_meet(mine, yours) for mine in one for yours in other)
    return _TOGETHER if touch else _APART


def _meet(one: str, other: str) -> bool:
    """Tell whether two patterns may name the same file, by what stands before their first wildcard."""
    first, second = _fixed(one), _fixed(other)
    return first[: len(second)] == second[: len(first)]


def _fixed(pattern: str) -> tuple[str, ...]:
    parts = PurePosixPath(pattern).parts
    wild = next((place for place, part in enumerate(parts) if set(part) & set(_WILD)), len(parts))
    return parts[:wild]
