"""What a step asks of the look before it: only that is read whole, and only that may be believed."""

from typing import NamedTuple

from unjam.domain.steps.plan import (
    Discard,
    Record,
    RecordDiscard,
    RemoveBranch,
    RemoveWorktree,
    Salvage,
    Step,
)

# One or more of each for every workstream, so that what each asks must not grow with their number.
_OFTEN = (Salvage, Record, RecordDiscard, RemoveWorktree, RemoveBranch, Discard)
_OF_TREES = frozenset(
    ("agents in", "damage of", "head of", "lock of", "operation in", "processes in", "unsaved in")
)
_OF_WORKSTREAMS = frozenset(("elsewhere", "row of", "spec of", "work of"))
_OF_NEITHER = frozenset(("branch", "orchestrator", "state", "trunk"))


class Scope(NamedTuple):
    """The worktrees and workstreams of which everything is to be told."""

    worktrees: frozenset[str]
    workstreams: frozenset[str]

    def names(self, worktree: str, *texts: str) -> bool:
        """Tell a worktree that is asked for, or may be an asked workstream's by its branch or place."""
        return worktree in self.worktrees or any(
            one in text for one in self.workstreams for text in texts
        )


def scope_of(step: Step) -> Scope | None:
    """Say what the facts and the act of a step name; None where that may be anything.

    All worktrees lie in the primary: who works there is told by looking at each of them.
    """
    kinds = {one.kind for one in step.facts}
    if not isinstance(step, _OFTEN) or kinds - _OF_TREES - _OF_WORKSTREAMS - _OF_NEITHER:
        return None
    trees = {one.subject for one in step.facts if one.kind in _OF_TREES}
    trees |= {step.worktree} if isinstance(step, Salvage | RemoveWorktree) else set()
    streams = {one.subject for one in step.facts if one.kind in _OF_WORKSTREAMS}
    streams |= {step.workstream} if step.workstream else set()
    return None if "" in trees | streams else Scope(frozenset(trees), frozenset(streams))
