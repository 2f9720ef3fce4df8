"""Times in the state: the way they are written tells what they mean, in every zone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from unjam.adapters.state.times import Times


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from be_in(request.param, monkeypatch)


def be_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    yield zone
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from be_in("America/New_York", monkeypatch)


@pytest.mark.usefixtures("zone")
def test_what_python_writes_is_local_time() -> None:
    moment = datetime(2025, 11, 29, 8, 5, 12, 345000, tzinfo=UTC)

    assert Times().instant(moment.astimezone().replace(tzinfo=None).isoformat()) == moment


@pytest.mark.usefixtures("zone")
def test_what_sqlite_writes_is_utc() -> None:
    assert Times().instant("2025-11-29 08:05:12") == datetime(2025, 11, 29, 8, 5, 12, tzinfo=UTC)
    assert Times().instant("2025-11-29 08:05:12.345") == datetime(
        2025, 11, 29, 8, 5, 12, 345000, tzinfo=UTC
    )


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("written", ["2025-11-29T10:05:12+02:00", "2025-11-29 08:05:12Z"])
def test_an_offset_is_believed(written: str) -> None:
    assert Times().instant(written) == datetime(2025, 11, 29, 8, 5, 12, tzinfo=UTC)


@pytest.mark.usefixtures("new_york")
def test_summer_and_winter_have_their_own_offsets() -> None:
    times = Times()

    assert times.instant("2025-07-01T12:00:00") == datetime(2025, 7, 1, 16, tzinfo=UTC)
    assert times.instant("2025-12-01T12:00:00") == datetime(2025, 12, 1, 17, tzinfo=UTC)
    assert times.instant("2025-12-01T12:59:59") == datetime(2025, 12, 1, 17, 59, 59, tzinfo=UTC)


@pytest.mark.usefixtures("new_york")
def test_the_hour_that_comes_twice_and_the_hour_that_never_comes_are_not_guessed() -> None:
    times = Times()

    assert times.instant("2025-11-02T01:30:00") is None
    assert times.instant("2025-03-09T02:30:00") is None
    assert times.instant("2025-11-02T02:00:00") == datetime(2025, 11, 2, 7, tzinfo=UTC)
    assert times.instant("2025-11-02T00:59:59") == datetime(2025, 11, 2, 4, 59, 59, tzinfo=UTC)


def test_half_an_hour_of_summer_time_is_told_within_the_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in be_in("Australia/Lord_Howe", monkeypatch):  # 2025-04-06 02:00 became 01:30
        times = Times()
        assert times.instant("2025-04-06T01:15:00") == datetime(2025, 4, 5, 14, 15, tzinfo=UTC)
        assert times.instant("2025-04-06T01:45:00") is None


@pytest.mark.usefixtures("zone")
def test_every_instant_of_a_year_comes_back() -> None:
    times = Times()
    start = datetime(2025, 1, 1, tzinfo=UTC)

    for step in range(0, 365 * 24 * 60, 97):
        moment = start + timedelta(minutes=step)
        found = times.instant(moment.astimezone().replace(tzinfo=None).isoformat())
        assert found in {moment, None}


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        "",
        "yesterday",
        "2025-11-29",
        "2025-13-45T99:99:99",
        "2025-11-29T08:05",
        "2025-11-29 08:05:12.345678",  # str(datetime): local or UTC, nobody can tell
        "9999-12-31T23:59:59+00:00trailing",
        "0001-01-01T00:00:00+14:00",
        1764403512,
        1764403512.5,
        b"2025-11-29T08:05:12",
        datetime(2025, 11, 29, 8, 5, 12),  # noqa: DTZ001 -- a server's TIMESTAMP WITHOUT TIME ZONE
    ],
)
def test_what_cannot_be_told_is_none(garbage: object) -> None:
    assert Times().instant(garbage) is None


def test_a_servers_own_time_with_an_offset_is_an_instant() -> None:
    stored = datetime(2025, 11, 29, 10, 5, 12, tzinfo=timezone(timedelta(hours=2)))

    assert Times().instant(stored) == datetime(2025, 11, 29, 8, 5, 12, tzinfo=UTC)
