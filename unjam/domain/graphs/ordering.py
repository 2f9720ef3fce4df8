"""A good order for what has none: few, and cheap, are the edges that lead backward in it."""

from collections.abc import Mapping

_PASSES = 8
_LARGE = 2000  # nodes; beyond, a pass takes long and gains little

Costs = Mapping[str, Mapping[str, int]]  # what each waits for, and what it costs to cut that


def good_order(costs: Costs) -> list[str]:
    """Order all nodes, what is waited for first; what waits for a later one has to be cut.

    By who waits for less than waits for it (Eades, Lin and Smyth), then each to its best place while
    that helps.
    """
    behind: dict[str, dict[str, int]] = {node: {} for node in costs}
    for node, others in costs.items():
        for other, cost in others.items():
            behind[other][node] = cost
    order = _greedy(costs, behind)
    for _ in range(_PASSES if len(order) < _LARGE else _PASSES // 4):
        better, improved = _sifted(order, costs, behind)
        if not improved:
            break
        order = better
    return order


def _sifted(order: list[str], costs: Costs, behind: Costs) -> tuple[list[str], bool]:
    """Move each node to where it costs least among those it has to do with."""
    place = {node: float(number) for number, node in enumerate(order)}
    improved = False
    for node in order:
        near = sorted({*costs[node], *behind[node]}, key=lambda one: (place[one], one))
        # At the very front all that it waits for comes later, and all of that is cut.
        cost = least = sum(costs[node].values())
        here, best = cost, -1
        for number, other in enumerate(near):
            cost += behind[node].get(other, 0) - costs[node].get(other, 0)
            if place[other] < place[node]:
                here = cost
            if cost < least:
                least, best = cost, number
        if least < here:
            improved = True
            low = place[near[best]] if best >= 0 else place[near[0]] - 2
            high = place[near[best + 1]] if best + 1 < len(near) else low + 2
            place[node] = (low + high) / 2
    return sorted(order, key=lambda node: (place[node], node)), improved


def _greedy(costs: Costs, behind_all: Costs) -> list[str]:
    """Place first what waits for nothing that is left, last what nothing waits for."""
    waits = {node: set(others) for node, others in costs.items()}
    behind = {node: set(others) for node, others in behind_all.items()}
    buckets = _Buckets({node: len(behind[node]) - len(waits[node]) for node in costs})
    first: list[str] = []
    last: list[str] = []
    ends = [node for node in costs if not waits[node] or not behind[node]]
    while buckets.score:
        node = ends.pop() if ends else buckets.best()
        if node not in buckets.score:
            continue
        (last if waits[node] and not behind[node] else first).append(node)
        buckets.drop(node)
        for other in waits[node]:
            behind[other].discard(node)
            buckets.move(other, -1)
        for other in behind[node]:
            waits[other].discard(node)
            buckets.move(other, +1)
        ends += [one for one in (*waits[node], *behind[node]) if not waits[one] or not behind[one]]
    return first + last[::-1]


class _Buckets:
    """Nodes by score; the best is found without looking at all of them."""

    def __init__(self, score: dict[str, int]) -> None:
        self.score = score
        self.nodes: dict[int, dict[str, None]] = {}
        for node, number in score.items():
            self.nodes.setdefault(number, {})[node] = None
        self.top = max(self.nodes, default=0)

    def best(self) -> str:
        """Return a node of the highest score."""
        while not self.nodes.get(self.top):
            self.top -= 1
        return next(iter(self.nodes[self.top]))

    def drop(self, node: str) -> None:
        """Take a node out."""
        del self.nodes[self.score.pop(node)][node]

    def move(self, node: str, by: int) -> None:
        """Change a score."""
        if node in self.score:
            number = self.score[node]
            del self.nodes[number][node]
            self.score[node] = number + by
            self.nodes.setdefault(number + by, {})[node] = None
            self.top = max(self.top, number + by)
