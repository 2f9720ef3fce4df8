"""Trunks whose tests fail, and what was found out about it, in a few words."""

from dataclasses import replace

from tests.domain.build import TRUNK, branch, process, row, snapshot
from unjam.domain.steps.policy import Policy
from unjam.domain.world.identity import Role
from unjam.domain.world.snapshot import Branch, Process, Row, Snapshot, Worktree
from unjam.domain.world.trials import (
    Blame,
    Case,
    Heard,
    Probe,
    Remedy,
    Said,
    TrunkTests,
    Unit,
    UnitKind,
)

POLICY = Policy(remote="origin")
BOSS = process("", Role.ORCHESTRATOR, pid=99)
DONE = (row("ws-1", "completed"), row("ws-2", "completed"))
FIRST, SECOND, LAST = (
    Unit(
        UnitKind.MERGE,
        before * 40,
        after * 40,
        f"merge {name}",
        (after * 40,),
        (name,),
        (branch(name).ref,),
    )
    for before, after, name in (("0", "1", "ws-1"), ("1", "2", "ws-2"), ("2", "3", "ws-3"))
)
BY_HAND = Unit(UnitKind.COMMIT, "3" * 40, "4" * 40, "a person", ("4" * 40,))
HEARD = (Heard(Probe(0), Said.PASS), Heard(Probe(1), Said.FAIL), Heard(Probe(3, (1,)), Said.PASS))
CASE = Case(
    "test_a", Blame.BROKEN, (1,), confidence=0.99, proven=True, output="one\n\ntwo\n", heard=HEARD
)
WORKS = Remedy((1,), "tree", passed=True, because="without it the whole suite passes")
TESTS = TrunkTests(
    TRUNK,
    "pytest",
    passed=False,
    said="1 test fails",
    units=(FIRST, SECOND, LAST, BY_HAND),
    cases=(CASE,),
    remedy=WORKS,
)
BOTH = replace(
    TESTS,
    cases=(CASE, replace(CASE, test="test_b", guilty=(2,))),
    remedy=replace(WORKS, units=(2, 1)),
)
PAIR = replace(CASE, blame=Blame.PAIR, partner=2)


def world(tests: TrunkTests | None, *parts: Row | Branch | Worktree | Process) -> Snapshot:
    return replace(snapshot(*(parts or DONE)), tests=tests)


def tried(*cases: Case, **more: object) -> TrunkTests:
    return replace(TESTS, cases=cases, **more)  # type: ignore[arg-type]
