"""What is found of a trunk whose tests fail, with what it was seen by."""

from dataclasses import replace

import pytest

from tests.domain.scenarios.failing_merge.trunks import (
    CASE,
    FIRST,
    PAIR,
    TESTS,
    WORKS,
    tried,
    world,
)
from unjam.domain.scenarios.failing_merge.find import find_failing_merge
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.trials import (
    Blame,
)

FOUND: dict[str, tuple[Snapshot, list[str]]] = {
    "nobody asked": (world(None), []),
    "they pass": (world(replace(TESTS, passed=True)), []),
    "another trunk was asked": (world(replace(TESTS, tip="f" * 40)), []),
    "one broke one": (
        world(TESTS),
        [
            "error broken by landed work: test_a fails since ws-1 (merge 1111111111)",
            "tests: 3 trials, confidence 0.9900",
            "git: merge 0000000000..1111111111: merge ws-1",
            "tests: test_a: pass after 0 of 4",
            "tests: test_a: fail after 1 of 4",
            "tests: one",
            "tests: two",
        ],
    ),
    "one broke two": (
        world(tried(CASE, replace(CASE, test="test_b"))),
        [
            "error broken by landed work: test_a, test_b fail since ws-1 (merge 1111111111)",
            "tests: 3 trials, confidence 0.9900",
            "git: merge 0000000000..1111111111: merge ws-1",
            "tests: test_a: pass after 0 of 4",
            "tests: test_a: fail after 1 of 4",
            "tests: one",
            "tests: two",
        ],
    ),
    "two together broke one": (
        world(tried(PAIR)),
        [
            "error broken by landed work: test_a fails since ws-1 (merge 1111111111) together with ws-2 (merge 2222222222)",
            "tests: 3 trials, confidence 0.9900",
            "git: merge 0000000000..1111111111: merge ws-1",
            "tests: test_a: pass after 0 of 4",
            "tests: test_a: fail after 1 of 4",
            "tests: one",
            "tests: two",
        ],
    ),
    "what it broke is not proven": (
        world(tried(replace(CASE, proven=False, because="the runner said nothing"), remedy=None)),
        [
            "error broken by landed work: test_a fails since ws-1 (merge 1111111111)",
            "tests: 3 trials, confidence 0.9900",
            "git: merge 0000000000..1111111111: merge ws-1",
            "tests: test_a: pass after 0 of 4",
            "tests: test_a: fail after 1 of 4",
            "tests: not proven: the runner said nothing",
            "tests: one",
            "tests: two",
        ],
    ),
    "a pair is not proven": (
        world(tried(replace(PAIR, proven=False), remedy=None)),
        [
            "error broken by landed work: test_a fails since ws-1 (merge 1111111111) together with ws-2 (merge 2222222222)",
            "tests: 3 trials, confidence 0.9900",
            "git: merge 0000000000..1111111111: merge ws-1",
            "tests: test_a: pass after 0 of 4",
            "tests: test_a: fail after 1 of 4",
            "tests: not proven: the trunk contradicts itself",
            "tests: one",
            "tests: two",
        ],
    ),
    "a person broke them": (
        world(tried(replace(CASE, guilty=(4,)), remedy=replace(WORKS, units=(4,)))),
        [
            "error broken by landed work: test_a fails since commit 4444444444",
            "tests: 3 trials, confidence 0.9900",
            "git: commit 3333333333..4444444444: a person",
            "tests: test_a: pass after 0 of 4",
            "tests: test_a: pass after 3 without 1 of 4",
            "tests: one",
            "tests: two",
        ],
    ),
    "its unit is two workstreams'": (
        world(replace(TESTS, units=(replace(FIRST, workstreams=("ws-1", "ws-2")),))),
        [
            "error broken by landed work: test_a fails since ws-1, ws-2 (merge 1111111111)",
            "tests: 3 trials, confidence 0.9900",
            "git: merge 0000000000..1111111111: merge ws-1",
            "tests: test_a: pass after 0 of 1",
            "tests: test_a: fail after 1 of 1",
            "tests: one",
            "tests: two",
        ],
    ),
    "a test is flaky": (
        world(tried(replace(CASE, blame=Blame.FLAKY, guilty=()), remedy=None)),
        ["warning flaky: test_a is only flaky", "tests: test_a: "],
    ),
    "two tests are flaky": (
        world(
            tried(
                replace(CASE, blame=Blame.FLAKY, guilty=()),
                replace(CASE, test="test_b", blame=Blame.FLAKY, guilty=()),
                remedy=None,
            )
        ),
        ["warning flaky: test_a, test_b are only flaky", "tests: test_a: ", "tests: test_b: "],
    ),
    "a test fails everywhere": (
        world(tried(replace(CASE, blame=Blame.ENVIRONMENT, guilty=()), remedy=None)),
        [
            "warning fails everywhere it could be tried: test_a: fails everywhere it could be tried",
            "tests: test_a: ",
        ],
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
        [
            "error cannot tell: test_a fails, and what broke it cannot be told: too few runs",
            "tests: it is one of units 1 to 2: 1111111111 to 2222222222, with confidence 0.99",
            "tests: one",
            "tests: two",
        ],
    ),
    "nothing at all can be told": (
        world(tried(replace(CASE, blame=Blame.UNSURE, guilty=(), because="it hangs"), remedy=None)),
        [
            "error cannot tell: test_a fails, and what broke it cannot be told: it hangs",
            "tests: which unit broke it, with confidence 0.99",
            "tests: one",
            "tests: two",
        ],
    ),
    "nobody looked for what broke it": (
        world(tried(remedy=None)),
        [
            "error not explained yet: the tests fail on main; to find out why: unjam recover failing_merge",
            "tests: 1 test fails",
        ],
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_broke_the_tests_and_what_only_seems_so(case: str) -> None:
    seen, said = FOUND[case]

    lines = [
        line
        for one in find_failing_merge(seen)
        for line in (
            f"{one.severity} {one.cause}: {one.summary}",
            *(f"{each.source}: {each.fact}" for each in one.evidence),
        )
    ]
    assert lines == said
