"""What is done about conflicts: what lands, who is told, what waits and what waits no more."""

from dataclasses import replace

import pytest

from tests.domain.build import DIRTY, branch, process, row, told, tree
from tests.domain.scenarios.conflict.conflicts import (
    AGENT,
    BEHIND,
    BLOCKED,
    BOSS,
    CLASH,
    DONE,
    GIVEN_UP,
    LANDED,
    NO_LANDING,
    POLICY,
    REPORTED,
    RUNS,
    SAYS,
    WORK,
    WS,
    world,
)
from unjam.domain.scenarios.conflict.plan import plan_conflict
from unjam.domain.steps.policy import Policy
from unjam.domain.steps.request import Request
from unjam.domain.world.conflicts import told_to_wait
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth

LAND = "land ws-1: if it merges without conflict and the verify command passes"
PUSH = "push origin main: the remote has to have what landed"
CAME = "record ws-1: what came of its landing; the row says conflict"
SETTLED = "record ws-1: its conflict was settled and it is on the trunk -> completed: "

CASES: dict[str, tuple[Snapshot, Policy, Request, list[str]]] = {
    "nothing conflicts": (world(DONE, LANDED), POLICY, Request(), []),
    "it would merge now": (
        world(SAYS, WORK, tree("ws-1", DIRTY)),
        POLICY,
        Request(),
        [
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            LAND,
            PUSH,
            CAME,
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
        ],
    ),
    "it would merge now and nothing may land": (
        world(SAYS, WORK, tree("ws-1", DIRTY)),
        NO_LANDING,
        Request(),
        ["note: steps of class land are left out: policy.land is off"],
    ),
    "it would merge now and there is no remote": (
        world(SAYS, WORK),
        replace(POLICY, remote=None),
        Request(),
        [LAND, CAME],
    ),
    "it is on the trunk": (
        world(SAYS, LANDED, tree("ws-1")),
        POLICY,
        Request(),
        [
            "salvage .worktrees/agent-1-ws-1: ws-1: nothing unsaved, to be sure",
            PUSH,
            SETTLED,
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
        ],
    ),
    "it is on the trunk and there is no remote": (
        world(SAYS, LANDED),
        replace(POLICY, remote=None),
        Request(),
        [SETTLED],
    ),
    "it does not merge and was not tried": (
        world(SAYS, WORK, clashes=(CLASH,)),
        POLICY,
        Request(),
        [LAND, PUSH, CAME],
    ),
    "it does not merge and nothing may land": (
        world(DONE, WORK, clashes=(CLASH,)),
        NO_LANDING,
        Request(),
        [
            "record ws-1: it does not merge; the row says completed -> conflict: conflicts with the trunk in a.py (contents)",
            "note: steps of class land are left out: policy.land is off",
        ],
    ),
    "its row says so and nothing may land": (
        world(SAYS, WORK, clashes=(CLASH,)),
        NO_LANDING,
        Request(),
        ["note: steps of class land are left out: policy.land is off"],
    ),
    "it does not merge and its row says completed": (
        world(DONE, WORK, clashes=(CLASH,)),
        POLICY,
        Request(),
        [LAND, PUSH, "record ws-1: what came of its landing; the row says completed"],
    ),
    "it does not merge and still runs": (
        world(RUNS, WORK, clashes=(CLASH,)),
        POLICY,
        Request(),
        [],
    ),
    "a person was told": (
        world(SAYS, WORK, clashes=(REPORTED,)),
        POLICY,
        Request(),
        ["note: ws-1 waits for you: a.py (contents); reports/conflict_ws-1.md says what to do"],
    ),
    "a page is there and its row says completed": (
        world(DONE, WORK, clashes=(REPORTED,)),
        POLICY,
        Request(),
        [LAND, PUSH, "record ws-1: what came of its landing; the row says completed"],
    ),
    "an agent works in it": (
        world(SAYS, WORK, tree("ws-1", DIRTY), AGENT, clashes=(CLASH,)),
        POLICY,
        Request(),
        ["note: ws-1 is left alone: an agent works in it"],
    ),
    "an orchestrator lives": (
        world(SAYS, WORK, BOSS),
        POLICY,
        Request(),
        [
            "note: nothing is done about conflicts: an orchestrator lives (pid 99), which merges and writes rows itself; let it finish or stop it, then: unjam recover merge_conflict"
        ],
    ),
    "an orchestrator may live": (
        world(SAYS, WORK, replace(BOSS, certain=False)),
        POLICY,
        Request(),
        [
            "note: nothing is done about conflicts: an orchestrator may live (pid 99), which merges and writes rows itself; let it finish or stop it, then: unjam recover merge_conflict"
        ],
    ),
    "no branch has work": (
        world(SAYS, branch("ws-1", 0)),
        POLICY,
        Request(),
        ["note: ws-1: no branch of it has work; order it anew, or mark it discarded"],
    ),
    "there is no branch": (
        world(SAYS),
        POLICY,
        Request(),
        ["note: ws-1: no branch of it has work; order it anew, or mark it discarded"],
    ),
    "whether it landed cannot be told": (
        world(SAYS, branch("ws-1", landed=Truth.UNKNOWN)),
        POLICY,
        Request(),
        ["note: ws-1 is kept as it is: whether it has landed cannot be told"],
    ),
    "its commits cannot be counted": (
        world(SAYS, branch("ws-1", commits=None)),
        POLICY,
        Request(),
        ["note: ws-1 is kept as it is: whether it has landed cannot be told"],
    ),
    "it was not named": (
        world(SAYS, WORK),
        POLICY,
        Request(workstreams=frozenset({WorkstreamId("ws-2")})),
        [],
    ),
    "it is given up": (
        world(SAYS, WORK, tree("ws-1", DIRTY), clashes=(REPORTED,)),
        POLICY,
        GIVEN_UP,
        [
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "discard ws/ws-1/agent-1: it was asked for by name; the vault keeps the branch",
            "record ws-1: it is given up; the row says conflict",
        ],
    ),
    "it is given up and an agent works in it": (
        world(SAYS, WORK, tree("ws-1", DIRTY), AGENT, clashes=(REPORTED,)),
        POLICY,
        GIVEN_UP,
        ["note: ws-1 is left alone: an agent works in it"],
    ),
    "it is given up without a branch": (
        world(SAYS),
        POLICY,
        GIVEN_UP,
        ["note: ws-1: no branch of it has work; order it anew, or mark it discarded"],
    ),
    "it is given up and nothing may land": (
        world(SAYS, WORK, clashes=(REPORTED,)),
        NO_LANDING,
        GIVEN_UP,
        ["note: steps of class land are left out: policy.land is off"],
    ),
    "what has not begun depends on it": (
        world(SAYS, WORK, row("ws-2", "pending"), specs=(BEHIND,), clashes=(REPORTED,)),
        POLICY,
        Request(),
        [
            "record ws-2: it depends on ws-1, which conflicts -> blocked: waits for ws-1, whose landing conflicts",
            "note: ws-1 waits for you: a.py (contents); reports/conflict_ws-1.md says what to do",
        ],
    ),
    "what depends on it runs": (
        world(SAYS, WORK, row("ws-2"), specs=(BEHIND,), clashes=(REPORTED,)),
        POLICY,
        Request(),
        ["note: ws-1 waits for you: a.py (contents); reports/conflict_ws-1.md says what to do"],
    ),
    "what depends on it would land with it": (
        world(SAYS, WORK, row("ws-2", "pending"), specs=(BEHIND,)),
        POLICY,
        Request(),
        [LAND, PUSH, CAME],
    ),
    "another waited for it, without work": (
        world(SAYS, LANDED, BLOCKED),
        POLICY,
        Request(),
        [
            PUSH,
            SETTLED,
            "reopen ws-2: ws-1 is no longer in its way",
            "restart the orchestrator: 1 workstream left to run: resume",
        ],
    ),
    "another waited for it, without work, and nothing is started": (
        world(SAYS, LANDED, BLOCKED),
        replace(POLICY, resume=()),
        Request(),
        [PUSH, SETTLED, "reopen ws-2: ws-1 is no longer in its way"],
    ),
    "another waited for it, with its work done": (
        world(SAYS, LANDED, BLOCKED, branch("ws-2"), tree("ws-2", DIRTY)),
        POLICY,
        Request(),
        [
            "salvage .worktrees/agent-1-ws-2: ws-2: 1 unsaved path",
            "land ws-2: if it merges without conflict and the verify command passes",
            PUSH,
            SETTLED,
            "record ws-2: what came of its landing; the row says blocked",
            "remove worktree .worktrees/agent-1-ws-2: ws-2 needs it no more, and the vault holds it",
        ],
    ),
    "another waited for it, and nothing may land": (
        world(SAYS, WORK, BLOCKED, branch("ws-2")),
        NO_LANDING,
        Request(),
        ["note: steps of class land are left out: policy.land is off"],
    ),
    "another waited for it, at work": (
        world(SAYS, LANDED, BLOCKED, branch("ws-2"), tree("ws-2"), process("ws-2")),
        POLICY,
        Request(),
        [PUSH, SETTLED],
    ),
    "another waited for it, reverted": (
        world(SAYS, LANDED, BLOCKED, branch("ws-2", reverted_by="c" * 40)),
        POLICY,
        Request(),
        [
            PUSH,
            SETTLED,
            "reopen ws-2: ws-1 is no longer in its way",
            "restart the orchestrator: 1 workstream left to run: resume",
        ],
    ),
    "another waited for it, landed": (
        world(SAYS, LANDED, BLOCKED, branch("ws-2", landed=Truth.YES)),
        POLICY,
        Request(),
        [
            PUSH,
            SETTLED,
            "reopen ws-2: ws-1 is no longer in its way",
            "restart the orchestrator: 1 workstream left to run: resume",
        ],
    ),
    "another waits for it, which was not named": (
        world(DONE, LANDED, BLOCKED),
        POLICY,
        Request(workstreams=frozenset({WS})),
        [],
    ),
    "another waits for what landed": (
        world(DONE, LANDED, BLOCKED),
        POLICY,
        Request(),
        [
            "reopen ws-2: ws-1 is no longer in its way",
            "restart the orchestrator: 1 workstream left to run: resume",
        ],
    ),
    "another waits for one that conflicts still": (
        world(DONE, WORK, BLOCKED, clashes=(REPORTED,)),
        POLICY,
        Request(),
        [LAND, PUSH, "record ws-1: what came of its landing; the row says completed"],
    ),
    "a chain waited for it": (
        world(
            SAYS,
            LANDED,
            BLOCKED,
            branch("ws-2"),
            replace(row("ws-3", "blocked"), error_message=told_to_wait((WorkstreamId("ws-2"),))),
            branch("ws-3"),
        ),
        POLICY,
        Request(),
        [
            "land ws-2, ws-3: if it merges without conflict and the verify command passes",
            PUSH,
            SETTLED,
            "record ws-2: what came of its landing; the row says blocked",
            "record ws-3: what came of its landing; the row says blocked",
        ],
    ),
    "a chain waited for it, and nothing may land": (
        world(
            SAYS,
            LANDED,
            BLOCKED,
            branch("ws-2"),
            replace(row("ws-3", "blocked"), error_message=told_to_wait((WorkstreamId("ws-2"),))),
        ),
        NO_LANDING,
        Request(),
        [PUSH, SETTLED, "note: steps of class land are left out: policy.land is off"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_done_and_what_is_said(case: str) -> None:
    seen, policy, request, done = CASES[case]

    assert told(plan_conflict(seen, policy, request)) == done
