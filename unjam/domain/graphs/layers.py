"""A small layered layout: what is waited for stands above what waits, with few crossings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from unjam.domain.graphs.cycles import Node, in_order

_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Where a node stands; columns may be halves, so that short rows are centred."""

    layer: int
    column: float


def layered(waits: Mapping[Node, Collection[Node]]) -> dict[Node, NodePlace]:
    """Place every node of a graph without cycles."""
    layer: dict[Node, int] = {}
    for node in in_order(waits):
        layer[node] = max((layer[other] + 1 for other in waits.get(node, ())), default=0)
    rows: list[list[Node]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in sorted(layer):
        rows[layer[node]].append(node)
    near = _neighbours(waits)
    for sweep in range(_SWEEPS):
        column = {node: float(number) for row in rows for number, node in enumerate(row)}
        for row in rows[1:] if sweep % 2 == 0 else rows[-2::-1]:
            row.sort(key=lambda node: (_mean(node, near, column), node))
            column |= {node: float(number) for number, node in enumerate(row)}
    widest = max(map(len, rows), default=0)
    return {
        node: NodePlace(layer[node], number + (widest - len(row)) / 2)
        for row in rows
        for number, node in enumerate(row)
    }


def _neighbours(waits: Mapping[Node, Collection[Node]]) -> dict[Node, list[Node]]:
    near: dict[Node, list[Node]] = {}
    for node, others in waits.items():
        for other in others:
            near.setdefault(node, []).append(other)
            near.setdefault(other, []).append(node)
    return near


def _mean(node: Node, near: Mapping[Node, Collection[Node]], column: Mapping[Node, float]) -> float:
    others = near.get(node, ())
    return sum(column[other] for other in others) / len(others) if others else column[node]
