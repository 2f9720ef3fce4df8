"""What a step says is what it rests on: whatever of it becomes untrue before the act, refuses it.

One row for each word that the sentence or the reason of a step claims: a world in which the step is
planned, and what somebody does to that world between the look and the act.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.domain.build import (
    CLEAN,
    DIRTY,
    NOW,
    REPO,
    TRUNK,
    branch,
    primary,
    process,
    row,
    snapshot,
    tree,
)
from tests.domain.scenarios.deadlock.deadlocks import blocked, ordered, spec
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.steps import STEPS
from unjam.domain.steps.facts import holds
from unjam.domain.steps.policy import Policy
from unjam.domain.steps.request import Request
from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.damage import Damage, StrayKind
from unjam.domain.world.identity import CommitId, Role, Scenario, WorkstreamId
from unjam.domain.world.snapshot import (
    Branch,
    Clash,
    Lock,
    Operation,
    Row,
    Snapshot,
    Stray,
    Worktree,
)
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",), remote="origin")
REQUEST = Request(discard=frozenset({WorkstreamId("ws-9")}))
WS = WorkstreamId("ws-1")
COMMIT, OTHER = CommitId("c" * 40), CommitId("d" * 40)
CRASH, CONFLICT = "orchestrator_crash", "merge_conflict"
CORRUPTION, DEADLOCK = "worktree_corruption", "dependency_deadlock"
Change = Callable[[Snapshot], Snapshot]

# Each of these looks by itself, right before it acts, at what it says; with its reason.
LOOKS_ITSELF = {
    "Salvage": "it saves what is there, whatever that is, and says what it saved",
    "KeepState": "it copies what is there",
    "StopHolder": "it inspects the state again, and refuses who is no holder any more",
    "RestoreObjects": "it says what it found",
    "RestoreBranch": "it writes only a ref that cannot be read still",
    "MendShared": "it examines the file again",
    "OpenState": "it opens what is there",
    "RebuildState": "it says what it found",
    "ReplaceState": "it compares both sides when it exchanges them",
    "UseLog": "it refuses beside an orchestrator, and compares the mode",
    "VacuumState": "it refuses beside whoever has the state open",
    "Rework": "it refuses what was not reverted in this run",
    "Push": "it moves the remote's trunk on from where that was seen, or not at all",
    "Bundle": "it takes what is there",
    "EmptyState": "it deletes the rows that are there",
    "SetLogsAside": "it refuses what somebody has open",
    "ReturnPrimary": "it refuses what is not astray, holds edits or is in the middle of something",
    "Revert": "planned from tests of just this trunk: see its two facts",
}


class Claim(NamedTuple):
    """A word that a step claims, and what makes it untrue."""

    kind: str
    word: str
    scenario: str
    world: Snapshot
    change: Change


def now(*parts: Branch | Worktree | Row) -> Change:
    """Somebody makes, or changes, these."""

    def change(seen: Snapshot) -> Snapshot:
        for one in parts:
            if isinstance(one, Branch):
                others = tuple(each for each in seen.branches if each.ref != one.ref)
                seen = replace(seen, branches=(*others, one))
            elif isinstance(one, Worktree):
                trees = tuple(each for each in seen.worktrees if each.name != one.name)
                seen = replace(seen, worktrees=(*trees, one))
            else:
                rows = [each for each in seen.state.rows if each.workstream != one.workstream]
                seen = replace(seen, state=replace(seen.state, rows=(*rows, one)))
        return seen

    return change


def joined_by(role: Role) -> Change:
    one = process("ws-1", role)
    return lambda seen: replace(seen, processes=(*seen.processes, one))


def seen_now(**more: object) -> Change:
    return lambda seen: replace(seen, **more)  # type: ignore[arg-type]


def without_branches(seen: Snapshot) -> Snapshot:
    return replace(seen, branches=())


def unread(seen: Snapshot) -> Snapshot:
    return replace(seen, state=replace(seen.state, readable=Truth.UNKNOWN, rows=()))


ORCHESTRATOR, AGENT = joined_by(Role.ORCHESTRATOR), joined_by(Role.AGENT)
PERSON = joined_by(Role.PERSON)
ROW = now(row("ws-1", "completed", "agent-2"))
TRUNK_MOVED = seen_now(trunk_tip=OTHER)
FULL, BARE = branch("ws-1"), branch("ws-1", commits=0)
ON = branch("ws-1", landed=Truth.YES)
COMMITTED = replace(BARE, tip=COMMIT, own_commits=1)
STASH = Stash(COMMIT, "WIP on ws/ws-1/agent-1: aaaaaaa base")
NAMELESS = replace(
    FULL,
    ref=f"refs/heads/ws/ws-1/{COMMIT[:12]}",
    tip=COMMIT,
    drifted=True,
    nameless="worktrees/agent-1-ws-1/HEAD",
)
DETACHED = replace(tree("ws-1"), branch=None, head=COMMIT)
SETTLED = (row("ws-1", "conflict"), ON, tree("ws-1"))
CLASH = Clash(FULL.ref, FULL.tip, WS, ("a.py",), ("contents",), "1")
STRAY = Stray(REPO / ".worktrees/x", StrayKind.PLAIN, workstream=WS, claimed=True)
LOCK = Lock(REPO / ".git/index.lock", "", NOW, Truth.YES, "its process is dead")
GONE = replace(tree("ws-1"), damage=(Damage.GONE,), present=Truth.NO, only_staged=Truth.NO)
BROKEN = replace(tree("ws-1"), damage=(Damage.INDEX,))


def claims() -> Iterator[Claim]:
    yield from of_records()
    yield from of_what_is_removed()
    yield from of_the_rest()


def left_by(one: Worktree) -> Snapshot:
    return snapshot(row("ws-1"), BARE, one)


def of_records() -> Iterator[Claim]:
    def each(
        word: str, world: Snapshot, *changes: Change, scenario: str = CRASH
    ) -> Iterator[Claim]:
        for change in (*changes, ROW, ORCHESTRATOR):
            yield Claim("Record", word, scenario, world, change)

    left = snapshot(row("ws-1"), BARE, tree("ws-1"))
    yield from each(
        "ended and left neither a commit nor a file",
        left,
        AGENT,
        now(COMMITTED),
        now(replace(tree("ws-1"), head=COMMIT)),
        now(replace(tree("ws-1"), unsaved=DIRTY)),
        now(replace(tree("ws-1"), hidden=(COMMIT,))),
        now(replace(tree("ws-1"), operation=Operation.REBASE)),
        now(NAMELESS),
        now(replace(tree("ws-1"), named=2)),
        now(tree("ws-1", agent="agent-2")),
        seen_now(stashes=(STASH,)),
    )
    yield from each(
        "neither a worktree nor a commit of its is here",
        snapshot(row("ws-1")),
        now(tree("ws-1")),
        now(FULL),
        now(BARE),
    )
    yield from each(
        "ended before it committed anything",
        snapshot(row("ws-1"), BARE, tree("ws-1", DIRTY)),
        AGENT,
        now(COMMITTED),
        now(replace(tree("ws-1", CLEAN), hidden=(COMMIT,))),
        seen_now(stashes=(STASH,)),
    )
    yield from each(
        "it left commit X in the stash",
        replace(snapshot(row("ws-1"), BARE, tree("ws-1")), stashes=(STASH,)),
        AGENT,
        seen_now(stashes=()),
        now(COMMITTED),
    )
    landed = snapshot(row("ws-1"), ON, tree("ws-1"))
    yield from each(
        "it is in the trunk",
        landed,
        AGENT,
        without_branches,
        now(replace(ON, tip=COMMIT)),
        TRUNK_MOVED,
    )
    yield from each(
        "its landing was reverted",
        snapshot(row("ws-1"), branch("ws-1", reverted_by="e" * 40)),
        TRUNK_MOVED,
        now(replace(FULL, tip=COMMIT)),
    )
    yield from each(
        "its conflict was settled and it is on the trunk",
        snapshot(*SETTLED),
        now(replace(ON, tip=COMMIT)),
        TRUNK_MOVED,
        scenario=CONFLICT,
    )
    yield from each(
        "its worktree was lost",
        snapshot(row("ws-1"), BARE, GONE),
        AGENT,
        now(COMMITTED),
        now(tree("ws-1")),
        scenario=CORRUPTION,
    )


def of_what_is_removed() -> Iterator[Claim]:
    left = snapshot(row("ws-1"), BARE, tree("ws-1"))
    unlocked = replace(tree("ws-1"), lock_reason="agent (pid 7)", locker=Truth.NO)
    relocked = now(replace(unlocked, lock_reason="agent (pid 8)", locker=Truth.YES))
    yield Claim("RemoveWorktree", "needs it no more", CRASH, left_by(unlocked), relocked)
    for change in (
        now(COMMITTED),
        TRUNK_MOVED,
        without_branches,
        unread,
        ORCHESTRATOR,
    ):
        yield Claim("RemoveBranch", "no commits of its own", CRASH, left, change)
    for change in (AGENT, PERSON, unread, ORCHESTRATOR):
        yield Claim("RemoveWorktree", "it needs it no more", CRASH, left, change)
    for change in (AGENT, now(tree("ws-1"))):
        yield Claim(
            "Unregister", str(Damage.GONE), CORRUPTION, snapshot(row("ws-1"), BARE, GONE), change
        )
    stray = replace(snapshot(row("ws-1", "failed")), strays=(STRAY,))
    for change in (
        seen_now(strays=()),
        seen_now(strays=(replace(STRAY, kind=StrayKind.ORPHAN, branch=FULL.ref),)),
        ORCHESTRATOR,
    ):
        yield Claim("SetAside", str(STRAY.kind), CORRUPTION, stray, change)
    given_up = snapshot(row("ws-9", "conflict"), branch("ws-9"))
    for change in (
        now(replace(branch("ws-9"), tip=COMMIT)),
        now(row("ws-9", "completed")),
        ORCHESTRATOR,
    ):
        yield Claim("Discard", "it was asked for by name", CONFLICT, given_up, change)

    for change in (now(row("ws-9", "completed")), ORCHESTRATOR):
        yield Claim("RecordDiscard", "the row says conflict", CONFLICT, given_up, change)


def of_the_rest() -> Iterator[Claim]:
    finished = snapshot(row("ws-1", "completed"), FULL, tree("ws-1"))
    for change in (TRUNK_MOVED, now(replace(FULL, tip=COMMIT)), AGENT, ORCHESTRATOR):
        yield Claim("Land", "it merges and passes", CRASH, finished, change)
    retried = replace(finished, specs=(replace(spec("ws-1"), acceptance_tests=("pytest",)),))
    for change in (seen_now(specs=()), seen_now(specs=(spec("ws-1", "ws-2"),)), ORCHESTRATOR):
        yield Claim("TellSpec", "its own tests fail", CRASH, retried, change)
    nameless = snapshot(row("ws-1"), BARE, DETACHED, NAMELESS)
    for change in (
        now(replace(DETACHED, head=OTHER)),
        now(tree("ws-1")),
        now(replace(DETACHED, named=2)),
        ORCHESTRATOR,
    ):
        yield Claim("NameCommits", "no branch holds commit X", CRASH, nameless, change)
    living = snapshot(row("ws-1"), FULL, tree("ws-1"), process("ws-1"))
    yield Claim("Stop", "no orchestrator waits for it", CRASH, living, ORCHESTRATOR)
    empty = snapshot(row("ws-1"), BARE, tree("ws-1"))
    yield Claim("Restart", "ws-1 is left to run", CRASH, empty, ORCHESTRATOR)
    yield from of_what_was_left()
    yield from of_the_order()


def of_what_was_left() -> Iterator[Claim]:
    halfway = replace(primary(), operation=Operation.REBASE, operation_intact=Truth.YES)
    middle = replace(snapshot(row("ws-1"), FULL), primary=halfway)
    for one in (
        replace(halfway, operation=None),
        replace(halfway, operation=Operation.MERGE),
        replace(halfway, operation_intact=Truth.NO),
    ):
        yield Claim("Abort", "left in the middle of a rebase", CRASH, middle, seen_now(primary=one))
    locked = replace(snapshot(row("ws-1"), FULL), locks=(LOCK,))
    for locks in ((), (replace(LOCK, stale=Truth.UNKNOWN),), (replace(LOCK, since=NOW.max),)):
        yield Claim("MoveLock", "a dead process's", CRASH, locked, seen_now(locks=locks))
    broken = snapshot(row("ws-1", "blocked"), BROKEN)
    for change in (AGENT, now(tree("ws-1")), now(replace(BROKEN, damage=(Damage.HEAD,)))):
        yield Claim("Mend", str(Damage.INDEX), CORRUPTION, broken, change)
    staged = replace(GONE, only_staged=Truth.YES)
    for change in (AGENT, now(tree("ws-1"))):
        world = snapshot(row("ws-1", "blocked"), FULL, staged)
        yield Claim("Recreate", "its index holds work", CORRUPTION, world, change)
    orphan = replace(STRAY, kind=StrayKind.ORPHAN, branch=FULL.ref)
    lost = replace(snapshot(row("ws-1"), FULL), strays=(orphan,))
    for strays in ((), (replace(orphan, branch="refs/heads/other"),)):
        yield Claim(
            "Register", "its files belong to branch X", CORRUPTION, lost, seen_now(strays=strays)
        )


def of_the_order() -> Iterator[Claim]:
    itself = ordered(spec("ws-1", "ws-1"))
    for change in (seen_now(specs=(spec("ws-1"),)), ORCHESTRATOR, unread):
        yield Claim("EditSpec", "nothing can wait for itself", DEADLOCK, itself, change)
    nowhere = ordered(spec("ws-1", "ws-2"))
    for change in (
        seen_now(specs=(spec("ws-1", "ws-2"), spec("ws-2"))),
        now(branch("ws-2")),
        now(tree("ws-2")),
    ):
        yield Claim("EditSpec", "nothing is called ws-2", DEADLOCK, nowhere, change)
    over = ordered(
        spec("ws-1", "ws-2"), spec("ws-2"), row("ws-2", "completed"), blocked("ws-1", "ws-2")
    )
    for change in (now(row("ws-2", "failed")), now(row("ws-1", "pending")), ORCHESTRATOR):
        yield Claim("Reopen", "what it was blocked by is completed", DEADLOCK, over, change)


CLAIMS = list(claims())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda one: f"{one.kind}: {one.word}")
def test_a_step_is_refused_once_what_it_says_is_untrue(claim: Claim) -> None:
    plan = plan_recovery({Scenario(claim.scenario)}, claim.world, POLICY, REQUEST)

    steps = [one for one in plan.steps if type(one).__name__ == claim.kind]
    assert steps, [type(one).__name__ for one in plan.steps]
    after = claim.change(claim.world)
    for step in steps:
        assert all(holds(one, claim.world) for one in step.facts)
        assert not all(holds(one, after) for one in step.facts)


def test_every_kind_of_step_is_here() -> None:
    proven = {one.kind for one in CLAIMS}

    assert proven | LOOKS_ITSELF.keys() == {row.name for row in STEPS}
    assert proven.isdisjoint(LOOKS_ITSELF)
    assert TRUNK != OTHER
