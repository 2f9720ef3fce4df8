"""Rates are those of the rows, and a forecast is what would happen if it went on like that."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import NOW, process, row, snapshot
from unjam.domain.readiness.pace import Pace, pace_of
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Row, Spec

MINUTE = timedelta(minutes=1)


def did(name: str, minutes: float, *, ago: float = 0, track: str = "core") -> Row:
    """A workstream that took so long and ended so long ago."""
    ended = NOW - ago * MINUTE
    one = replace(row(name, "completed"), completed_at=ended, track=track)
    return replace(one, started_at=ended - minutes * MINUTE)


def runs(name: str, minutes: float, *, track: str = "core") -> Row:
    return replace(row(name), started_at=NOW - minutes * MINUTE, track=track)


def spec(name: str, *needs: str) -> Spec:
    path = PurePath(f"/r/workstreams/{name}.json")
    return Spec(WorkstreamId(name), path, tuple(map(WorkstreamId, needs)))


def pace(rows: Iterable[Row], *specs: Spec, agents: int = 1) -> Pace:
    listed = tuple(rows)
    working = [process(f"x-{n}", pid=100 + n, agent=f"a{n}") for n in range(agents)]
    return pace_of(replace(snapshot(*listed, *working), specs=specs))


THREE = (did("a", 10), did("b", 10), did("c", 10))


def minutes_to(found: Pace, name: str) -> float:
    return (found.expected[WorkstreamId(name)] - NOW) / MINUTE


def test_the_rate_counts_from_the_first_start() -> None:
    found = pace([did("a", 10, ago=110), did("b", 10, ago=50), did("c", 10), runs("d", 1)])

    assert found.per_hour == pytest.approx(1.5)
    assert found.last_hour == 2
    assert (found.total, found.done) == (4, 3)


def test_one_agent_takes_one_after_the_other_in_the_order_of_what_waits() -> None:
    found = pace(THREE, spec("z"), spec("y", "z"), spec("x", "y"))

    assert [minutes_to(found, name) for name in "zyx"] == [10, 20, 30]
    assert found.finish is not None
    assert found.finish.likely - NOW == 30 * MINUTE


def test_several_agents_work_side_by_side_but_never_before_what_is_waited_for() -> None:
    found = pace(THREE, spec("z"), spec("y"), spec("x", "z"), agents=3)

    assert [minutes_to(found, name) for name in "zyx"] == [10, 10, 20]


def test_what_runs_ends_when_its_usual_time_is_over_and_is_late_after_slow_work() -> None:
    found = pace([*THREE, runs("d", 4), runs("e", 45)], agents=2)

    assert minutes_to(found, "d") == 6
    assert minutes_to(found, "e") == 0
    assert found.late == {"e"}


def test_a_track_has_its_own_usual_time_once_three_of_it_are_done() -> None:
    slow = [did(name, 60, track="slow") for name in "def"]

    found = pace([*THREE, *slow, runs("g", 0, track="slow"), runs("h", 0)], agents=2)

    assert minutes_to(found, "g") == 60
    assert minutes_to(found, "h") == 10


@pytest.mark.parametrize(
    ("rows", "agents", "because"),
    [
        (THREE[:2], 1, "fewer than 3 were completed"),
        (THREE, 0, "no agent is at work"),
    ],
)
def test_without_grounds_there_is_no_forecast(
    rows: tuple[Row, ...], agents: int, because: str
) -> None:
    found = pace(rows, spec("z"), agents=agents)

    assert found.finish is None
    assert found.expected == {}
    assert because in found.because


def test_what_will_not_come_by_itself_is_named_and_not_waited_for() -> None:
    failed = row("bad", "failed")
    loop = (spec("p", "q"), spec("q", "p"))

    found = pace([*THREE, failed], spec("y", "bad"), spec("z"), spec("w", "nobody"), *loop)

    assert {str(one.workstream): one.because for one in found.out_of_reach} == {
        "bad": "it is failed",
        "y": "it waits for bad",
        "w": "it waits for nobody, which does not exist",
        "p": "it waits for q",
        "q": "it waits for p",
    }
    assert found.expected.keys() == {"z"}


@given(
    st.lists(st.floats(1, 100), min_size=3, max_size=8),
    st.integers(1, 4),
    st.lists(st.sampled_from(list(permutations("uvw", 2))), max_size=4),
)
def test_a_forecast_never_ends_before_what_it_waits_for(
    spans: list[float], agents: int, edges: list[tuple[str, str]]
) -> None:
    done = [did(f"d{n}", minutes, ago=n) for n, minutes in enumerate(spans)]
    specs = [spec(name, *(b for a, b in edges if a == name)) for name in "uvw"]

    found = pace(done, *specs, agents=agents)

    assert found.expected.keys() | {one.workstream for one in found.out_of_reach} == set("uvw")
    for a, b in edges:
        if a in found.expected:
            assert found.expected[WorkstreamId(a)] > found.expected[WorkstreamId(b)]
    if found.finish:
        assert found.finish.earliest <= found.finish.likely <= found.finish.latest


def test_ten_thousand_workstreams_are_no_matter() -> None:
    specs = [spec(f"s{n}", *([f"s{n - 1}"] if n % 7 else [])) for n in range(10_000)]

    assert len(pace(THREE, *specs, agents=8).expected) == 10_000
