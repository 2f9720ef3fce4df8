"""What is said before a run: of each thing that must hold, what was seen and what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domain.build import NOW, REPO, UNREAD, branch, primary, process, row, tree
from tests.domain.readiness.ready import ground, lines, spec, world
from unjam.domain.readiness.checks import ready
from unjam.domain.readiness.preflight import preflight
from unjam.domain.readiness.prerequisites import Prerequisites
from unjam.domain.world.elsewhere import Sharing
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.naming import Template
from unjam.domain.world.snapshot import (
    BadSpec,
    Clash,
    Lock,
    Operation,
    Snapshot,
    State,
    Unsaved,
)
from unjam.domain.world.truth import Truth

NAMED = Template("ws/{workstream}/{agent}")
CLOSED = State("state.db", Truth.UNKNOWN, because="it is locked")
NONE = State("", Truth.NO)
ELSEWHERE = replace(row("ws-9"), machine="other")
HERE = Sharing(because="a state on a server", machine=frozenset({"host"}), nursery=REPO)
HELD = Lock(REPO / ".git/index.lock", "", NOW, Truth.NO, "pid 9 has it open")
CLASHES = tuple(
    Clash(
        branch(f"ws-{one}").ref,
        branch(f"ws-{one}").tip,
        WorkstreamId(f"ws-{one}"),
        ("b.py", "a.py"),
        ("contents",),
        "1",
    )
    for one in range(7)
)
CLASHING = tuple(branch(f"ws-{one}") for one in range(7))
A, B = spec("ws-1", scope=("a.py",)), spec("ws-2", scope=("a.py",))


def files(**kinds: object) -> Unsaved:
    return Unsaved(Truth.YES, **kinds)  # type: ignore[arg-type]


CASES: dict[str, list[tuple[Snapshot, Prerequisites, list[str]]]] = {
    "nobody at work": [
        (world(), ground(), ["ok: no orchestrator and no agent lives on this machine"]),
        (
            world(process("ws-1"), row("ws-1"), tree("ws-1")),
            ground(),
            ["failed: agent pid 7 lives (python x.py)"],
        ),
        (
            world(
                process("", Role.ORCHESTRATOR), process("ws-1", pid=8), row("ws-1"), tree("ws-1")
            ),
            ground(),
            ["failed: orchestrator pid 7 lives (python x.py); 1 more"],
        ),
        (
            world(process("ws-1"), row("ws-1"), tree("ws-1")),
            ground(at_work="run 1"),
            ["failed: a recovery is at work: run 1"],
        ),
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
    "no recovery half done": [
        (world(), ground(), []),
        (
            world(),
            ground(killed=("run-1", "run-2")),
            ["failed: run run-2 was killed [unjam recover]"],
        ),
    ],
    "primary clean, on the trunk": [
        (world(), ground(), ["ok: on main at aaaaaaaaaaaa"]),
        (
            world(primary("refs/heads/other")),
            ground(),
            ["failed: it is on other [git switch main]"],
        ),
        (
            world(replace(primary(), branch=None)),
            ground(),
            ["failed: it is on no branch [git switch main]"],
        ),
        (
            world(replace(primary(), operation=Operation.MERGE)),
            ground(),
            ["failed: it is in the middle of a merge [git merge --abort]"],
        ),
        (
            world(primary(unsaved=UNREAD)),
            ground(),
            ["cannot tell: it cannot be read: index: checksum mismatch"],
        ),
        (
            world(
                primary(
                    unsaved=files(
                        staged=("a",), modified=("b", "a"), deleted=("c",), conflicted=("d",)
                    )
                )
            ),
            ground(),
            ["failed: uncommitted: a, b, c, d; merges would stop at it [git status]"],
        ),
        (
            world(primary(unsaved=files(untracked=("a", "b", "c", "d", "e", "f", "g")))),
            ground(),
            ["warning: untracked: a, b, c, d, e and 2 more; a merge that adds it would stop"],
        ),
    ],
    "nothing left of an earlier run": [
        (
            world(tree("ws-1")),
            ground(),
            ["failed: ws-1: what became of it cannot be told [unjam recover orchestrator_crash]"],
        ),
        (
            world(row("ws-1"), branch("ws-1")),
            ground(),
            [
                "failed: ws-1: its agent is gone and left commits that never landed [unjam recover orchestrator_crash]"
            ],
        ),
        (
            world(*(row(f"ws-{one}") for one in range(7))),
            ground(),
            [
                "failed: ws-0: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-1: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-2: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-3: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-4: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: and 2 more [unjam check]",
            ],
        ),
        (
            world(*(row(f"ws-{one}") for one in range(5))),
            ground(),
            [
                "failed: ws-0: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-1: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-2: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-3: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
                "failed: ws-4: its agent is gone, and neither a worktree nor a commit of its is here [unjam recover orchestrator_crash]",
            ],
        ),
        (world(locks=(HELD,)), ground(), ["failed: .git/index.lock is held: pid 9 has it open"]),
        (
            world(locks=(replace(HELD, stale=Truth.YES, since=NOW - timedelta(days=1)),)),
            ground(),
            [
                "failed: .git/index.lock: its owner is dead, and it stops every Git command that needs it [unjam recover worktree_corruption]"
            ],
        ),
        (
            world(locks=(replace(HELD, stale=Truth.YES),)),
            ground(),
            ["failed: .git/index.lock is held: pid 9 has it open"],
        ),
        (world(specs=(spec("ws-1", "ws-1"),)), ground(), ["ok: no worktrees, nothing wrong"]),
    ],
    "specs": [
        (world(), ground(), ["warning: there are none: nothing would be done"]),
        (world(specs=(A,)), ground(), ["ok: 1 workstream ordered"]),
        (
            world(specs=(A, spec(".."))),
            ground(),
            ["failed: '..' cannot become part of a branch's name"],
        ),
        (
            world(specs=(A,), bad_specs=(BadSpec(REPO / "workstreams/x.json", "no JSON"),)),
            ground(),
            ["failed: workstreams/x.json: no JSON"],
        ),
    ],
    "order of work": [
        (world(specs=(A, B)), ground(), ["ok: no cycle, and everything that is waited for exists"]),
        (
            world(specs=(spec("ws-1", "ws-1"),)),
            ground(),
            ["failed: ws-1 depends on itself [unjam recover dependency_deadlock]"],
        ),
        (
            world(specs=tuple(spec(f"ws-{one}", f"ws-{one}") for one in range(7))),
            ground(),
            [
                "failed: ws-0 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-1 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-2 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-3 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-4 depends on itself [unjam recover dependency_deadlock]",
                "failed: and 2 more [unjam check dependency_deadlock]",
            ],
        ),
        (
            world(specs=tuple(spec(f"ws-{one}", f"ws-{one}") for one in range(5))),
            ground(),
            [
                "failed: ws-0 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-1 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-2 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-3 depends on itself [unjam recover dependency_deadlock]",
                "failed: ws-4 depends on itself [unjam recover dependency_deadlock]",
            ],
        ),
    ],
    "files of one workstream each": [
        (world(specs=(A,)), ground(), ["ok: 1 workstream with files, none in common"]),
        (
            world(specs=(A, B)),
            ground(),
            ["warning: ws-1 and ws-2 may both change a.py, and neither waits"],
        ),
        (
            world(specs=(A, replace(B, depends_on=(A.workstream,)))),
            ground(),
            ["ok: 2 workstreams with files, none in common"],
        ),
        (
            world(row("ws-1", "completed"), specs=(A, B)),
            ground(),
            ["ok: 1 workstream with files, none in common"],
        ),
        (world(specs=(A, spec("ws-2"))), ground(), ["ok: 1 workstream with files, none in common"]),
        (
            world(specs=tuple(spec(f"ws-{one}", scope=("a.py",)) for one in range(4))),
            ground(),
            [
                "warning: ws-0 and ws-1 may both change a.py, and neither waits",
                "warning: ws-0 and ws-2 may both change a.py, and neither waits",
                "warning: ws-0 and ws-3 may both change a.py, and neither waits",
                "warning: ws-1 and ws-2 may both change a.py, and neither waits",
                "warning: ws-1 and ws-3 may both change a.py, and neither waits",
                "warning: and 1 more pair",
            ],
        ),
    ],
    "branches that merge": [
        (world(branch("ws-1")), ground(), ["ok: none would conflict with main"]),
        (
            world(*CLASHING, clashes=CLASHES[:1]),
            ground(),
            [
                "warning: ws/ws-0/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]"
            ],
        ),
        (
            world(*CLASHING, clashes=CLASHES[:5]),
            ground(),
            [
                "warning: ws/ws-0/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-1/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-2/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-3/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-4/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
            ],
        ),
        (
            world(*CLASHING, clashes=CLASHES),
            ground(),
            [
                "warning: ws/ws-0/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-1/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-2/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-3/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: ws/ws-4/agent-1 would conflict with main in a.py, b.py [unjam recover merge_conflict]",
                "warning: and 2 more",
            ],
        ),
    ],
    "names of branches": [
        (world(specs=(A,)), ground(), []),
        (
            world(specs=(A,)),
            ground(refs=frozenset({"refs/heads/ws"})),
            [
                "failed: branch ws exists, so no branch below it can be made [git branch -m ws ws-old]"
            ],
        ),
        (
            world(specs=(A,)),
            ground(refs=frozenset({"refs/heads/ws/ws-1"})),
            [
                "failed: branch ws/ws-1 exists, so no branch below it can be made [git branch -m ws/ws-1 ws/ws-1-old]"
            ],
        ),
        (
            world(row("ws-1", "completed"), specs=(A,)),
            ground(refs=frozenset({"refs/heads/ws/ws-1"})),
            [],
        ),
        (world(specs=(A,)), ground(refs=frozenset({"refs/heads/ws/ws-2"})), []),
        (
            world(specs=(spec(".."), A)),
            ground(refs=frozenset({"refs/heads/ws"})),
            [
                "failed: branch ws exists, so no branch below it can be made [git branch -m ws ws-old]"
            ],
        ),
    ],
}
EACH = [(name, *case) for name, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(("name", "seen", "stands", "said"), EACH)
def test_what_is_said_of_each_thing_is_what_was_seen(
    name: str, seen: Snapshot, stands: Prerequisites, said: list[str]
) -> None:
    assert lines(preflight(seen, stands, NAMED), name) == said


@pytest.mark.parametrize(
    ("pattern", "ref", "said"),
    [
        ("{workstream}", "ws-1", []),
        (
            "work/{workstream}",
            "work",
            [
                "failed: branch work exists, so no branch below it can be made [git branch -m work work-old]"
            ],
        ),
        ("work/{workstream}", "work/ws-1", []),
        (
            "{workstream}/{agent}",
            "ws-1",
            [
                "failed: branch ws-1 exists, so no branch below it can be made [git branch -m ws-1 ws-1-old]"
            ],
        ),
    ],
)
def test_a_branch_stands_in_the_way_only_of_what_has_to_lie_below_it(
    pattern: str, ref: str, said: list[str]
) -> None:
    there = ground(refs=frozenset({f"refs/heads/{ref}"}))

    assert (
        lines(preflight(world(specs=(A,)), there, Template(pattern)), "names of branches") == said
    )


def test_it_is_ready_where_all_holds_and_not_where_one_thing_cannot_be_told() -> None:
    calm = world(specs=(A,))

    assert ready(preflight(calm, ground(), NAMED))
    assert not ready(preflight(replace(calm, processes_known=Truth.UNKNOWN), ground(), NAMED))
