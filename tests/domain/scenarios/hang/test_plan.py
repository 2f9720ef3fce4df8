"""What is done about an agent that hangs, beside a living orchestrator and alone; and of one that may work, nothing."""

from dataclasses import replace

import pytest

from tests.domain.build import DIRTY, branch, process, row, snapshot, told, tree
from tests.domain.world.agents.looks import LOOP, READER, STARTED, pulse, watched
from unjam.domain.scenarios.hang.find import find_agent_hang
from unjam.domain.scenarios.hang.plan import plan_hang
from unjam.domain.steps.plan import Plan, Push, Restart, Step
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.agents.signs import Wait, Watched
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Branch, Process, Row, Snapshot, State, Worktree
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",), remote="origin")
WAITS, ENDED, GONE = watched(READER), watched(pulse(Wait.ENDED)), watched()
LOOPS = watched(LOOP, before=(STARTED,))
WORKS = watched(replace(READER, moved=1001), before=(READER,))
TRACED = watched(pulse(Wait.TRACED))
AGENT, BOSS = process("ws-1"), process("", Role.ORCHESTRATOR, pid=99)
ROW, HALF, TREE = row("ws-1"), branch("ws-1", commits=2), tree("ws-1", DIRTY)
NONE = State("", Truth.NO)


def hanging(
    look: Watched, *parts: Row | Branch | Worktree | Process, waited: bool = False, **more: object
) -> Snapshot:
    """A world in which the agent in agent-1-ws-1 shows no sign of life."""
    if waited:
        look = replace(look, now=replace(look.now, above=(BOSS.identity.pid,)))
    seen = snapshot(*(parts or (ROW, HALF, TREE, AGENT)))
    return replace(seen, watched=(replace(look, worktree="agent-1-ws-1"),), **more)  # type: ignore[arg-type]


def off(*classes: StepClass) -> Policy:
    return replace(POLICY, approvals=dict.fromkeys(classes, Consent.OFF))


