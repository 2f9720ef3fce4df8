"""What a reset stops, saves, clears away and leaves: of each thing that can be there."""

from dataclasses import replace

import pytest

from tests.domain.build import (
    DIRTY,
    NOW,
    REPO,
    UNREAD,
    branch,
    primary,
    process,
    row,
    snapshot,
    told,
    tree,
)
from unjam.domain.scenarios.reset.plan import Remains, plan_reset
from unjam.domain.scenarios.reset.steps import EmptyState
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.world.claims.ownership import Whose
from unjam.domain.world.damage import Damage, LostBranch, StrayKind
from unjam.domain.world.elsewhere import Sharing
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import (
    Branch,
    Lock,
    Operation,
    Process,
    Row,
    Snapshot,
    State,
    Stray,
    Worktree,
)
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",))
REMAINS = Remains(REPO / ".worktrees", state_files=1, logs=2)
NOTHING = Remains(REPO / ".worktrees", state_files=0, logs=0)
FULL = (row("ws-1"), branch("ws-1"), tree("ws-1", DIRTY))
AGENT, BOSS = process("ws-1"), process("", Role.ORCHESTRATOR, pid=99)
PERSON = process("ws-1", Role.PERSON, pid=5)
NONE = State("", Truth.NO)
CLOSED = State("state.db", Truth.UNKNOWN, because="it is locked")
STRAY = Stray(
    REPO / ".worktrees/x",
    StrayKind.ORPHAN,
    names="x",
    workstream=WorkstreamId("ws-1"),
    claimed=True,
)
IN_STRAY = replace(process("ws-7"), cwd=STRAY.path, worktree=None)
LOCK = Lock(REPO / ".git/index.lock", "", NOW, Truth.YES, "its process is dead")
EMPTIED = "empty state state.db: 1 row of work that begins anew"
SAVED = "salvage .worktrees/agent-1-ws-1: 1 unsaved path"
BUNDLED = "bundle 1 branch, 1 worktree: one file holds all that the branches and the salvages have"
LOGS = "set logs aside logs: they tell of what was: 2 of them"
REMOVED = "remove worktree .worktrees/agent-1-ws-1: the vault takes it as it is"
BRANCH = "remove branch ws/ws-1/agent-1: the vault keeps it and its reflog"
TAKEN = [SAVED, BUNDLED, EMPTIED, LOGS, REMOVED, BRANCH]
OF_WS = "refs/heads/ws/ws-1/agent-1"
ELSEWHERE = replace(row("ws-9"), machine="other")
HERE = Sharing(because="it lies on a server", machine=frozenset({"host"}), nursery=REPO)


def world(*parts: Row | Branch | Worktree | Process, **more: object) -> Snapshot:
    return replace(snapshot(*parts), **more)  # type: ignore[arg-type]


