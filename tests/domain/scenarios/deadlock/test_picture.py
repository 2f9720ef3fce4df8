"""The picture: cycle, cut and blocked chains are to be seen, and no name becomes markup."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import row
from tests.domain.graphs.test_smallest_cut import Graph, graphs
from tests.domain.scenarios.deadlock.deadlocks import blocked, ordered, spec
from tests.world import HOSTILE_IDS
from unjam.domain.graphs.cycles import in_order
from unjam.domain.graphs.svg import as_data_url
from unjam.domain.scenarios.deadlock.picture import MOST_SHOWN, layered, picture_of

SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture: str, tag: str, kind: str) -> list[str]:
    """The titles of everything of a kind."""
    root = ET.fromstring(picture)
    return [
        str(one.findtext(f"{SVG}title")) for one in root.iter(SVG + tag) if one.get("class") == kind
    ]


def test_cycle_cut_chain_and_what_does_not_exist_are_drawn() -> None:
    picture = picture_of(
        ordered(
            spec("done"),
            row("done", "completed"),
            spec("a", "b", "done"),
            spec("b", "a"),
            spec("c", "a"),
            blocked("c", "a"),
            spec("d", "ghost"),
            spec("alone"),
        )
    )

    assert drawn(picture, "g", "cycle") == ["a", "b"]
    assert drawn(picture, "g", "blocked") == ["c", "d"]
    assert drawn(picture, "g", "missing") == ["ghost"]
    cut, kept = drawn(picture, "path", "cut"), drawn(picture, "path", "cycle")
    assert sorted([*cut, *kept]) == ["a waits for b", "b waits for a"]
    assert len(cut) == 1
    assert "alone" not in picture


def test_where_nothing_waits_in_vain_there_is_no_picture() -> None:
    assert picture_of(ordered(spec("a", "b"), spec("b"))) == ""


def test_hostile_names_are_only_text() -> None:
    names = [
        *HOSTILE_IDS,
        "</text><script>alert(1)</script>",
        '"><img src=x>',
        "\x00\x1b[2J",
        "\udcff",
    ]
    picture = picture_of(ordered(*(spec(name, name) for name in names if name)))

    root = ET.fromstring(picture)

    tags = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert tags <= {"svg", "style", "defs", "marker", "path", "rect", "g", "text", "title"}
    assert as_data_url(picture).startswith("data:image/svg+xml;base64,")


def test_of_thousands_only_the_nearest_are_drawn_and_the_rest_is_counted() -> None:
    chain = [spec(f"ws-{n}", f"ws-{n - 1}" if n else "ws-1") for n in range(3000)]

    picture = picture_of(ordered(*chain))

    assert picture.count("<g ") == MOST_SHOWN
    assert f"{3000 - MOST_SHOWN} more wait and are not drawn" in picture


@given(graphs(most=8), st.booleans())
def test_what_is_waited_for_stands_above_and_nothing_stands_on_another(
    graph: Graph, narrow: bool
) -> None:
    order = in_order({one: others[:1] if narrow else others for one, others in graph.items()})
    waits = {one: [x for x in graph[one] if x in order[:place]] for place, one in enumerate(order)}

    places = layered(waits)

    assert places.keys() == set(order)
    assert all(places[one].layer > places[x].layer for one in waits for x in waits[one])
    assert len(set(places.values())) == len(places)
