"""The shorter acts: one kind of trouble each, with its evidence, its recovery and the undo."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from unjam.demo import evidence
from unjam.demo.inventory import take_inventory
from unjam.demo.show import ALL_UNDOABLE, FINDINGS, UNDONE, Show
from unjam.domain.world.identity import Scenario
from unjam.engine.orchestration import Orchestration

EVENTS = 1_000
_Claims = Iterator[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Act:
    """What one kind of trouble is called, what is usually done about it, and what unjam claims."""

    title: str
    by_hand: str
    claims: Callable[[Orchestration], _Claims]
    is_cleared: bool = True  # False: a person has the last word

    def __call__(self, stage: Show, scenario: Scenario) -> None:
        """Get into trouble, look, recover, and take it back."""
        stage.screen.title(self.title)
        stage.play("trouble", "wreck.json", scenario)
        stage.screen.line(f"by hand: {self.by_hand}", "dim")
        worth = stage.note_worth()
        stage.unjam("check", scenario)
        before = take_inventory(stage.orchestration, stage.origin)
        stage.unjam("recover", scenario, "--yes", variables=ALL_UNDOABLE, hidden=FINDINGS)
        for text, held in self.claims(stage.orchestration):
            stage.claim(text, held)
        if self.is_cleared:
            left = evidence.findings(stage.orchestration, scenario)
            stage.claim("nothing of it is found any more", not left)
        stage.claim(f"of {worth} contents and commits, none is lost", not stage.lost())
        stage.unjam("undo", evidence.last_run(stage.orchestration).id, "--yes", hidden=UNDONE)
        stage.claim_same(before, take_inventory(stage.orchestration, stage.origin))


def _hang(now: Orchestration) -> _Claims:
    statuses, working = evidence.statuses(now), evidence.at_work(now)
    yield "the agent that waited in vain was stopped", "agent-1-ws-01" not in working
    yield "its file is in the vault, and its row says failed", statuses["ws-01"] == "failed"
    yield "the agent that works in silence was left alone", "agent-2-ws-02" in working


def _corruption(now: Orchestration) -> _Claims:
    ideas = [now.below(f".worktrees/agent-{one}-ws-0{one}/shop/idea.py") for one in (1, 2, 3)]
    yield "the three files are where they were", all(one.is_file() for one in ideas)
    yield "Git reads all three worktrees again", evidence.worktrees_read(now) == len(ideas)


def _merge(now: Orchestration) -> _Claims:
    others = [f"shop/part_{one}.py" for one in (1, 2, 3, 5, 6)]
    gone = not evidence.trunk_holds(now, "shop/part_4.py")
    yield "the work of ws-04 is out of the trunk, by a revert", gone
    yield "the work of the five others is still in it", evidence.trunk_holds(now, *others)
    again = evidence.statuses(now)["ws-04"] == "pending"
    yield "it is to be done again, with what failed, on a branch that brings all of it back", again


def _conflict(now: Orchestration) -> _Claims:
    statuses = evidence.statuses(now)
    yield (
        "the row of ws-02 says conflict, and its branch is untouched",
        statuses["ws-02"] == "conflict",
    )
    yield "ws-03 does not build on what is not there: it is blocked", statuses["ws-03"] == "blocked"
    page = now.below("reports/conflict_ws-02.md")
    yield "a page has both sides and the commands that settle it", page.is_file()


def _lock(now: Orchestration) -> _Claims:
    yield "whoever wants to may write again", evidence.can_be_written(now)
    all_there = evidence.events(now) == EVENTS
    yield f"all {EVENTS:,} committed events are there, and no unfinished one", all_there


def _deadlock(now: Orchestration) -> _Claims:
    cut = evidence.last_run(now).outcomes
    count = sum(one.step == "edit spec" for one in cut)
    yield "two entries were cut, of the five there are", count == len(("ws-03", "ws-40"))


HANG = Act(
    "Two silent agents: one hangs, one works",
    "whoever runs for over an hour is killed, and a half-written file goes with its worktree",
    _hang,
)
CORRUPTION = Act(
    "Three broken worktrees, with work that is nowhere else",
    "`git worktree prune` and `worktree remove --force` lose all three files",
    _corruption,
)
FAILING_MERGE = Act(
    "A red trunk: which of six did it?",
    "bisecting in the person's checkout, or reverting whatever landed last",
    _merge,
)
CONFLICT = Act(
    "A merge that conflicts, and what depends on it",
    "`merge -X theirs`, which drops one side without a word, or starting over",
    _conflict,
    is_cleared=False,
)
LOCK = Act(
    "database is locked",
    "deleting the -wal file opens it again, without all that was committed into it",
    _lock,
)
DEADLOCK = Act(
    "Everybody waits for somebody",
    "`depends_on` is emptied until something moves, and the order that mattered is gone",
    _deadlock,
)
