"""The smallest cut: the fewest edges without which a knot has no cycle left.

It is the minimum feedback arc set, for which no fast way is known. Chains are drawn together
first, then small knots are solved over all their subsets and larger ones by branching on the edges
of a short cycle, which breaks most of them up at once. Where that runs out of its budget, the
answer is a good one, says that it may not be the smallest, and names how many must go at least.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from unjam.domain.graphs.cycles import Node, Waits, cyclic_groups, inside, path_between, short_cycle
from unjam.domain.graphs.ordering import good_order

EXACT = (
    12  # nodes of a knot, its chains drawn together, for which the answer is always the smallest
)
BUDGET = 2_000_000  # edges looked at while branching: about half a second
_ONE = 1 << 20  # the cost of one edge; reluctance only decides between cuts of the same size
_NEVER = 1 << 60
_ROUNDS = 16  # of looking for cycles that share no edge
_BRANCHED = 10_000  # edges; to look at a larger graph even once takes too long


@dataclass(frozen=True, slots=True)
class Cut:
    """Edges to remove; ``at_least`` as many must go in any case."""

    edges: tuple[tuple[str, str], ...]
    at_least: int

    @property
    def smallest(self) -> bool:
        """Tell whether it is proven that no cut has fewer edges."""
        return self.at_least == len(self.edges)


@dataclass(frozen=True, slots=True)
class _Bundle:
    """Edges that a cut takes all together or not at all."""

    cost: int
    edges: tuple[tuple[str, str], ...]


_Graph = dict[str, dict[str, _Bundle]]


@dataclass(frozen=True, slots=True)
class _Found:
    cost: int
    edges: tuple[tuple[str, str], ...]


class _TooLargeError(Exception):
    """The budget is used up; never leaves this module."""


def smallest_cut(knot: Waits[Node], reluctance: Mapping[tuple[str, str], int] | None = None) -> Cut:
    """Cut a knot; of several smallest cuts, take the one of the least reluctance in sum."""
    dear = reluctance or {}
    graph: _Graph = {
        one: {
            other: _Bundle(_ONE + min(dear.get((one, other), 0), 1000), ((one, other),))
            for other in others
        }
        for one, others in inside(knot, knot).items()
    }
    forced = _draw_together(graph)
    search = _Search(budget=BUDGET)
    rough = _rough(graph)
    try:
        better = search.cheapest(graph, rough.cost + 1)
    except _TooLargeError:
        least = _disjoint_cycles(graph, _NEVER) // _ONE
        edges = (*forced.edges, *rough.edges)
        return Cut(tuple(sorted(edges)), min(len(edges), len(forced.edges) + least))
    edges = (*forced.edges, *(better or rough).edges)
    return Cut(tuple(sorted(edges)), len(edges))


def _draw_together(graph: _Graph) -> _Found:
    """Make one edge of every chain, its cheaper half; cut at once what then leads to itself."""
    before: dict[str, set[str]] = {node: set() for node in graph}
    for node, others in graph.items():
        for other in others:
            before[other].add(node)
    forced: list[_Bundle] = []
    todo = sorted(graph)
    while todo:
        node = todo.pop()
        if node not in graph or len(before[node]) != 1 or len(graph[node]) != 1:
            continue
        (first,), ((last, out),) = before[node], graph[node].items()
        chain = min(graph[first].pop(node), out, key=lambda one: (one.cost, one.edges))
        before[last].discard(node)
        del graph[node], before[node]
        if first == last:
            forced.append(chain)
        else:
            beside = graph[first].get(last, _Bundle(0, ()))
            graph[first][last] = _Bundle(beside.cost + chain.cost, (*beside.edges, *chain.edges))
            before[last].add(first)
        todo += [first, last]
    return _Found(
        sum(one.cost for one in forced), tuple(edge for one in forced for edge in one.edges)
    )


@dataclass(slots=True)
class _Search:
    """One search and what is left of its budget."""

    budget: int
    kept: set[tuple[str, str]] = field(default_factory=set)  # a sibling branch has tried without

    def cheapest(self, graph: _Graph, limit: int) -> _Found | None:
        """Return the cheapest cut of a graph; None if there is none cheaper than the limit."""
        cost, edges = 0, list[tuple[str, str]]()
        for members in sorted(cyclic_groups(graph), key=len):
            found = self._of_knot(_part(graph, members), limit - cost)
            if found is None:
                return None
            cost += found.cost
            edges += found.edges
        return _Found(cost, tuple(edges)) if cost < limit else None

    def _of_knot(self, graph: _Graph, limit: int) -> _Found | None:
        if limit <= _ONE:
            return None
        if len(graph) <= EXACT:
            self._spend(len(graph) << len(graph))
            return _over_subsets(graph, self.kept, limit)
        size = sum(map(len, graph.values()))
        self._spend(2 * _ROUNDS * size if size <= _BRANCHED else BUDGET + 1)
        if _disjoint_cycles(graph, limit) >= limit:
            return None
        return self._branched(graph, limit)

    def _branched(self, graph: _Graph, limit: int) -> _Found | None:
        """Try every edge of one cycle: each cut takes one of them at least."""
        cycle = short_cycle(graph)
        pairs = [one for one in _pairs(cycle) if one not in self.kept]
        best, tried = None, []
        for one, other in sorted(pairs, key=lambda pair: graph[pair[0]][pair[1]].cost):
            taken = graph[one][other]
            if taken.cost >= limit:
                break
            rest = {node: dict(others) for node, others in graph.items()}
            del rest[one][other]
            found = self.cheapest(rest, limit - taken.cost)
            if found is not None:
                best = _Found(found.cost + taken.cost, (*found.edges, *taken.edges))
                limit = best.cost
            self.kept.add((one, other))
            tried.append((one, other))
        self.kept.difference_update(tried)
        return best

    def _spend(self, steps: int) -> None:
        self.budget -= steps
        if self.budget < 0:
            raise _TooLargeError


def _part(graph: _Graph, members: tuple[str, ...]) -> _Graph:
    own = frozenset(members)
    return {
        one: {other: edge for other, edge in graph[one].items() if other in own} for one in members
    }


def _pairs(cycle: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))


def _over_subsets(graph: _Graph, kept: set[tuple[str, str]], limit: int) -> _Found | None:
    """Find the best order by which of the nodes came before: those who wait should come after.

    What is placed before something it waits for has that edge cut.
    """
    nodes = sorted(graph)
    left_out = [_sums(graph, kept, nodes, node) for node in nodes]
    everything = (1 << len(nodes)) - 1
    cost = [_NEVER] * (everything + 1)
    last = [0] * (everything + 1)
    cost[0] = 0
    for placed in range(everything):
        if cost[placed] >= limit:
            continue
        for number in range(len(nodes)):
            bit = 1 << number
            if placed & bit:
                continue
            total = cost[placed] + left_out[number][everything & ~placed & ~bit]
            if total < cost[placed | bit]:
                cost[placed | bit], last[placed | bit] = total, number
    if cost[everything] >= limit:
        return None
    return _Found(cost[everything], tuple(_taken(graph, nodes, last)))


def _sums(graph: _Graph, kept: set[tuple[str, str]], nodes: list[str], node: str) -> list[int]:
    """Return, for every set of other nodes, what it costs to cut all that this one waits for there."""
    sums = [0] * (1 << len(nodes))
    single = [
        (_NEVER if (node, other) in kept else edge.cost) if (edge := graph[node].get(other)) else 0
        for other in nodes
    ]
    for number, cost in enumerate(single):
        for other in range(1 << number):
            sums[other | 1 << number] = sums[other] + cost
    return sums


def _taken(graph: _Graph, nodes: list[str], last: list[int]) -> list[tuple[str, str]]:
    placed, edges = len(last) - 1, list[tuple[str, str]]()
    later = 0
    while placed:
        number = last[placed]
        placed &= ~(1 << number)
        for other, edge in graph[nodes[number]].items():
            if later >> nodes.index(other) & 1:
                edges += edge.edges
        later |= 1 << number
    return edges


def _disjoint_cycles(graph: _Graph, enough: int) -> int:
    """Sum the cheapest edges of cycles that share no edge: no cut costs less."""
    total = 0
    rest = {node: dict(others) for node, others in graph.items()}
    for _ in range(_ROUNDS if len(graph) < _BRANCHED // 4 else _ROUNDS // 4):
        parts = cyclic_groups(rest)
        if not parts or total >= enough:
            break
        for members in parts:
            pairs = _pairs(short_cycle(_part(rest, members), starts=2))
            total += min(rest[one][other].cost for one, other in pairs)
            for one, other in pairs:
                del rest[one][other]
    return total


def _rough(graph: _Graph) -> _Found:
    """Cut what leads backward in a good order, then give back each edge that closes no cycle."""
    costs = {one: {other: edge.cost for other, edge in graph[one].items()} for one in graph}
    place = {node: number for number, node in enumerate(good_order(costs))}
    rest: _Graph = {one: {} for one in graph}
    backward = []
    for one, others in graph.items():
        for other, edge in others.items():
            if place[one] < place[other]:
                backward.append((one, other, edge))
            else:
                rest[one][other] = edge
    size, budget = sum(map(len, rest.values())), BUDGET // 4
    taken: list[_Bundle] = []
    for one, other, edge in sorted(backward, key=lambda edge: -edge[2].cost):
        budget -= size
        if budget < 0 or path_between(rest, other, one, _NEVER):
            taken.append(edge)
        else:
            rest[one][other] = edge
    return _Found(
        sum(one.cost for one in taken), tuple(edge for one in taken for edge in one.edges)
    )
