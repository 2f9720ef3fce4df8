"""The plan of a repair: what is saved first, what is retired, what is left to a person."""

from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath

import pytest

from tests.domain.build import NOW, REPO, TRUNK, branch, process, row, snapshot, tree
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.scenarios.corruption.plan import plan_corruption
from unjam.domain.steps.facts import holds
from unjam.domain.steps.plan import Abort, Mend, Plan, Record, Salvage, Unregister, UnsafePlanError
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.damage import (
    Damage,
    DamagedFile,
    LostBranch,
    LostObject,
    SharedDamage,
    StrayKind,
)
from unjam.domain.world.identity import Role, Scenario, WorkstreamId
from unjam.domain.world.snapshot import Lock, Operation, Snapshot, Stray, Worktree
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",))
WS = WorkstreamId("ws-1")
PLACE = REPO / ".worktrees" / "left-over"


def damaged(*damage: Damage, **more: object) -> Worktree:
    return replace(tree("ws-1"), damage=damage, **more)  # type: ignore[arg-type]


def steps(seen: Snapshot, policy: Policy = POLICY) -> list[str]:
    return [step.verb for step in plan_corruption(seen, policy).steps]


def notes(seen: Snapshot) -> str:
    return "; ".join(plan_corruption(seen, POLICY).notes)


CURABLE = set(Damage) - {
    Damage.GONE,
    Damage.LINK,
    Damage.OF_ANOTHER,
    Damage.TWICE,
    Damage.UNFINISHED,
    Damage.BARE,
    Damage.REDIRECTED,
}


@pytest.mark.parametrize("damage", sorted(CURABLE))
def test_what_can_be_cured_is_saved_and_then_mended(damage: Damage) -> None:
    assert steps(snapshot(row("ws-1", "blocked"), damaged(damage))) == ["salvage", "mend"]


@pytest.mark.parametrize("damage", list(Damage))
def test_every_damage_is_a_finding_and_has_a_way_out_or_a_reason(damage: Damage) -> None:
    seen = snapshot(row("ws-1", "blocked"), damaged(damage))

    (finding,) = diagnose(seen, (Scenario("worktree_corruption"),))

    assert damage in finding.summary
    assert bool(steps(seen)) != bool(notes(seen))


@pytest.mark.parametrize("damage", [Damage.LINK, Damage.OF_ANOTHER, Damage.REDIRECTED])
def test_what_only_a_person_can_tell_is_left_to_one(damage: Damage) -> None:
    seen = snapshot(damaged(damage, Damage.INDEX))

    assert steps(seen) == []
    assert "is left as it is" in notes(seen)


def test_the_row_of_a_worktree_that_is_gone_fails_and_is_retried() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1", 0), damaged(Damage.GONE, only_staged=Truth.YES))

    plan = plan_corruption(seen, POLICY)

    verbs = ["salvage", "record", "unregister", "remove branch", "restart"]
    assert [step.verb for step in plan.steps] == verbs
    assert all(holds(one, seen) for step in plan.steps for one in step.facts)


def test_a_branch_with_commits_stays_for_the_retry() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1", 2), damaged(Damage.GONE))

    assert "remove branch" not in steps(seen)


@pytest.mark.parametrize(
    ("staged", "expected"),
    [
        (Truth.YES, ["salvage", "re-create"]),
        (Truth.UNKNOWN, ["salvage", "re-create"]),
        (Truth.NO, ["salvage", "unregister"]),
    ],
)
def test_a_worktree_nobody_retries_is_made_again_if_its_index_holds_work(
    staged: Truth, expected: list[str]
) -> None:
    assert steps(snapshot(damaged(Damage.GONE, only_staged=staged))) == expected


def test_a_locked_worktree_keeps_its_place() -> None:
    seen = snapshot(damaged(Damage.GONE, lock_reason="on a stick"))

    assert (steps(seen), "on a stick" in notes(seen)) == ([], True)


def test_a_worktree_somebody_works_in_keeps_its_place() -> None:
    seen = snapshot(damaged(Damage.INDEX), process("ws-1"))

    assert (steps(seen), "pid 7" in notes(seen)) == ([], True)


def test_a_shell_in_it_hinders_no_repair() -> None:
    assert steps(snapshot(damaged(Damage.INDEX), process("ws-1", Role.PERSON)))


def test_nothing_is_touched_where_not_every_process_could_be_seen() -> None:
    seen = replace(
        snapshot(damaged(Damage.INDEX)),
        processes_known=Truth.UNKNOWN,
        strays=(Stray(PLACE, StrayKind.PLAIN),),
    )

    assert steps(seen) == []


@pytest.mark.parametrize("damage", [Damage.GONE, Damage.UNFINISHED])
def test_a_living_orchestrator_may_just_be_making_it(damage: Damage) -> None:
    orchestrator = process("", Role.ORCHESTRATOR, pid=9)

    assert steps(snapshot(row("ws-1"), damaged(damage), orchestrator)) == []


@pytest.mark.parametrize(
    ("stray", "expected"),
    [
        (Stray(PLACE, StrayKind.ORPHAN), ["set aside"]),
        (Stray(PLACE, StrayKind.ORPHAN, branch="refs/heads/b"), ["register"]),
        (Stray(PLACE, StrayKind.PLAIN, claimed=True), ["set aside"]),
        (Stray(PLACE, StrayKind.REPOSITORY, claimed=True), ["set aside"]),
        (Stray(PLACE, StrayKind.COPY, claimed=True), []),
        (Stray(PLACE, StrayKind.LINK, claimed=True), []),
        (Stray(PLACE, StrayKind.ANOTHERS, claimed=True), []),
        (Stray(PLACE, StrayKind.PLAIN), []),
        (Stray(PLACE, StrayKind.REPOSITORY), []),
    ],
)
def test_of_strays_only_what_is_proven_an_agents_is_found_and_moved(
    stray: Stray, expected: list[str]
) -> None:
    seen = replace(snapshot(), strays=(stray,))

    assert steps(seen) == expected
    assert bool(diagnose(seen, (Scenario("worktree_corruption"),))) is bool(expected)