CASES: dict[str, tuple[Snapshot, Policy, list[str], list[str]]] = {
    "it waits for input": (
        hanging(WAITS),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "it computes and is asked about": (
        hanging(LOOPS),
        POLICY,
        [
            "stop pid 7: ws-1: busy loop: pid 7, the agent's own program, used 100% of a processor and 7000 s in all; it read, wrote, started and waited for nothing",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error busy loop: ws-1: its agent computes for ever and does nothing"],
    ),
    "it computes and nobody is asked": (
        hanging(LOOPS),
        replace(POLICY, approvals={StepClass.STOP: Consent.AUTO}),
        [
            "note: ws-1 is not stopped for hanging: whether what it computes will ever end cannot be told from outside, and policy.stop is auto; to be asked: UNJAM_POLICY__STOP=ask unjam recover agent_hang"
        ],
        ["error busy loop: ws-1: its agent computes for ever and does nothing"],
    ),
    "it works": (hanging(WORKS), POLICY, [], []),
    "a debugger holds it": (
        hanging(TRACED),
        POLICY,
        ["note: ws-1 is not stopped for hanging: unknown: a debugger holds it"],
        ["warning unknown: ws-1: its agent shows no sign of life, and why cannot be told"],
    ),
    "it has ended, and nobody is there": (
        hanging(ENDED, ROW, HALF, TREE),
        POLICY,
        [
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error dead with commits: ws-1: its agent is gone, and its row was left behind"],
    ),
    "it is gone": (
        hanging(GONE, ROW, HALF, TREE),
        POLICY,
        [
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error dead with commits: ws-1: its agent is gone, and its row was left behind"],
    ),
    "it has ended beside its orchestrator": (
        hanging(ENDED, ROW, HALF, TREE, BOSS),
        POLICY,
        [
            "note: ws-1 is not stopped for hanging: its orchestrator lives (pid 99); stop that, then: unjam recover"
        ],
        ["error zombie: ws-1: its agent has ended, and the orchestrator did not notice"],
    ),
    "its orchestrator waits for it": (
        hanging(WAITS, ROW, HALF, TREE, AGENT, BOSS, waited=True),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "note: ws-1: its orchestrator (pid 99) waits for it, and decides what comes of its end; its work is saved before",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "an orchestrator lives that does not": (
        hanging(WAITS, ROW, HALF, TREE, AGENT, BOSS),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "record ws-1: dead with commits; the row says running -> failed: its agent hung (waiting for input) and was stopped; 2 commits on ws/ws-1/agent-1; will retry",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "an orchestrator lives that does not, and nothing is committed": (
        hanging(WAITS, ROW, branch("ws-1", 0), TREE, AGENT, BOSS),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "record ws-1: dead, only uncommitted work; the row says running -> failed: its agent hung (waiting for input) and was stopped; will retry",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: no commits of its own; a retry makes it anew",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "an orchestrator lives and work must not be saved": (
        hanging(WAITS, ROW, HALF, TREE, AGENT, BOSS),
        off(StepClass.SALVAGE),
        ["note: ws-1 is not stopped for hanging: policy.salvage is off"],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "work must not be saved": (
        hanging(WAITS),
        off(StepClass.SALVAGE),
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "nothing may be stopped": (
        hanging(WAITS),
        off(StepClass.STOP),
        ["note: ws-1 is not stopped for hanging: policy.stop is off"],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "nothing may land": (
        hanging(WAITS),
        off(StepClass.LAND),
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "record ws-1: dead with commits; the row says running -> blocked: its agent hung (waiting for input) and was stopped; for review: 2 commits on ws/ws-1/agent-1",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "nothing may land and nothing is committed": (
        hanging(WAITS, ROW, branch("ws-1", 0), TREE, AGENT),
        off(StepClass.LAND),
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "record ws-1: dead, only uncommitted work; the row says running -> failed: its agent hung (waiting for input) and was stopped; will retry",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: no commits of its own; a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "nothing may be recorded or cleaned": (
        hanging(WAITS),
        off(StepClass.RECORD, StepClass.CLEAN),
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "nothing can be started again": (
        hanging(WAITS),
        replace(POLICY, resume=()),
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "no row says that it runs and it waits for input": (
        hanging(WAITS, row("ws-1", "pending"), HALF, TREE, AGENT),
        POLICY,
        [
            "note: ws-1 is not stopped for hanging: no row says that it runs, and a person may come back to its prompt"
        ],
        ["warning waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "no row says that it runs and it is stopped": (
        hanging(watched(pulse(Wait.STOPPED)), row("ws-1", "pending"), HALF, TREE, AGENT),
        POLICY,
        [
            "stop pid 7: ws-1: stopped: pid 7 is stopped",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
        ],
        ["error stopped: ws-1: its agent is stopped, and nobody lets it go on"],
    ),
    "nobody waits for it": (
        hanging(WAITS, HALF, TREE, AGENT, state=NONE),
        POLICY,
        [
            "note: ws-1 is not stopped for hanging: no orchestrator is known to wait for it, and somebody may come back to it"
        ],
        [],
    ),
    "nobody waits for it and it works": (
        hanging(WORKS, HALF, TREE, AGENT, state=NONE),
        POLICY,
        [],
        [],
    ),
    "no workstream is known by its worktree": (
        hanging(WAITS, ROW, replace(TREE, workstream=None, branch=None), AGENT),
        POLICY,
        [
            "note: .worktrees/agent-1-ws-1 is not stopped for hanging: no orchestrator is known to wait for it, and somebody may come back to it"
        ],
        [],
    ),
    "another workstream runs, too": (
        hanging(WAITS, ROW, HALF, TREE, AGENT, row("ws-2")),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "its command can name workstreams": (
        hanging(WAITS, ROW, HALF, TREE, AGENT, row("ws-2")),
        replace(POLICY, resume=("resume", "{workstreams}")),
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: 1 unsaved path",
            "land ws-1: if it merges without conflict and the verify command passes",
            "push origin main: the remote has to have what landed",
            "record ws-1: dead with commits; the row says running",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "all of it has landed": (
        hanging(WAITS, ROW, branch("ws-1", landed=Truth.YES), tree("ws-1"), AGENT),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: nothing unsaved, to be sure",
            "push origin main: the remote has to have what landed",
            "record ws-1: landed, unrecorded; the row says running -> failed: its agent hung (waiting for input) and was stopped; will retry",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: if it is incomplete: the trunk has its commits, and a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
    "nothing is at risk": (
        hanging(WAITS, ROW, branch("ws-1", 0), tree("ws-1"), AGENT),
        POLICY,
        [
            "stop pid 7: ws-1: waiting for input: pid 7 waits for input from its terminal",
            "salvage .worktrees/agent-1-ws-1: ws-1: nothing unsaved, to be sure",
            "record ws-1: dead and empty; the row says running -> failed: its agent hung (waiting for input) and was stopped; will retry",
            "remove worktree .worktrees/agent-1-ws-1: ws-1 needs it no more, and the vault holds it",
            "remove branch ws/ws-1/agent-1: no commits of its own; a retry makes it anew",
            "restart the orchestrator: ws-1 left to run: resume",
        ],
        ["error waiting for input: ws-1: its agent waits for input that nobody gives"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_done_and_what_is_said(case: str) -> None:
    seen, policy, done, found = CASES[case]

    assert told(plan_hang(seen, policy)) == done
    assert [f"{one.severity} {one.cause}: {one.summary}" for one in find_agent_hang(seen)] == found


def test_only_what_is_named_is_stopped() -> None:
    named = Request(workstreams=frozenset({WorkstreamId("ws-2")}))

    assert told(plan_hang(hanging(WAITS), POLICY, named)) == []
    assert told(plan_hang(hanging(WAITS), POLICY, replace(named, workstreams=None))) != []


def owed_by(seen: Snapshot) -> tuple[Step, ...]:
    return plan_hang(seen, POLICY).steps


def kinds(plan: Plan) -> list[str]:
    return [type(one).__name__ for one in plan.steps]


def test_a_killed_run_goes_on_where_its_agent_is_stopped_already() -> None:
    owed = owed_by(hanging(WAITS))

    assert kinds(plan_hang(snapshot(ROW, HALF, TREE), POLICY, owed=owed)) == [
        type(one).__name__ for one in owed if one.verb != "stop"
    ]


def test_a_killed_run_leaves_alone_what_somebody_works_in_again() -> None:
    again = snapshot(ROW, HALF, TREE, AGENT)

    assert kinds(plan_hang(again, POLICY, owed=owed_by(hanging(WAITS)))) == []


@pytest.mark.parametrize(
    ("beside", "policy"),
    [((BOSS,), POLICY), ((), off(StepClass.LAND))],
    ids=["living", "no landing"],
)
def test_a_killed_run_says_in_the_row_what_it_was_to_say(
    beside: tuple[Process, ...], policy: Policy
) -> None:
    whole = plan_hang(hanging(WAITS, ROW, HALF, TREE, AGENT, *beside), policy)

    rest = plan_hang(snapshot(ROW, HALF, TREE, *beside), policy, owed=whole.steps)

    assert told(rest) == [one for one in told(whole) if not one.startswith(("stop", "note"))]


def test_a_killed_run_goes_on_beside_the_orchestrator_it_was_planned_beside_and_no_other() -> None:
    owed = owed_by(hanging(WAITS, ROW, HALF, TREE, AGENT, BOSS))
    another = process("", Role.ORCHESTRATOR, pid=98)

    same = plan_hang(snapshot(ROW, HALF, TREE, BOSS), POLICY, owed=owed)
    other = plan_hang(snapshot(ROW, HALF, TREE, another), POLICY, owed=owed)

    assert kinds(same) == ["Salvage", "Record", "RemoveWorktree"]
    assert kinds(other) == []


def test_a_killed_run_that_owes_only_the_restart_makes_that() -> None:
    (start,) = (one for one in owed_by(hanging(WAITS)) if isinstance(one, Restart))
    (push,) = (one for one in owed_by(hanging(WAITS)) if isinstance(one, Push))

    assert kinds(plan_hang(snapshot(row("ws-1", "failed")), POLICY, owed=(start,))) == ["Restart"]
    assert kinds(plan_hang(snapshot(row("ws-1", "failed")), POLICY, owed=(push,))) == []
    assert kinds(plan_hang(snapshot(row("ws-1", "failed"), BOSS), POLICY, owed=(start,))) == []
