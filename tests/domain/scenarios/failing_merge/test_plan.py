"""What is done about landed work that broke the tests: only what was proven is taken out."""

from dataclasses import replace

import pytest

from tests.domain.build import branch, row, told
from tests.domain.scenarios.failing_merge.trunks import (
    BOSS,
    BOTH,
    CASE,
    DONE,
    FIRST,
    PAIR,
    POLICY,
    SECOND,
    TESTS,
    WORKS,
    tried,
    world,
)
from unjam.domain.scenarios.failing_merge.plan import plan_failing_merge
from unjam.domain.steps.plan import Plan, Revert, Rework
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.trials import (
    Blame,
)

REVERT = "revert ws-1 (merge 1111111111): test_a fails with it and not without it; without it the whole suite passes"
AGAIN = "rework ws-1: once, on a branch from which merging brings the work back"
PUSH = "push origin main: the remote has to have the revert"
RECORD = "record ws-1: its landing is reverted; the row says completed"

CASES: dict[str, tuple[Snapshot, Policy, Request, list[str]]] = {
    "nobody asked": (world(None), POLICY, Request(), []),
    "they pass": (world(replace(TESTS, passed=True)), POLICY, Request(), []),
    "another trunk was asked": (world(replace(TESTS, tip="f" * 40)), POLICY, Request(), []),
    "one broke one": (world(TESTS), POLICY, Request(), [REVERT, AGAIN, PUSH, RECORD]),
    "there is no remote": (world(TESTS), Policy(), Request(), [REVERT, AGAIN, RECORD]),
    "two broke one each": (
        world(BOTH),
        POLICY,
        Request(),
        [
            "revert ws-2 (merge 2222222222), ws-1 (merge 1111111111): test_a, test_b fail with it and not without it; without it the whole suite passes",
            "rework ws-2: once, on a branch from which merging brings the work back",
            AGAIN,
            PUSH,
            "record ws-2: its landing is reverted; the row says completed",
            RECORD,
        ],
    ),
    "one broke two": (
        world(tried(CASE, replace(CASE, test="test_b"))),
        POLICY,
        Request(),
        [
            "revert ws-1 (merge 1111111111): test_a, test_b fail with it and not without it; without it the whole suite passes",
            AGAIN,
            PUSH,
            RECORD,
        ],
    ),
    "two together broke one": (
        world(tried(PAIR)),
        POLICY,
        Request(),
        [REVERT, AGAIN, PUSH, RECORD],
    ),
    "what it broke is not proven": (
        world(tried(replace(CASE, proven=False, because="the runner said nothing"), remedy=None)),
        POLICY,
        Request(),
        [
            "note: ws-1 (merge 1111111111) is suspected of test_a and not proven: the runner said nothing"
        ],
    ),
    "a pair is not proven": (
        world(tried(replace(PAIR, proven=False), remedy=None)),
        POLICY,
        Request(),
        [
            "note: ws-1 (merge 1111111111) is suspected of test_a and not proven: the trunk contradicts itself"
        ],
    ),
    "one is proven and one is not": (
        world(
            tried(
                CASE,
                replace(CASE, test="test_b", guilty=(2,), proven=False, because="it passed once"),
            )
        ),
        POLICY,
        Request(),
        [
            REVERT,
            AGAIN,
            PUSH,
            RECORD,
            "note: ws-2 (merge 2222222222) is suspected of test_b and not proven: it passed once",
        ],
    ),
    "without it others fail": (
        world(
            replace(TESTS, remedy=replace(WORKS, passed=False, because="test_c fails without it"))
        ),
        POLICY,
        Request(),
        ["note: ws-1 (merge 1111111111) stays on the trunk: test_c fails without it"],
    ),
    "an orchestrator lives": (
        world(TESTS, *DONE, BOSS),
        POLICY,
        Request(),
        [
            "note: ws-1 (merge 1111111111) stays on the trunk: an orchestrator is at work (pid 99), and lands on the trunk; stop it first"
        ],
    ),
    "it was not named": (
        world(TESTS),
        POLICY,
        Request(workstreams=frozenset({WorkstreamId("ws-2")})),
        [
            "note: ws-1 (merge 1111111111) stays on the trunk: it takes out ws-1, which was not named"
        ],
    ),
    "it was named": (
        world(TESTS),
        POLICY,
        Request(workstreams=frozenset({WorkstreamId("ws-1")})),
        [REVERT, AGAIN, PUSH, RECORD],
    ),
    "a person broke them, and workstreams were named": (
        world(tried(replace(CASE, guilty=(4,)), remedy=replace(WORKS, units=(4,)))),
        POLICY,
        Request(workstreams=frozenset()),
        [
            "note: commit 4444444444 stays on the trunk: it takes out work of no workstream, which was not named"
        ],
    ),
    "a person broke them": (
        world(tried(replace(CASE, guilty=(4,)), remedy=replace(WORKS, units=(4,)))),
        POLICY,
        Request(),
        [
            "revert commit 4444444444: test_a fails with it and not without it; without it the whole suite passes",
            PUSH,
        ],
    ),
    "what is built on it goes with it": (
        world(replace(TESTS, remedy=replace(WORKS, units=(2, 1)))),
        POLICY,
        Request(),
        [
            "revert ws-2 (merge 2222222222), ws-1 (merge 1111111111): test_a fails with it and not without it; without it the whole suite passes",
            AGAIN,
            PUSH,
            "record ws-2: its landing is reverted; the row says completed",
            RECORD,
        ],
    ),
    "nothing may be reverted": (
        world(TESTS),
        replace(POLICY, approvals={StepClass.REVERT: Consent.OFF}),
        Request(),
        ["note: steps of class revert are left out: policy.revert is off"],
    ),
    "nothing may be pushed": (
        world(TESTS),
        replace(POLICY, approvals={StepClass.PUSH: Consent.OFF}),
        Request(),
        [REVERT, AGAIN, RECORD],
    ),
    "it has no row": (world(TESTS, DONE[1]), POLICY, Request(), [REVERT, PUSH]),
    "it has no branch": (
        world(replace(TESTS, units=(replace(FIRST, branches=()), SECOND))),
        POLICY,
        Request(),
        [REVERT, PUSH, RECORD],
    ),
    "its unit is two workstreams'": (
        world(replace(TESTS, units=(replace(FIRST, workstreams=("ws-1", "ws-2")),))),
        POLICY,
        Request(),
        [
            "revert ws-1, ws-2 (merge 1111111111): test_a fails with it and not without it; without it the whole suite passes",
            PUSH,
            RECORD,
            "record ws-2: its landing is reverted; the row says completed",
        ],
    ),
    "it was reworked before": (
        world(TESTS, *DONE, replace(branch("ws-1"), ref=f"{branch('ws-1').ref}-rework")),
        POLICY,
        Request(),
        [
            REVERT,
            PUSH,
            RECORD,
            "note: ws-1 was reworked once already: what to do about it is a person's to say",
        ],
    ),
    "a test is flaky": (
        world(tried(replace(CASE, blame=Blame.FLAKY, guilty=()), remedy=None)),
        POLICY,
        Request(),
        [],
    ),
    "two tests are flaky": (
        world(
            tried(
                replace(CASE, blame=Blame.FLAKY, guilty=()),
                replace(CASE, test="test_b", blame=Blame.FLAKY, guilty=()),
                remedy=None,
            )
        ),
        POLICY,
        Request(),
        [],
    ),
    "a test fails everywhere": (
        world(tried(replace(CASE, blame=Blame.ENVIRONMENT, guilty=()), remedy=None)),
        POLICY,
        Request(),
        [],
    ),
    "which broke it cannot be told": (
        world(
            tried(
                replace(
                    CASE, blame=Blame.UNSURE, guilty=(), interval=(1, 2), because="too few runs"
                ),
                remedy=None,
            )
        ),
        POLICY,
        Request(),
        [],
    ),
    "nothing at all can be told": (
        world(tried(replace(CASE, blame=Blame.UNSURE, guilty=(), because="it hangs"), remedy=None)),
        POLICY,
        Request(),
        [],
    ),
    "nobody looked for what broke it": (world(tried(remedy=None)), POLICY, Request(), []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_taken_out_and_what_is_said(case: str) -> None:
    seen, policy, request, done = CASES[case]

    assert told(plan_failing_merge(seen, policy, request)) == done


def kinds(plan: Plan) -> list[str]:
    return [type(one).__name__ for one in plan.steps]


def test_a_killed_run_still_owes_what_follows_its_revert_and_no_revert() -> None:
    owed = plan_failing_merge(world(TESTS), POLICY).steps
    silent = replace(POLICY, approvals={StepClass.PUSH: Consent.OFF})

    rest = plan_failing_merge(world(None), POLICY, owed=owed)
    over = plan_failing_merge(world(None, row("ws-1", "reverted")), POLICY, owed=owed)

    assert kinds(rest) == ["Rework", "Push", "Record"]
    assert told(rest)[-1].endswith("-> reverted: it broke the tests")
    assert kinds(over) == ["Rework", "Push"]
    assert kinds(plan_failing_merge(world(None, row("ws-2")), POLICY, owed=owed)) == [
        "Rework",
        "Push",
    ]
    assert kinds(plan_failing_merge(world(None), silent, owed=owed)) == ["Rework", "Record"]
    assert kinds(plan_failing_merge(world(None), POLICY)) == []


def test_a_revert_knows_what_it_is_about() -> None:
    two = tried(
        replace(CASE, output="a" * 2000),
        replace(CASE, test="test_b", output="b"),
        replace(CASE, test="test_c", guilty=(2,), proven=False),
    )

    revert, again = plan_failing_merge(world(two), POLICY).steps[:2]

    assert isinstance(revert, Revert)
    assert (revert.units, revert.guilty) == ((FIRST,), (FIRST.after,))
    assert (revert.tests, revert.known) == (("test_a", "test_b"), ("test_a", "test_b", "test_c"))
    assert revert.shares == (("test_a", "test_b"),)
    assert isinstance(again, Rework)
    assert (again.old, again.branch) == (FIRST.branches[0], f"{FIRST.branches[0]}-rework")
    assert again.told == "test_a\n" + "a" * 1500 + "\n\ntest_b\nb"
