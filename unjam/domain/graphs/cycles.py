"""Cycles of a directed graph: its knots, a short cycle in each, and an order where there is none.

An edge leads from what waits to what it waits for. All of it runs in time linear in nodes and
edges, without recursion: ten thousand workstreams in one chain are no deeper than ten.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=str)
Waits = Mapping[Node, Collection[Node]]
Path = tuple[Node, ...]
_LARGE = 1000  # nodes; in a larger knot any short cycle is as good for a reader


def cyclic_groups(waits: Waits[Node]) -> tuple[tuple[Node, ...], ...]:
    """Return the members of every strongly connected component of two or more, each sorted."""
    order = _finished(waits)
    waited_for_by: dict[Node, list[Node]] = {}
    for one, others in waits.items():
        for other in others:
            waited_for_by.setdefault(other, []).append(one)
    seen: set[Node] = set()
    found = []
    for root in reversed(order):
        if root not in seen:
            members = tuple(_spread(root, waited_for_by, seen))
            if len(members) > 1:
                found.append(tuple(sorted(members)))
    return tuple(sorted(found))


def inside(waits: Waits[Node], members: Iterable[Node]) -> dict[Node, tuple[Node, ...]]:
    """Return what members of a knot wait for of one another, in a stable order; no node of itself."""
    own = frozenset(members)
    return {
        one: tuple(sorted({other for other in waits.get(one, ()) if other in own and other != one}))
        for one in sorted(own)
    }


def short_cycle(knot: Waits[Node], starts: int = 32) -> Path[Node]:
    """Return a cycle of a knot, the shortest through any of its first ``starts`` nodes.

    A cycle is the nodes once each: every one waits for the next, and the last for the first.
    """
    best: Path[Node] = ()
    for start in list(knot)[: starts if len(knot) < _LARGE else 2]:
        found = path_back(knot, start, shorter_than=len(best) or len(knot) + 1)
        if found:
            best = found
        if len(best) == 2:  # noqa: PLR2004 -- no cycle of a knot is shorter
            break
    return best


def path_back(knot: Waits[Node], start: Node, shorter_than: int) -> Path[Node]:
    """Return the shortest cycle through a node; empty if none has fewer nodes than that."""
    return path_between(knot, start, start, shorter_than)


def path_between(knot: Waits[Node], start: Node, end: Node, shorter_than: int) -> Path[Node]:
    """Return the shortest way from start until the node before end; empty if there is none so short."""
    came_from: dict[Node, Node | None] = {start: None}
    depth = {start: 1}
    queue = deque((start,))
    while queue:
        one = queue.popleft()
        if depth[one] >= shorter_than:
            return ()
        for other in knot.get(one, ()):
            if other == end:
                return tuple(reversed(list(_trail(one, came_from))))
            if other not in came_from:
                came_from[other], depth[other] = one, depth[one] + 1
                queue.append(other)
    return ()


def in_order(waits: Waits[Node]) -> tuple[Node, ...]:
    """Return all that can have its turn, what is waited for first; in no cycle, and behind none."""
    waiting = {one: len(set(others)) for one, others in waits.items()}
    waited_for_by: dict[Node, list[Node]] = {}
    for one, others in waits.items():
        for other in set(others):
            waiting.setdefault(other, 0)
            waited_for_by.setdefault(other, []).append(one)
    ordered = [one for one, count in waiting.items() if not count]
    for one in ordered:  # it grows while it is read
        for behind in waited_for_by.get(one, ()):
            waiting[behind] -= 1
            if not waiting[behind]:
                ordered.append(behind)
    return tuple(ordered)


def _finished(waits: Waits[Node]) -> list[Node]:
    """Return the nodes in the order in which a walk in depth leaves them."""
    left: list[Node] = []
    seen: set[Node] = set()
    for root in waits:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(waits[root]))]
        while stack:
            node, others = stack[-1]
            fresh = next((other for other in others if other not in seen), None)
            if fresh is None:
                left.append(node)
                stack.pop()
            else:
                seen.add(fresh)
                stack.append((fresh, iter(waits.get(fresh, ()))))
    return left


def _spread(root: Node, edges: Mapping[Node, Collection[Node]], seen: set[Node]) -> Iterator[Node]:
    seen.add(root)
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        for other in edges.get(node, ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)


def _trail(node: Node, came_from: Mapping[Node, Node | None]) -> Iterator[Node]:
    step: Node | None = node
    while step is not None:
        yield step
        step = came_from[step]