def test_the_row_of_a_stray_that_goes_fails_unless_it_has_another_worktree() -> None:
    stray = Stray(PLACE, StrayKind.PLAIN, workstream=WS, claimed=True)
    alone = replace(snapshot(row("ws-1")), strays=(stray,))
    beside = replace(snapshot(row("ws-1"), tree("ws-1")), strays=(stray,))

    assert steps(alone) == ["record", "set aside", "restart"]
    assert steps(beside) == ["set aside"]


def test_objects_and_branches_come_back_before_what_hangs_on_them() -> None:
    seen = replace(
        snapshot(damaged(Damage.HEAD)),
        lost=(LostObject("1" * 40, "blob", None),),
        lost_branches=(LostBranch("refs/heads/b", TRUNK), LostBranch("refs/heads/c", None)),
    )

    assert steps(seen) == ["salvage", "restore objects", "restore branch", "mend"]
    assert "c is left as it is" in notes(seen)


def test_without_a_salvage_nothing_is_removed() -> None:
    policy = Policy({StepClass.SALVAGE: Consent.OFF})

    assert steps(snapshot(damaged(Damage.TWICE)), policy) == []
    with pytest.raises(UnsafePlanError):
        Plan(REPO, (Unregister(subject="x", reason="y", worktree="x"),))


def test_only_the_named_workstreams_are_repaired() -> None:
    other = replace(tree("ws-2"), damage=(Damage.HEAD,))
    seen = snapshot(damaged(Damage.INDEX), other)

    plan = plan_corruption(seen, POLICY, Request(workstreams=frozenset({WorkstreamId("ws-2")})))

    assert {step.workstream for step in plan.steps} == {WorkstreamId("ws-2")}


def test_an_operation_in_a_worktree_nobody_accounts_for_is_aborted_once_saved() -> None:
    seen = snapshot(replace(tree("ws-1"), operation=Operation.MERGE, operation_intact=Truth.YES))

    salvage, abort = plan_corruption(seen, POLICY).steps

    assert isinstance(salvage, Salvage)
    assert isinstance(abort, Abort)
    assert abort.worktree == salvage.worktree == "agent-1-ws-1"
    assert not diagnose(
        snapshot(row("ws-1", "conflict"), *seen.worktrees), (Scenario("worktree_corruption"),)
    )


def test_a_worktree_the_crash_takes_away_is_not_repaired_before() -> None:
    seen = snapshot(row("ws-1"), branch("ws-1"), damaged(Damage.DOT_GIT))
    found = {one.scenario for one in diagnose(seen)}

    plan = plan_recovery(found, seen, POLICY)

    assert found == {Scenario("orchestrator_crash"), Scenario("worktree_corruption")}
    assert found <= set(SCENARIOS)
    assert not [step for step in plan.steps if isinstance(step, Mend)]


def test_a_lock_that_may_be_somebodys_is_named_once_it_is_old() -> None:
    lock = Lock(PurePath("/r/.git/index.lock"), "", NOW, Truth.UNKNOWN, "pid 7 may own it")
    young = replace(snapshot(), locks=(lock,))
    old = replace(young, locks=(replace(lock, since=NOW - timedelta(hours=1)),))

    assert diagnose(young) == ()
    assert [one.cause for one in diagnose(old)] == ["lingering lock"]
    assert steps(old) == []


def test_a_lender_is_put_back_by_a_person_and_what_it_lent_is_looked_for_meanwhile() -> None:
    gone = PurePath("/lender/.git/objects")
    file = DamagedFile(REPO / ".git/objects/info/alternates", SharedDamage.LENDER, gone)
    lost = LostObject("1" * 40, "blob", None)
    seen = replace(snapshot(), shared=(file,), lost=(lost,), trunk_damaged=True)

    findings = diagnose(seen, (Scenario("worktree_corruption"),))

    assert str(gone) in findings[0].evidence[0].fact
    assert steps(seen) == ["restore objects"]
    assert f"if {gone} was moved, put it back" in notes(seen)


@pytest.mark.parametrize("locker", list(Truth))
def test_a_lock_counts_while_its_process_may_live(locker: Truth) -> None:
    seen = snapshot(damaged(Damage.INDEX, lock_reason="agent (pid 7)", locker=locker))

    if locker is Truth.NO:
        assert steps(seen) == ["salvage", "mend"]
        assert "lock of" in {one.kind for one in plan_corruption(seen, POLICY).steps[1].facts}
    else:
        assert steps(seen) == []
        assert "it is locked (agent (pid 7))" in notes(seen)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (Damage.GONE, "its worktree was lost"),
        (Damage.UNFINISHED, "making its worktree was never finished"),
    ],
)
def test_a_worktree_was_lost_only_where_there_was_one(damage: Damage, said: str) -> None:
    seen = snapshot(row("ws-1"), branch("ws-1", 0), damaged(damage, only_staged=Truth.NO))

    (record,) = (one for one in plan_corruption(seen, POLICY).steps if isinstance(one, Record))

    assert (record.message, record.reason) == (
        f"{said}; will retry",
        f"{said}; the row says running",
    )