CASES: dict[str, tuple[Snapshot, Remains, list[str]]] = {
    "nothing is there": (world(state=NONE), NOTHING, []),
    "only an empty state is there": (world(), NOTHING, []),
    "all of a workstream": (world(*FULL), REMAINS, [*TAKEN]),
    "an agent and its orchestrator": (
        world(*FULL, AGENT, BOSS),
        REMAINS,
        [
            "stop pid 99: it hands out work and writes the state",
            "stop pid 7: it works in .worktrees/agent-1-ws-1",
            *TAKEN,
        ],
    ),
    "what may be an orchestrator": (
        world(*FULL, replace(BOSS, certain=False)),
        REMAINS,
        [*TAKEN, "note: pid 99 may be an orchestrator: it is not stopped"],
    ),
    "a person in the worktree": (
        world(*FULL, AGENT, PERSON),
        REMAINS,
        [
            "stop pid 7: it works in .worktrees/agent-1-ws-1",
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            LOGS,
            "note: .worktrees/agent-1-ws-1 keeps its place: somebody is in it (pid 5)",
        ],
    ),
    "Git in the worktree": (world(*FULL, process("ws-1", Role.GIT)), REMAINS, [*TAKEN]),
    "an agent in no worktree": (world(*FULL, replace(AGENT, worktree="gone")), REMAINS, [*TAKEN]),
    "an agent whose worktree was moved": (
        world(
            row("ws-1"),
            replace(tree("ws-1"), moved_to=REPO / "there", damage=(Damage.MOVED,)),
            AGENT,
        ),
        NOTHING,
        [
            "stop pid 7: it works in there",
            EMPTIED,
            "note: .worktrees/agent-1-ws-1 keeps its place: its directory was moved; see unjam recover worktree_corruption",
        ],
    ),
    "a session's agent elsewhere": (
        world(*FULL, replace(tree("ws-2"), workstream=None, path=REPO / "mine"), process("ws-2")),
        REMAINS,
        [*TAKEN],
    ),
    "a session's agent where agents work": (
        world(*FULL, replace(tree("ws-2"), workstream=None), process("ws-2", pid=8)),
        REMAINS,
        [
            "stop pid 8: it works in .worktrees/agent-1-ws-2",
            SAVED,
            "salvage .worktrees/agent-1-ws-2: no unsaved paths",
            "bundle 1 branch, 2 worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            LOGS,
            REMOVED,
            "remove worktree .worktrees/agent-1-ws-2: the vault takes it as it is",
            BRANCH,
        ],
    ),
    "people work alone": (
        world(branch("ws-1"), tree("ws-1", DIRTY), process("ws-1"), state=NONE),
        replace(NOTHING, logs=2),
        [],
    ),
    "a worktree that is another's": (
        world(*FULL[:2], replace(tree("ws-1"), whose=Whose.ANOTHERS)),
        NOTHING,
        [
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "note: .worktrees/agent-1-ws-1 keeps its place: its directory belongs to another repository, of which this may be a copy",
        ],
    ),
    "a worktree that is locked": (
        world(*FULL[:2], replace(tree("ws-1"), lock_reason="mine")),
        NOTHING,
        [
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "note: .worktrees/agent-1-ws-1 keeps its place: it is locked (mine)",
        ],
    ),
    "a worktree that is locked without a reason": (
        world(*FULL[:2], replace(tree("ws-1"), lock_reason="")),
        NOTHING,
        [
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "note: .worktrees/agent-1-ws-1 keeps its place: it is locked (no reason given)",
        ],
    ),
    "a worktree that was never finished": (
        world(
            *FULL[:2],
            replace(tree("ws-1"), lock_reason="initializing", damage=(Damage.UNFINISHED,)),
        ),
        NOTHING,
        ["salvage .worktrees/agent-1-ws-1: no unsaved paths", BUNDLED, EMPTIED, REMOVED, BRANCH],
    ),
    "a worktree that is gone": (
        world(*FULL[:2], replace(tree("ws-1"), damage=(Damage.GONE,))),
        NOTHING,
        [
            "salvage .worktrees/agent-1-ws-1: no unsaved paths",
            BUNDLED,
            EMPTIED,
            "unregister .worktrees/agent-1-ws-1: the vault takes it as it is",
            BRANCH,
        ],
    ),
    "a worktree with a damaged branch": (
        world(*FULL[:2], replace(tree("ws-1", UNREAD), damage=(Damage.BRANCH,))),
        NOTHING,
        [
            "salvage .worktrees/agent-1-ws-1: what it holds could not be read",
            BUNDLED,
            EMPTIED,
            REMOVED,
            BRANCH,
            "note: the branch of .worktrees/agent-1-ws-1 is damaged: reset again once its worktree is away",
        ],
    ),
    "a worktree that is a link": (
        world(*FULL[:2], replace(tree("ws-1"), damage=(Damage.LINK,))),
        NOTHING,
        [
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "note: .worktrees/agent-1-ws-1 keeps its place: its directory is a symbolic link; see unjam recover worktree_corruption",
        ],
    ),
    "a branch that cannot be read": (
        world(row("ws-1"), lost_branches=(LostBranch(OF_WS, "c" * 40),)),
        replace(NOTHING, lost=frozenset({OF_WS})),
        [
            "restore branch ws/ws-1/agent-1: its ref cannot be read; its reflog has it at cccccccccccc",
            EMPTIED,
            BRANCH,
        ],
    ),
    "a branch that cannot be read and is nobody's": (
        world(row("ws-1"), lost_branches=(LostBranch(OF_WS, "c" * 40),)),
        NOTHING,
        [EMPTIED],
    ),
    "a branch that nobody remembers": (
        world(row("ws-1"), lost_branches=(LostBranch(OF_WS, None),)),
        replace(NOTHING, lost=frozenset({OF_WS})),
        [EMPTIED],
    ),
    "the primary in a merge": (
        world(row("ws-1"), primary=replace(primary(unsaved=DIRTY), operation=Operation.MERGE)),
        NOTHING,
        [
            "salvage the primary: it was left astray, and holds uncommitted work",
            "abort the primary: it was left in the middle of a merge",
            EMPTIED,
            "return primary to main: the orchestrator works from main",
        ],
    ),
    "the primary on an agent's branch": (
        world(*FULL[:2], primary=primary(OF_WS)),
        NOTHING,
        [
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "return primary to main: the orchestrator works from main",
            BRANCH,
        ],
    ),
    "the primary on an agent's branch, with edits": (
        world(*FULL[:2], primary=primary(OF_WS, DIRTY)),
        NOTHING,
        [
            "salvage the primary: it was left astray, and holds uncommitted work",
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "return primary to main: the orchestrator works from main",
            BRANCH,
        ],
    ),
    "the primary on an agent's branch, with hidden commits": (
        world(*FULL[:2], primary=replace(primary(OF_WS), hidden_commits=1)),
        NOTHING,
        [
            "salvage the primary: it was left astray, and holds 1 commit only its reflog reaches",
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "return primary to main: the orchestrator works from main",
            BRANCH,
        ],
    ),
    "the primary on no branch, and it cannot be read": (
        world(*FULL[:2], primary=replace(primary(unsaved=UNREAD), branch=None)),
        NOTHING,
        [
            "salvage the primary: it was left astray, and what it holds could not be read",
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            "return primary to main: the orchestrator works from main",
            BRANCH,
        ],
    ),
    "the primary with edits, on the trunk": (
        world(row("ws-1"), primary=primary(unsaved=DIRTY)),
        NOTHING,
        [EMPTIED],
    ),
    "a merge in a repository of people": (
        world(state=NONE, primary=replace(primary(), operation=Operation.MERGE)),
        NOTHING,
        [],
    ),
    "a stray directory": (
        world(row("ws-1"), strays=(STRAY,)),
        NOTHING,
        ["set aside .worktrees/x: its admin directory is gone", EMPTIED],
    ),
    "a stray directory with somebody in it": (
        world(row("ws-1"), IN_STRAY, strays=(STRAY,)),
        NOTHING,
        [EMPTIED, "note: .worktrees/x keeps its place: somebody is in it"],
    ),
    "a stray directory that is another's": (
        world(row("ws-1"), strays=(replace(STRAY, kind=StrayKind.ANOTHERS),)),
        NOTHING,
        [
            EMPTIED,
            "note: .worktrees/x keeps its place: it belongs to another repository, of which this may be a copy",
        ],
    ),
    "a lock of a dead process": (
        world(row("ws-1"), locks=(LOCK,)),
        NOTHING,
        ["unlock .git/index.lock: its process is dead", EMPTIED],
    ),
    "logs and no orchestration": (world(state=NONE), replace(NOTHING, logs=2), []),
    "a state that tells of starts alone": (
        world(state=State("state.db", Truth.YES, starts=((WorkstreamId("ws-1"), 2),))),
        REMAINS,
        ["empty state state.db: no rows of work that begins anew", LOGS],
    ),
    "a state that tells of starts on a server": (
        world(state=State("state.db", Truth.YES, starts=((WorkstreamId("ws-1"), 2),))),
        NOTHING,
        [],
    ),
    "a state that does not open": (
        world(state=CLOSED),
        replace(REMAINS, logs=0),
        ["empty state state.db: what rows it has cannot be told: it is locked"],
    ),
    "a state that does not open and may be shared": (
        world(state=CLOSED, sharing=HERE),
        replace(REMAINS, logs=0),
        [
            "note: the state stays as it is: whose rows it has cannot be told (it is locked), and it lies on a server"
        ],
    ),
    "rows of another machine": (
        world(ELSEWHERE, row("ws-1"), branch("ws-1"), sharing=HERE),
        REMAINS,
        [
            "bundle 1 branch, no worktrees: one file holds all that the branches and the salvages have",
            EMPTIED,
            LOGS,
            BRANCH,
            "note: 1 row of other clones or machines stays in the state",
        ],
    ),
    "rows of other machines alone": (
        world(ELSEWHERE, replace(ELSEWHERE, workstream=WorkstreamId("ws-8")), sharing=HERE),
        REMAINS,
        [LOGS, "note: 2 rows of other clones or machines stay in the state"],
    ),
}


