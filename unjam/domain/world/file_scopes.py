"""Workstreams that were ordered to change the same files at the same time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations

from unjam.domain.world.identity import WorkstreamId

Pair = tuple[WorkstreamId, WorkstreamId]
_WILD = frozenset("*?[")


def colliding(
    scopes: Mapping[WorkstreamId, Sequence[str]],
    depends_on: Mapping[WorkstreamId, Iterable[WorkstreamId]],
) -> Iterator[tuple[Pair, str]]:
    """Yield pairs that share files and of which neither waits for the other, with one such file."""
    for pair, shared in sorted(_sharing(scopes).items()):
        one, other = pair
        if not _waits(one, other, depends_on) and not _waits(other, one, depends_on):
            yield pair, shared


def overlap(one: str, other: str) -> bool:
    """Tell whether two scopes (a file, a directory, or a pattern) can name the same file."""
    one, other = _tidy(one), _tidy(other)
    if _is_below(one, other) or _is_below(other, one):
        return True
    if not (_WILD & set(one) or _WILD & set(other)):
        return False
    fits = fnmatchcase(one, other) or fnmatchcase(other, one)
    both = bool(_WILD & set(one) and _WILD & set(other))
    return fits or (both and _literal(one).startswith(_literal(other)) and _ends_alike(one, other))


def _sharing(scopes: Mapping[WorkstreamId, Sequence[str]]) -> dict[Pair, str]:
    """Compare only what begins alike; a pattern that begins with a wildcard is compared with all."""
    found: dict[Pair, str] = {}
    near = defaultdict[str, list[tuple[WorkstreamId, str]]](list)
    everywhere: list[tuple[WorkstreamId, str]] = []
    for workstream, named in scopes.items():
        for scope in named:
            first = _tidy(scope).partition("/")[0]
            wild = not first or bool(_WILD & set(first))
            (everywhere if wild else near[first]).append((workstream, scope))
    groups = [*near.values(), []] if near else [[]]
    for group in groups:
        for (one, a), (other, b) in combinations([*group, *everywhere], 2):
            if one != other and overlap(a, b):
                pair = (one, other) if one < other else (other, one)
                found.setdefault(pair, max(a, b, key=len))
    return found


def _waits(
    one: WorkstreamId,
    other: WorkstreamId,
    depends_on: Mapping[WorkstreamId, Iterable[WorkstreamId]],
) -> bool:
    seen, left = {one}, [one]
    while left:
        for need in depends_on.get(left.pop(), ()):
            if need == other:
                return True
            if need not in seen:
                seen.add(need)
                left.append(need)
    return False


def _tidy(scope: str) -> str:
    return (
        scope.strip().removeprefix("./").removesuffix("/**").removesuffix("/").replace("**/", "*")
    )


def _is_below(one: str, other: str) -> bool:
    return one == other or (bool(other) and one.startswith(f"{other}/"))


def _literal(scope: str) -> str:
    return scope[: next((at for at, one in enumerate(scope) if one in _WILD), len(scope))]


def _ends_alike(one: str, other: str) -> bool:
    a, b = one.rpartition("*")[2], other.rpartition("*")[2]
    return a.endswith(b) or b.endswith(a)
