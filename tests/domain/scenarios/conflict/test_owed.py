"""What a killed run still owes, and what has to be there before a conflict lands or is given up."""

from tests.domain.build import branch, row
from tests.domain.readiness.ready import spec
from tests.domain.scenarios.conflict.conflicts import (
    BLOCKED,
    BOSS,
    CLASH,
    DONE,
    GIVEN_UP,
    LANDED,
    POLICY,
    SAYS,
    WORK,
    WS,
    world,
)
from unjam.domain.scenarios.conflict.find import find_merge_conflict
from unjam.domain.scenarios.conflict.plan import plan_conflict, why_not_discarded
from unjam.domain.steps.plan import Land, Plan, Push, Restart, Step
from unjam.domain.world.snapshot import Branch, Row, Snapshot
from unjam.domain.world.truth import Truth


def kinds(plan: Plan) -> list[str]:
    return [type(one).__name__ for one in plan.steps]


def owed(seen: Snapshot, kind: type[Step]) -> tuple[Step, ...]:
    return tuple(one for one in plan_conflict(seen, POLICY).steps if isinstance(one, kind))


def test_a_killed_run_still_owes_the_push_of_what_it_landed() -> None:
    push = owed(world(SAYS, WORK), Push)
    recorded = world(DONE, LANDED)

    assert kinds(plan_conflict(recorded, POLICY)) == []
    assert kinds(plan_conflict(recorded, POLICY, owed=push)) == ["Push"]
    assert kinds(plan_conflict(world(DONE, LANDED, BOSS), POLICY, owed=push)) == []
    assert kinds(plan_conflict(world(SAYS, WORK), POLICY, owed=push)).count("Push") == 1
    assert kinds(plan_conflict(recorded, POLICY, owed=owed(world(SAYS, WORK), Land))) == []


def test_a_killed_run_still_owes_the_restart_of_what_it_freed() -> None:
    start = owed(world(SAYS, LANDED, BLOCKED), Restart)
    freed, again = world(DONE, LANDED, BLOCKED), world(DONE, LANDED, row("ws-2", "pending"))

    assert kinds(plan_conflict(freed, POLICY, owed=start)) == ["Reopen", "Restart"]
    assert kinds(plan_conflict(again, POLICY, owed=start)) == []


def test_only_what_is_in_a_conflict_is_given_up() -> None:
    found = tuple(find_merge_conflict(world(SAYS, WORK, clashes=(CLASH,))))

    assert why_not_discarded(GIVEN_UP, found) == ""
    assert why_not_discarded(GIVEN_UP, ()) == "ws-1 is in no conflict, so it is not discarded"


def landings(*needs: Row | Branch, **more: object) -> list[str | None]:
    seen = world(SAYS, WORK, *needs, specs=(spec("ws-1", "ws-0"),), **more)
    (step,) = (one for one in plan_conflict(seen, POLICY).steps if isinstance(one, Land))
    return [one.waits_for for one in step.landings if one.workstream == WS]


def test_it_lands_only_after_what_it_needs() -> None:
    need, done = branch("ws-0"), branch("ws-0", landed=Truth.YES)

    assert landings() == [None]  # nothing is known of it
    assert landings(need) == [None]  # nothing was recorded of it
    assert landings(row("ws-0", "failed"), need) == ["ws-0"]
    assert landings(row("ws-0", "failed")) == ["ws-0"]
    assert landings(row("ws-0", "failed"), done) == [None]
    assert landings(row("ws-0", "completed"), need) == [None]
    assert landings(row("ws-0", "conflict"), need) == [None]  # it lands together with it
