"""The smallest cut: by brute force on small graphs, by its promises on large ones."""

import random
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unjam.domain.graphs import smallest_cut as cutting
from unjam.domain.graphs.cycles import cyclic_groups, in_order, inside, path_between, short_cycle
from unjam.domain.graphs.smallest_cut import smallest_cut

Graph = dict[str, tuple[str, ...]]


@st.composite
def graphs(draw: st.DrawFn, most: int = 6) -> Graph:
    """Any directed graph of a few nodes, dense or not."""
    size = draw(st.integers(2, most))
    nodes = [f"ws-{number}" for number in range(size)]
    pairs = [(one, other) for one in nodes for other in nodes if one != other]
    edges = draw(st.sets(st.sampled_from(pairs), max_size=len(pairs)))
    return {one: tuple(other for other in nodes if (one, other) in edges) for one in nodes}


def fewest(graph: Graph) -> int:
    """How many edges lead backward in the best of all orders."""
    return min(
        sum(order.index(one) < order.index(other) for one in graph for other in graph[one])
        for order in permutations(graph)
    )


def cut_all(graph: Graph) -> tuple[set[tuple[str, str]], bool]:
    cuts = [smallest_cut(inside(graph, members)) for members in cyclic_groups(graph)]
    return {edge for one in cuts for edge in one.edges}, all(one.smallest for one in cuts)


def without(graph: Graph, edges: set[tuple[str, str]]) -> Graph:
    return {one: tuple(x for x in graph[one] if (one, x) not in edges) for one in graph}


@given(graphs())
def test_no_cut_of_a_small_graph_is_smaller(graph: Graph) -> None:
    edges, proven = cut_all(graph)

    assert proven
    assert len(edges) == fewest(graph)
    assert set(in_order(without(graph, edges))) == set(graph)


@given(graphs())
@settings(max_examples=60)
def test_branching_finds_what_trying_all_orders_finds(graph: Graph) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "EXACT", 1)
        edges, proven = cut_all(graph)

    assert proven
    assert len(edges) == fewest(graph)


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_of_the_smallest_cuts_the_one_of_least_reluctance_is_taken(
    graph: Graph, dice: random.Random
) -> None:
    dear = {(one, other): dice.randint(0, 9) for one in graph for other in graph[one]}
    edges = {
        edge
        for members in cyclic_groups(graph)
        for edge in smallest_cut(inside(graph, members), dear).edges
    }

    best = min(
        (len(back), sum(dear[edge] for edge in back))
        for order in permutations(graph)
        if (back := backward(graph, order)) is not None
    )

    assert (len(edges), sum(dear[edge] for edge in edges)) == best


def backward(graph: Graph, order: tuple[str, ...]) -> set[tuple[str, str]]:
    return {
        (one, other)
        for one in graph
        for other in graph[one]
        if order.index(one) < order.index(other)
    }


@given(st.integers(0, 1 << 30), st.integers(20, 400), st.floats(0.8, 3))
@settings(max_examples=15, deadline=None)
def test_a_cut_of_a_large_graph_leaves_an_order_and_nothing_of_it_was_cut_for_nothing(
    seed: int, size: int, density: float
) -> None:
    graph = random_graph(random.Random(seed), size, int(size * density))

    for members in cyclic_groups(graph):
        knot = inside(graph, members)
        cut = smallest_cut(knot)
        left = without(knot, set(cut.edges))

        assert cyclic_groups(left) == ()
        assert set(in_order(left)) == set(members)
        assert 1 <= cut.at_least <= len(cut.edges)
        for one, other in cut.edges:
            assert path_between(left, other, one, size + 1), "put back, it would close a cycle"


def random_graph(dice: random.Random, size: int, edges: int) -> Graph:
    nodes = [f"ws-{number}" for number in range(size)]
    waits: dict[str, set[str]] = {one: set() for one in nodes}
    for _ in range(edges):
        one, other = dice.sample(nodes, 2)
        waits[one].add(other)
    return {one: tuple(sorted(others)) for one, others in waits.items()}


@pytest.mark.parametrize("planted", [1, 2, 3])
def test_few_wrong_entries_among_thousands_are_found_and_proven(planted: int) -> None:
    size = 3000
    graph = {f"{n:05}": tuple({f"{max(0, n - 1 - n % 7):05}"} - {f"{n:05}"}) for n in range(size)}
    for number in range(planted):  # ladders of their own, each closed by one entry
        top = size // planted * number
        rungs = [f"{n:05}" for n in range(top, top + 200)]
        graph |= {one: (other, *graph[one]) for other, one in pairwise(rungs)}
        graph[rungs[0]] = (*graph[rungs[0]], rungs[-1])

    edges, proven = cut_all(graph)

    assert proven
    assert len(edges) == planted


def test_a_cut_that_is_not_proven_says_so_and_how_many_must_go_at_least() -> None:
    graph = random_graph(random.Random(5), 120, 600)
    (members,) = cyclic_groups(graph)

    cut = smallest_cut(inside(graph, members))

    assert not cut.smallest
    assert 1 < cut.at_least < len(cut.edges)


def test_the_same_graph_in_any_arrangement_has_the_same_cut() -> None:
    graph = random_graph(random.Random(3), 40, 90)
    turned = {one: graph[one][::-1] for one in reversed(graph)}

    assert cut_all(graph) == cut_all(turned)


def test_a_chain_of_ten_thousand_is_no_deeper_than_one_of_ten() -> None:
    ring = {f"{n}": (f"{(n + 1) % 10_000}",) for n in range(10_000)}

    (members,) = cyclic_groups(ring)

    assert len(members) == len(short_cycle(ring, starts=1)) == 10_000
    assert len(smallest_cut(ring).edges) == 1


@given(graphs(most=8))
def test_knots_are_what_reaches_itself_and_the_rest_has_an_order(graph: Graph) -> None:
    found = {one for members in cyclic_groups(graph) for one in members}

    assert found == {one for one in graph if path_between(graph, one, one, 99)}
    ordered = in_order(graph)
    assert len(ordered) == len(set(ordered))
    for place, one in enumerate(ordered):
        assert set(graph[one]) <= set(ordered[:place])
