"""What is found of conflicts, and what is none."""

import pytest

from tests.domain.build import DIRTY, branch, tree
from tests.domain.scenarios.conflict.conflicts import (
    BLOCKED,
    CLASH,
    DONE,
    LANDED,
    RUNS,
    SAYS,
    WORK,
    world,
)
from unjam.domain.scenarios.conflict.find import find_merge_conflict
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth

FOUND: dict[str, tuple[Snapshot, list[str]]] = {
    "nothing conflicts": (world(DONE, LANDED), []),
    "it would merge now": (
        world(SAYS, WORK, tree("ws-1", DIRTY)),
        ["conflict is over: ws-1: its row says conflict, and its branch would merge now"],
    ),
    "it is on the trunk": (
        world(SAYS, LANDED, tree("ws-1")),
        [
            "resolved, unrecorded: ws-1: its conflict was settled and its work is in the trunk, but its row says conflict"
        ],
    ),
    "it does not merge and was not tried": (
        world(SAYS, WORK, clashes=(CLASH,)),
        ["conflict: ws-1: its branch conflicts with the trunk in a.py (contents)"],
    ),
    "it does not merge and still runs": (world(RUNS, WORK, clashes=(CLASH,)), []),
    "no branch has work": (
        world(SAYS, branch("ws-1", 0)),
        [
            "conflict without work: ws-1: its row says conflict, and no branch of it has work of its own"
        ],
    ),
    "whether it landed cannot be told": (
        world(SAYS, branch("ws-1", landed=Truth.UNKNOWN)),
        [
            "cannot tell: ws-1: its row says conflict, and whether its work is in the trunk cannot be told"
        ],
    ),
    "another waits for it, which was not named": (
        world(DONE, LANDED, BLOCKED),
        ["blocked by what is completed: ws-2: is blocked by ws-1, which landed in the meantime"],
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_each_is_found_with_what_became_of_it(case: str) -> None:
    seen, found = FOUND[case]

    assert [f"{one.cause}: {one.summary}" for one in find_merge_conflict(seen)] == found
