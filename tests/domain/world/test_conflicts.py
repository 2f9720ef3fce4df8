"""Who is in a conflict with the trunk, and of whom that cannot be told."""

from dataclasses import replace

from tests.domain.build import branch, row, snapshot
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.world.conflicts import CUT_OFF, DEEPEN, ConflictStanding, contenders
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Clash, Snapshot

WORK = branch("ws-1")


def cut_off(status: str) -> Snapshot:
    clash = Clash(WORK.ref, WORK.tip, WORK.workstream, (), (CUT_OFF,), "1")
    return replace(snapshot(row("ws-1", status), WORK), clashes=(clash,))


def test_what_a_shallow_history_hides_is_neither_a_conflict_nor_the_end_of_one() -> None:
    seen = cut_off("conflict")

    assert [one.standing for one in contenders(seen)] == [ConflictStanding.UNKNOWN]
    (finding,) = diagnose(seen, (Scenario("merge_conflict"),))
    assert DEEPEN in [one.fact for one in finding.evidence]


def test_of_what_is_recorded_as_done_no_conflict_is_made_up() -> None:
    assert list(contenders(cut_off("completed"))) == []
