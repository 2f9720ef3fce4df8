"""A picture of who waits for whom: cycles, the proposed cut, and the chains that are blocked by them."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from unjam.domain.graphs.cycles import Node, cyclic_groups, in_order, inside, short_cycle
from unjam.domain.graphs.svg import TEXT, cut_to, safe, text
from unjam.domain.scenarios.deadlock.proposed_cut import cut_of
from unjam.domain.world.dependencies import Waiting, waiting
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status

MOST_SHOWN = 60  # workstreams; more of them are no picture any more
_WIDTH, _HEIGHT, _GAP, _RISE, _EDGE = 150, 40, 56, 104, 24
_BESIDE = _WIDTH * 0.7  # where arrows that lead back leave and arrive
_HEAD = 84
_LETTERS = 19
_SWEEPS = 6  # over the rows, against crossings

_STYLE = (
    TEXT
    + """\
rect{rx:6;fill:#fff;stroke:#8c959f;stroke-width:1.2}
.cycle rect{fill:#ffebe9;stroke:#cf222e;stroke-width:2}
.blocked rect{fill:#fff8c5;stroke:#9a6700}
.failed rect{fill:#ffd8d3;stroke:#82071e}
.ready rect{fill:#dafbe1;stroke:#1a7f37}
.missing rect{fill:#f6f8fa;stroke:#57606a;stroke-dasharray:4 3}
path{fill:none;stroke:#8c959f;stroke-width:1.4}
path.cycle{stroke:#cf222e;stroke-width:2}
path.cut{stroke:#cf222e;stroke-width:2.4;stroke-dasharray:7 5}
.scissors{font-size:17px;fill:#cf222e}
"""
)

_Edge = tuple[WorkstreamId, WorkstreamId]
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Where a node stands; columns may be halves, so that short rows are centred."""

    layer: int
    column: float


@dataclass(frozen=True, slots=True)
class _Graph:
    """What is drawn: a part of the whole, with its meaning."""

    waits: Mapping[WorkstreamId, tuple[WorkstreamId, ...]]
    cyclic: frozenset[WorkstreamId]
    red: frozenset[_Edge]
    cut: frozenset[_Edge]
    left_out: int


def picture_of(snapshot: Snapshot) -> str:
    """Draw the deadlock as SVG, what comes first at the top; empty where nothing waits in vain."""
    found = waiting(snapshot)
    graph = _graph(found)
    if not graph.waits:
        return ""
    forward = {
        one: [other for other in needs if (one, other) not in graph.cut and one != other]
        for one, needs in graph.waits.items()
    }
    places = layered(forward)
    columns = max(place.column for place in places.values()) + 1
    rows = max(place.layer for place in places.values()) + 1
    width = max(760, int(columns * (_WIDTH + _GAP) + 2 * _EDGE))
    height = (rows - 1) * _RISE + _HEIGHT + _HEAD + _EDGE
    body = [*_legend(graph), *_edges(graph, places), *_nodes(graph, places, found)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="who waits for whom"><style>{_STYLE}</style>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9"'
        ' markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#57606a;stroke:none"/>'
        f'</marker></defs><rect width="{width}" height="{height}" style="stroke:none"/>'
        + "".join(body)
        + "</svg>\n"
    )


def _graph(found: Waiting) -> _Graph:
    """Choose what is drawn: cycles first, then what waits for them, then what is blocked otherwise."""
    waits: dict[WorkstreamId, tuple[WorkstreamId, ...]] = {
        one: (*needs, *found.missing.get(one, ())) for one, needs in found.waits.items()
    }
    groups = cyclic_groups(found.waits)
    cut = {edge for members in groups for edge in cut_of(members, found).edges}
    selves = {(one, one) for one, needs in found.waits.items() if one in needs}
    core = [one for members in groups for one in _first_of(inside(found.waits, members), cut)]
    core += [one for one, _ in selves]
    core += [name for one, names in found.missing.items() for name in (one, *names)]
    core += [name for one in found.blocked for name in (one, *found.waits[one])]
    behind: dict[WorkstreamId, list[WorkstreamId]] = {}
    for one, needs in waits.items():
        for other in needs:
            behind.setdefault(other, []).append(one)
    wanted = list(_spread(dict.fromkeys(core), behind))
    drawn = frozenset(wanted[:MOST_SHOWN])
    red = {
        (one, other)
        for members in groups
        for one, needs in inside(found.waits, members).items()
        for other in needs
    }
    return _Graph(
        waits={
            one: tuple(dict.fromkeys(other for other in waits.get(one, ()) if other in drawn))
            for one in sorted(drawn)
        },
        cyclic=frozenset(one for members in groups for one in members) | {one for one, _ in selves},
        red=frozenset(red | selves),
        cut=frozenset(_as_edges(cut)) | selves,
        left_out=len(wanted) - len(drawn),
    )


def _as_edges(cut: Iterable[tuple[str, str]]) -> Iterator[_Edge]:
    return ((WorkstreamId(one), WorkstreamId(other)) for one, other in cut)


def _first_of(
    knot: Mapping[WorkstreamId, tuple[WorkstreamId, ...]], cut: set[tuple[str, str]]
) -> Iterator[WorkstreamId]:
    """Name a knot's members, those of one cycle and of the cut first."""
    yield from short_cycle(knot)
    yield from (one for one, needs in knot.items() if any((one, other) in cut for other in needs))
    yield from knot


def _spread(
    core: Iterable[WorkstreamId], behind: Mapping[WorkstreamId, list[WorkstreamId]]
) -> Iterator[WorkstreamId]:
    """Walk from the core to all that waits for it, the nearest first."""
    queue, seen = deque(core), set(core)
    while queue:
        one = queue.popleft()
        yield one
        fresh = [other for other in behind.get(one, ()) if other not in seen]
        seen.update(fresh)
        queue.extend(fresh)


def _legend(graph: _Graph) -> Iterator[str]:
    yield text(_EDGE, 24, "Who waits for whom: an arrow leads to what is waited for.")
    more = f" {graph.left_out} more wait and are not drawn." if graph.left_out else ""
    yield text(
        _EDGE,
        42,
        f"Red: a cycle. Dashed, ✂: the proposed cut. Yellow: blocked. Grey, dashed: does not exist.{more}",
        "small",
    )


def _edges(graph: _Graph, places: Mapping[WorkstreamId, NodePlace]) -> Iterator[str]:
    for one, needs in graph.waits.items():
        for other in needs:
            edge = (one, other)
            kind = "cut" if edge in graph.cut else "cycle" if edge in graph.red else ""
            path, middle = _curve(places[one], places[other])
            title = f"<title>{safe(f'{shown(one)} waits for {shown(other)}')}</title>"
            yield f'<path class="{kind}" d="{path}" marker-end="url(#tip)">{title}</path>'
            if kind == "cut":
                x, y = middle
                yield text(x - 8, y + 6, "✂", "scissors")


def _curve(one: NodePlace, other: NodePlace) -> tuple[str, _Point]:
    """Draw from one to what it waits for: upwards, or where that is cut, downwards beside it."""
    if one == other:
        return _loop(one)
    (x1, y1), (x2, y2) = _corner(one), _corner(other)
    if one.layer > other.layer:
        start, end, bend = (x1 + _WIDTH / 2, y1), (x2 + _WIDTH / 2, y2 + _HEIGHT), -_RISE / 3
    elif one.layer < other.layer:
        start, end, bend = (x1 + _BESIDE, y1 + _HEIGHT), (x2 + _BESIDE, y2), _RISE / 3
    else:  # above both
        start, end = (x1 + _BESIDE, y1), (x2 + _BESIDE, y2)
        return _bezier(start, (start[0], y1 - 30), (end[0], y2 - 30), end)
    return _bezier(start, (start[0], start[1] + bend), (end[0], end[1] - bend), end)


def _loop(place: NodePlace) -> tuple[str, _Point]:
    x, y = _corner(place)
    right = x + _WIDTH
    return _bezier((right, y + 8), (right + 48, y - 6), (right + 48, y + 46), (right, y + 32))


def _bezier(start: _Point, first: _Point, second: _Point, end: _Point) -> tuple[str, _Point]:
    """Return the path, and a point on it near its start."""
    points = (start, first, second, end)
    told = " ".join(f"{x:.0f} {y:.0f}" for x, y in points[1:])
    x, y = (
        sum(weight * point[axis] for weight, point in zip((27, 27, 9, 1), points, strict=True)) / 64
        for axis in (0, 1)
    )
    return f"M{start[0]:.0f} {start[1]:.0f}C{told}", (x, y)


def _nodes(
    graph: _Graph, places: Mapping[WorkstreamId, NodePlace], found: Waiting
) -> Iterator[str]:
    for one in graph.waits:
        x, y = _corner(places[one])
        kind, said = _kind(one, graph, found)
        name = shown(one)
        yield (
            f'<g class="{kind}"><title>{safe(name)}</title>'
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}"/>'
            + text(x + 8, y + 17, cut_to(_LETTERS, name))
            + text(x + 8, y + 32, said, "small")
            + "</g>"
        )


def _kind(one: WorkstreamId, graph: _Graph, found: Waiting) -> tuple[str, str]:
    """Say how a workstream is drawn, and what is written below its name."""
    status = found.status(one)
    if one in graph.cyclic:
        return "cycle", status or "in a cycle"
    if one not in found.waits and status is None:
        return "missing", "does not exist"
    if status == Status.FAILED:
        return Status.FAILED, status
    if found.waits.get(one) or one in found.missing or status == Status.BLOCKED:
        return Status.BLOCKED, status or "waits"
    return "ready", status or "ready"


def _corner(place: NodePlace) -> tuple[float, float]:
    return _EDGE + place.column * (_WIDTH + _GAP), _HEAD + place.layer * _RISE


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