# What every reset that does anything says in the end.
ALWAYS = (
    "note: main stays where it is, with all that has landed on it",
    "note: to begin anew afterwards: resume",
)


@pytest.mark.parametrize("case", CASES)
def test_what_is_stopped_and_saved_what_is_cleared_away_and_what_stays(case: str) -> None:
    seen, remains, done = CASES[case]

    plan = plan_reset(seen, remains, POLICY)

    assert [one for one in told(plan) if one not in ALWAYS] == done
    assert bool(plan.steps) == set(ALWAYS).issubset(told(plan))


def test_what_is_off_is_left_out_and_said() -> None:
    policy = Policy(approvals={StepClass.STOP: Consent.OFF})

    lines = told(plan_reset(snapshot(*FULL, AGENT), REMAINS, policy))

    assert not [one for one in lines if one.startswith("stop")]
    assert lines[-1] == "note: steps of class stop are left out: policy.stop is off"


def test_a_killed_reset_makes_the_empty_state_it_still_owes() -> None:
    owed = (EmptyState(subject="state.db", reason="", facts=()),)
    moved_away = world(state=State("state.db", Truth.NO))

    assert told(plan_reset(moved_away, NOTHING, POLICY)) == []
    assert [type(one) for one in plan_reset(moved_away, NOTHING, POLICY, owed).steps] == [
        EmptyState
    ]
