"""Several scenarios become one plan: nothing twice, no workstream in two ways, in a safe order."""

from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath

from tests.domain.build import DIRTY, NOW, branch, row, snapshot, tree
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.catalogue.steps import stage_of
from unjam.domain.steps.plan import MoveLock, Plan
from unjam.domain.steps.policy import Policy, StepClass
from unjam.domain.steps.request import EVERYTHING
from unjam.domain.world.damage import Damage
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Lock
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",))
BROKEN = replace(tree("ws-3", DIRTY), damage=(Damage.DOT_GIT,), problem="its .git file is damaged")
LOCK = Lock(PurePath("/r/.git/index.lock"), "", NOW - timedelta(hours=1), Truth.YES, "nobody lives")
WRECK = replace(
    snapshot(
        row("ws-1"), branch("ws-1"), tree("ws-1", DIRTY),
        row("ws-2"), branch("ws-2", landed=Truth.YES),
        row("ws-3", "failed"), branch("ws-3", 0), BROKEN,
    ),
    locks=(LOCK,),
)  # fmt: skip
BOTH = (Scenario("orchestrator_crash"), Scenario("worktree_corruption"))


def alone(scenario: Scenario) -> Plan:
    return plan_recovery({scenario}, WRECK, POLICY)


def test_what_two_scenarios_see_is_done_once() -> None:
    assert all([one for one in alone(each).steps if isinstance(one, MoveLock)] for each in BOTH)

    plan = plan_recovery(BOTH, WRECK, POLICY)

    assert len([one for one in plan.steps if isinstance(one, MoveLock)]) == 1
    named = [(one.verb, one.subject) for one in plan.steps]
    assert len(named) == len(set(named))


def test_a_workstream_is_treated_by_the_first_scenario_that_has_a_step_for_it() -> None:
    first = next(one for one in SCENARIOS if one in BOTH)
    own = {step for step in alone(first).steps if step.workstream}
    owners = {step.workstream for step in own}

    plan = plan_recovery(BOTH, WRECK, POLICY)

    assert {step for step in plan.steps if step.workstream in owners} == own


def test_all_stops_and_salvages_come_before_anything_that_removes() -> None:
    classes = [step.step_class for step in plan_recovery(BOTH, WRECK, POLICY).steps]

    assert classes.index(StepClass.CLEAN) > max(
        at for at, one in enumerate(classes) if one in (StepClass.STOP, StepClass.SALVAGE)
    )
    assert classes[-1] is StepClass.RESTART


def in_order(plan: Plan) -> list[tuple[str, str]]:
    return [(one.verb, one.subject) for one in plan.steps]


def test_a_plan_of_one_scenario_has_the_order_of_all() -> None:
    found = {one.scenario for one in diagnose(WRECK, BOTH)}

    assert found == set(BOTH)
    for each in BOTH:
        stages = [stage_of(step) for step in alone(each).steps]
        assert stages == sorted(stages)
        own = SCENARIOS[each].planned(WRECK, POLICY, EVERYTHING)
        assert sorted(in_order(alone(each))) == sorted(in_order(own))


def test_where_every_commit_is_to_be_signed_it_is_said_before_that_none_is() -> None:
    signs = replace(POLICY, signs=True)

    assert any("not signed" in one for one in plan_recovery(BOTH, WRECK, signs).notes)
    assert not any("not signed" in one for one in plan_recovery(BOTH, WRECK, POLICY).notes)
    broken = {Scenario("worktree_corruption")}  # nothing is committed there
    assert not any("not signed" in one for one in plan_recovery(broken, WRECK, signs).notes)
