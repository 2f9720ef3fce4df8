"""What is found of orders that cannot be followed, and what is left alone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath

import pytest

from tests.domain.build import NOW, process, row
from tests.domain.scenarios.deadlock.deadlocks import blocked, ordered, spec
from unjam.domain.catalogue.diagnosis import waits_in_vain
from unjam.domain.scenarios.deadlock.find import find_dependency_deadlock
from unjam.domain.world.finding import Finding, Severity
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import BadSpec, LogTail, Row, Snapshot, State
from unjam.domain.world.truth import Truth


def found(snapshot: Snapshot) -> dict[str, Finding]:
    return {one.summary: one for one in find_dependency_deadlock(snapshot)}


def test_a_cycle_is_told_as_a_path() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "c"), spec("c", "a"), spec("d", "c"))

    (finding,) = find_dependency_deadlock(snapshot)

    assert finding.summary == "a → b → c → a: each waits for the next"
    assert finding.workstreams == ("a", "b", "c")
    assert finding.severity is Severity.ERROR
    assert finding.evidence[0].fact.startswith("a depends on b: workstreams/")
    assert waits_in_vain(snapshot) == finding.summary


def test_every_knot_is_found_and_every_cycle_of_it_is_told() -> None:
    snapshot = ordered(
        spec("a", "b"), spec("b", "a", "c"), spec("c", "b"), spec("x", "y"), spec("y", "x")
    )

    told = found(snapshot)

    assert set(told) == {
        "a → b → a: each waits for the next (3 workstreams in all)",
        "x → y → x: each waits for the next",
    }
    (first, _) = told.values()
    assert [one.fact for one in first.evidence if one.fact.startswith("also")] == ["also b → c → b"]


def test_a_long_cycle_is_cut_short_for_its_reader() -> None:
    ring = [spec(f"ws-{n:03}", f"ws-{(n + 1) % 100:03}") for n in range(100)]

    (summary,) = found(ordered(*ring))

    assert "ws-009 → … 88 more … → ws-098 → ws-099 → ws-000: each" in summary


def test_what_is_completed_or_has_started_is_waited_for_no_more() -> None:
    cycle = (spec("a", "b"), spec("b", "a"))

    assert not found(ordered(*cycle, row("b", "completed")))
    assert not found(ordered(*cycle, row("b", "running")))
    assert found(ordered(*cycle, row("b", "failed")))


def test_a_cycle_beside_other_work_is_a_warning_and_not_yet_a_deadlock() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"), spec("c"))

    (finding,) = find_dependency_deadlock(snapshot)

    assert finding.severity is Severity.WARNING
    assert waits_in_vain(snapshot) == ""


def test_self_missing_and_near_names_are_told() -> None:
    told = found(ordered(spec("ws-01", "ws-01"), spec("ws-02", "ws-44"), spec("ws-04")))

    assert set(told) == {
        "ws-01 depends on itself",
        "ws-02 depends on ws-44, which does not exist",
    }
    missing = told["ws-02 depends on ws-44, which does not exist"]
    assert "did it mean ws-04?" in [one.fact for one in missing.evidence]


def test_a_row_without_a_spec_is_no_missing_one() -> None:
    assert not found(ordered(spec("a", "b"), row("b", "pending")))
    assert not found(ordered(spec("a", "b"), row("b", "completed")))


def test_rows_can_wait_for_each_other_without_a_spec_that_says_so() -> None:
    told = found(ordered(blocked("a", '["b"]'), blocked("b", "a, c"), row("c", "completed")))

    (finding,) = told.values()
    assert finding.summary == "a → b → a: each waits for the next"
    assert "the row of a says blocked by b" in [one.fact for one in finding.evidence]


@pytest.mark.parametrize("by", ["b", "b c", '["b", "c"]', None])
def test_a_row_that_is_blocked_by_completed_ones_is_found(by: str | None) -> None:
    snapshot = ordered(
        spec("a", "b"), blocked("a", by), row("b", "completed"), row("c", "completed")
    )

    assert [one.cause for one in find_dependency_deadlock(snapshot)] == ["blocked by completed"]


@pytest.mark.parametrize("by", [None, "", "a person", "c"])
def test_a_row_that_is_blocked_for_an_unknown_reason_is_left_alone(by: str | None) -> None:
    assert not found(ordered(blocked("a", by), row("c", "conflict")))


def test_a_row_that_is_blocked_by_a_failed_one_is_found_only_when_nothing_else_can_go_on() -> None:
    parts = (spec("a", "b"), spec("b"), blocked("a", "b"), row("b", "failed"))

    assert set(found(ordered(*parts))) == {"a waits for b, which failed"}
    assert not found(ordered(*parts, row("c", "pending")))
    assert not found(ordered(*parts, row("c", "running")))


def test_a_failed_one_that_nobody_is_blocked_by_is_simply_tried_again() -> None:
    assert not found(ordered(spec("a", "b"), spec("b"), row("a", "pending"), row("b", "failed")))


def test_nothing_is_said_of_a_conflict_that_waits_for_a_person() -> None:
    assert not found(ordered(spec("a", "b"), blocked("a", "b"), row("b", "conflict")))


def in_track(name: str, status: str, track: str, begin: int, end: int | None = None) -> Row:
    at = NOW - timedelta(hours=10)
    return replace(
        row(name, status),
        track=track,
        started_at=at + timedelta(minutes=begin) if status != "pending" else None,
        completed_at=at + timedelta(minutes=end) if end is not None else None,
    )


def test_a_track_that_was_passed_over_is_starved() -> None:
    first, second = (
        in_track("a", "completed", "core", 0, 5),
        in_track("b", "completed", "core", 6, 9),
    )
    waiting = in_track("c", "pending", "docs", 0)

    assert set(found(ordered(first, second, waiting))) == {
        "c could start, but no agent serves its track 'docs'"
    }
    assert not found(ordered(first, waiting)), "no agent was free for it yet"
    assert not found(ordered(first, second, replace(waiting, track="core")))


def test_a_track_is_starved_when_the_orchestrator_says_that_nobody_is_free() -> None:
    log = LogTail(PurePath("/r/logs/o.log"), NOW, ("No agents available, waiting...",))
    snapshot = ordered(
        in_track("a", "completed", "core", 0, 5), in_track("c", "pending", "docs", 0)
    )

    assert found(replace(snapshot, logs=(log,)))


def test_duplicates_and_unreadable_specs_are_findings_of_a_run_that_is_stuck() -> None:
    bad = (
        BadSpec(
            PurePath("/r/workstreams/a-copy.json"), "a.json has the same id 'a'", WorkstreamId("a")
        ),
        BadSpec(PurePath("/r/workstreams/b.json"), "it is not JSON: …"),
    )
    stuck = ordered(spec("a", "a"))

    causes = [one.cause for one in find_dependency_deadlock(replace(stuck, bad_specs=bad))]

    assert causes == ["depends on itself", "duplicate id", "unreadable spec"]
    assert not found(replace(ordered(spec("a")), bad_specs=bad))


def test_beside_a_state_that_cannot_be_read_cycles_are_told_with_that_doubt() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"))
    snapshot = replace(snapshot, state=State("s.db", Truth.UNKNOWN, because="it is locked"))

    (finding,) = find_dependency_deadlock(snapshot)

    assert finding.evidence[-1].fact == "cannot tell what is completed: it is locked"


def test_a_deadlock_is_found_beside_an_orchestrator_that_sleeps() -> None:
    snapshot = ordered(spec("a", "b"), spec("b", "a"), process("", role=Role.ORCHESTRATOR))

    assert [one.severity for one in find_dependency_deadlock(snapshot)] == [Severity.ERROR]


def test_the_same_cycle_has_the_same_fingerprint_whatever_else_changes() -> None:
    before = ordered(spec("a", "b"), spec("b", "a"))
    after = ordered(spec("b", "a"), spec("c"), spec("a", "b", "c"))

    (first,), (second,) = find_dependency_deadlock(before), find_dependency_deadlock(after)

    assert first.fingerprint == second.fingerprint
