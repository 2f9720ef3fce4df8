"""What is said after a run: of each thing that must hold, what was seen and what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domain.build import (
    DIRTY,
    NOW,
    REPO,
    TRUNK,
    UNREAD,
    branch,
    primary,
    process,
    row,
    tree,
)
from tests.domain.readiness.ready import ground, lines, spec, world
from unjam.domain.readiness.checks import ready
from unjam.domain.readiness.postflight import SHOWN, TrunkVerified, postflight
from unjam.domain.readiness.prerequisites import Prerequisites, RemoteStanding
from unjam.domain.world.damage import Damage, StrayKind
from unjam.domain.world.elsewhere import Sharing
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Lock, Operation, Remote, Snapshot, State, Stray
from unjam.domain.world.truth import Truth, Unknown

GOOD = TrunkVerified(passed=True, found_nothing=False, sentence="12 tests pass")
WS = WorkstreamId("ws-1")
DONE = (row("ws-1", "completed"), branch("ws-1", landed=Truth.YES))
DEAD = Lock(REPO / ".git/index.lock", "", NOW, Truth.YES, "its process is dead")
ELSEWHERE = replace(row("ws-9"), machine="other")
HERE = Sharing(because="a state on a server", machine=frozenset({"host"}), nursery=REPO)
STRAY = Stray(REPO / ".worktrees/x", StrayKind.ORPHAN, names="x", workstream=WS, claimed=True)
CLOSED = State("state.db", Truth.UNKNOWN, because="it is locked")
NONE = State("", Truth.NO)


CASES: dict[str, list[tuple[Snapshot, Prerequisites, list[str]]]] = {
    "the run has ended": [
        (world(*DONE), ground(), ["ok: no orchestrator and no agent lives on this machine"]),
        (world(*DONE, process("ws-1")), ground(), ["failed: agent pid 7 lives: python x.py"]),
        (
            world(process("", Role.ORCHESTRATOR)),
            ground(),
            ["failed: orchestrator pid 7 lives: python x.py"],
        ),
        (
            world(tree("ws-1"), process("ws-1"), state=NONE),
            ground(),
            ["ok: no orchestrator and no agent lives on this machine"],
        ),
        (
            world(process("ws-1", Role.PERSON)),
            ground(),
            ["ok: no orchestrator and no agent lives on this machine"],
        ),
        (world(), ground(at_work="run 1"), ["failed: a recovery is at work: run 1"]),
        (
            world(processes_known=Truth.UNKNOWN),
            ground(),
            ["cannot tell: not every process could be looked at"],
        ),
        (
            world(ELSEWHERE, sharing=HERE),
            ground(),
            ["cannot tell: ws-9: elsewhere, and who works there cannot be seen from here"],
        ),
    ],
    "everything completed": [
        (world(*DONE), ground(), ["ok: 1 workstream, none is left"]),
        (world(state=CLOSED), ground(), ["cannot tell: the state does not open: it is locked"]),
        (
            world(row("ws-1", "in_progress")),
            ground(),
            ["cannot tell: ws-1: status 'in_progress' is not one I know"],
        ),
        (
            world(replace(row("ws-1", "failed"), error_message="exit 1", notes="n")),
            ground(),
            ["failed: ws-1 is failed: exit 1"],
        ),
        (
            world(replace(row("ws-1", "blocked"), blocked_by="ws-0")),
            ground(),
            ["failed: ws-1 is blocked: ws-0"],
        ),
        (
            world(replace(row("ws-1", "failed"), notes="a note")),
            ground(),
            ["failed: ws-1 is failed: a note"],
        ),
        (
            world(specs=(spec("ws-2", "ws-1", "ws-0"),)),
            ground(),
            ["failed: ws-2 is pending: it waits for ws-1, ws-0"],
        ),
        (
            world(row("ws-1", "completed"), specs=(spec("ws-2", "ws-1"),)),
            ground(),
            ["failed: ws-2 is pending"],
        ),
        (
            world(row("ws-1", "discarded"), branch("ws-7")),
            ground(),
            ["ok: 1 workstream, none is left"],
        ),
    ],
    "everything landed": [
        (world(*DONE), ground(), ["ok: 1 completed workstream on the trunk"]),
        (
            world(row("ws-1", "completed"), branch("ws-1", commits=2)),
            ground(),
            [
                "failed: ws/ws-1/agent-1 has 2 commits the trunk has not [unjam recover orchestrator_crash --workstream ws-1]"
            ],
        ),
        (
            world(row("ws 1", "completed"), branch("ws 1", landed=Truth.UNKNOWN)),
            ground(),
            ["cannot tell: ws/ws 1/agent-1: whether it has landed cannot be told"],
        ),
        (
            world(row("ws-1", "completed"), branch("ws-1", commits=None)),
            ground(),
            ["cannot tell: ws/ws-1/agent-1: whether it has landed cannot be told"],
        ),
        (
            world(row("ws-1", "completed"), branch("ws-1", commits=0)),
            ground(),
            [
                "warning: ws-1 is completed, and its branch has no commit of its own",
                "ok: 1 completed workstream on the trunk",
            ],
        ),
        (
            world(row("ws-1", "failed"), branch("ws-1")),
            ground(),
            ["ok: no completed workstreams on the trunk"],
        ),
        (world(row("ws-1", "completed")), ground(), ["ok: 1 completed workstream on the trunk"]),
    ],
    "rows, Git and processes agree": [
        (world(*DONE), ground(), ["ok: nothing is wrong"]),
        (
            world(row("ws-1"), branch("ws-1")),
            ground(),
            [
                "failed: ws-1: its agent is gone and left commits that never landed [unjam recover orchestrator_crash]"
            ],
        ),
        (
            world(*DONE, unknown=(Unknown("logs", "no permission"),)),
            ground(),
            ["cannot tell: logs: no permission"],
        ),
        (
            world(*DONE),
            ground(killed=("run-1",)),
            ["failed: recovery run-1 was killed and never taken up [unjam recover]"],
        ),
    ],
    "no worktrees left": [
        (world(*DONE), ground(), ["ok: there are none"]),
        (
            world(*DONE, tree("ws-1")),
            ground(),
            [
                "warning: .worktrees/agent-1-ws-1 holds nothing unsaved [git worktree remove /r/.worktrees/agent-1-ws-1]"
            ],
        ),
        (
            world(*DONE, tree("ws-1", DIRTY)),
            ground(),
            [
                "failed: .worktrees/agent-1-ws-1 holds 1 unsaved path [git -C /r/.worktrees/agent-1-ws-1 log -1]"
            ],
        ),
        (
            world(*DONE, tree("ws-1", UNREAD)),
            ground(),
            [
                "failed: .worktrees/agent-1-ws-1 cannot be read: index: checksum mismatch [git -C /r/.worktrees/agent-1-ws-1 log -1]"
            ],
        ),
        (
            world(*DONE, replace(tree("ws-1"), damage=(Damage.HEAD,))),
            ground(),
            [
                "failed: .worktrees/agent-1-ws-1 is damaged: its HEAD is missing or damaged [git -C /r/.worktrees/agent-1-ws-1 log -1]"
            ],
        ),
        (
            world(*DONE, replace(tree("ws-1"), operation=Operation.REBASE)),
            ground(),
            [
                "failed: .worktrees/agent-1-ws-1 is in the middle of a rebase [git -C /r/.worktrees/agent-1-ws-1 log -1]"
            ],
        ),
        (
            world(*DONE, replace(tree("ws-1"), hidden_commits=2)),
            ground(),
            [
                "failed: .worktrees/agent-1-ws-1 holds 2 commits only its reflog reaches [git -C /r/.worktrees/agent-1-ws-1 log -1]"
            ],
        ),
        (world(tree("ws-1", DIRTY), state=NONE), ground(), ["ok: there are none"]),
        (
            world(*DONE, replace(tree("ws-2"), workstream=None)),
            ground(),
            [
                "warning: .worktrees/agent-1-ws-2 holds nothing unsaved [git worktree remove /r/.worktrees/agent-1-ws-2]"
            ],
        ),
        (
            world(*DONE, replace(tree("ws-2"), workstream=None, path=REPO / "mine")),
            ground(),
            ["ok: there are none"],
        ),
        (
            world(*DONE, strays=(STRAY,)),
            ground(),
            [
                "failed: .worktrees/x: its admin directory is gone [unjam recover worktree_corruption]"
            ],
        ),
        (world(strays=(STRAY,), state=NONE), ground(), ["ok: there are none"]),
        (
            world(*DONE, strays=(replace(STRAY, kind=StrayKind.ANOTHERS),)),
            ground(),
            ["ok: there are none"],
        ),
    ],
    "no branches left": [
        (world(row("ws-1", "completed")), ground(), ["ok: there are none"]),
        (
            world(*DONE),
            ground(),
            ["warning: ws/ws-1/agent-1 has landed [git branch -d ws/ws-1/agent-1]"],
        ),
        (
            world(*DONE),
            ground(loose={DONE[1].ref: 2}),
            [
                "failed: ws/ws-1/agent-1: its reflog alone reaches 2 commits [git reflog ws/ws-1/agent-1]"
            ],
        ),
        (
            world(row("ws-1", "completed"), branch("ws-1", commits=0)),
            ground(),
            ["warning: ws/ws-1/agent-1 has no commit of its own [git branch -d ws/ws-1/agent-1]"],
        ),
        (
            world(row("ws-1", "completed"), branch("ws-1")),
            ground(),
            [
                "failed: ws/ws-1/agent-1 has work that has not landed [git log ws/ws-1/agent-1 --not HEAD]"
            ],
        ),
        (world(*DONE, tree("ws-1")), ground(), []),
        (world(*DONE, primary(DONE[1].ref)), ground(), []),
        (world(DONE[1], state=NONE), ground(), ["ok: there are none"]),
    ],
    "no locks left": [
        (world(*DONE), ground(), ["ok: there are none"]),
        (
            world(*DONE, locks=(DEAD,)),
            ground(),
            ["failed: .git/index.lock: its process is dead [unjam recover]"],
        ),
        (
            world(locks=(DEAD,), state=NONE),
            ground(),
            ["warning: .git/index.lock: it is young, and a session's"],
        ),
        (
            world(locks=(replace(DEAD, since=NOW - timedelta(days=1)),), state=NONE),
            ground(),
            ["failed: .git/index.lock: its process is dead [unjam recover]"],
        ),
    ],
    "trunk pushed": [
        (world(), ground(), ["ok: the remote has main as it is here"]),
        (world(), ground(remote=RemoteStanding.NONE), ["ok: there is no remote"]),
        (
            world(),
            ground(remote=RemoteStanding.BEHIND),
            ["failed: the remote lacks commits of main [git push origin main]"],
        ),
        (
            world(remote=Remote("hub", TRUNK, 1, 0)),
            ground(remote=RemoteStanding.BEHIND),
            ["failed: the remote lacks commits of main [git push hub main]"],
        ),
        (
            world(),
            ground(remote=RemoteStanding.AHEAD),
            ["failed: main of the remote is ahead [git fetch]"],
        ),
        (
            world(),
            ground(remote=RemoteStanding.APART),
            ["failed: main of the remote is apart [git fetch]"],
        ),
        (world(), ground(remote=RemoteStanding.UNREACHABLE), ["cannot tell: it does not answer"]),
    ],
}
EACH = [(name, *case) for name, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(("name", "seen", "stands", "said"), EACH)
def test_what_is_said_of_each_thing_is_what_was_seen(
    name: str, seen: Snapshot, stands: Prerequisites, said: list[str]
) -> None:
    assert lines(postflight(seen, stands, GOOD), name) == said


def test_it_is_ready_where_all_holds_and_not_where_one_thing_does_not() -> None:
    calm = world(row("ws-1", "completed"))

    assert ready(postflight(calm, ground(), GOOD))
    assert not ready(postflight(calm, ground(at_work="run 1"), GOOD))


@pytest.mark.parametrize(("more", "last"), [(0, "is failed"), (2, "and 2 more [unjam progress]")])
def test_of_many_the_first_are_named_and_the_rest_is_counted(more: int, last: str) -> None:
    seen = world(*(row(f"ws-{one:03}", "failed") for one in range(SHOWN + more)))

    said = lines(postflight(seen, ground(), GOOD), "everything completed")

    assert len(said) == SHOWN + bool(more)
    assert said[-1].endswith(last)


@pytest.mark.parametrize(("more", "last"), [(0, "-ws-019]"), (2, "and 2 more [git worktree list]")])
def test_of_many_worktrees_the_rest_is_counted(more: int, last: str) -> None:
    names = [f"ws-{one:03}" for one in range(SHOWN + more)]
    seen = world(*(row(one, "completed") for one in names), *map(tree, names))

    said = lines(postflight(seen, ground(), GOOD), "no worktrees left")

    assert len(said) == SHOWN + bool(more)
    assert said[-1].endswith(last)


@pytest.mark.parametrize(("more", "last"), [(0, "agent-1]"), (2, "and 2 more [git branch --list]")])
def test_of_many_branches_the_rest_is_counted(more: int, last: str) -> None:
    names = [f"ws-{one:03}" for one in range(SHOWN + more)]
    landed = (branch(one, landed=Truth.YES) for one in names)
    seen = world(*(row(one, "completed") for one in names), *landed)

    said = lines(postflight(seen, ground(), GOOD), "no branches left")

    assert len(said) == SHOWN + bool(more)
    assert said[-1].endswith(last)


@pytest.mark.parametrize(
    ("verified", "said"),
    [
        (None, "warning: they were not run: --no-verify"),
        (GOOD, f"ok: 12 tests pass, at {TRUNK[:12]}"),
        (
            replace(GOOD, found_nothing=True),
            "cannot tell: 12 tests pass [verify.command in unjam.toml]",
        ),
        (replace(GOOD, passed=False), "failed: 12 tests pass [unjam check failing_merge]"),
    ],
)
def test_what_the_tests_said_of_the_trunk(verified: TrunkVerified | None, said: str) -> None:
    assert lines(postflight(world(), ground(), verified), "tests pass on the trunk") == [said]
