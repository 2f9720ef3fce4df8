"""Which kind of layout has a worktree or a branch, and so what its silence means.

Where an orchestrator waits for an agent, an idle worktree is a wreck. Where nobody does, it is a
pause: people and agents come back to it. The kind is a claim's, not the repository's.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from unjam.domain.world.truth import Truth

if TYPE_CHECKING:
    from unjam.domain.world.snapshot import Snapshot
    from unjam.domain.world.workstream import Workstream


class Kind(StrEnum):
    """Who owns the work of a layout."""

    BATCH = "batch"  # an orchestrator gives it out and expects it back
    MANAGED = "managed"  # an app or a daemon, which alone writes its state
    SESSION = "session"  # whoever comes back to it
    PLAN = "plan"  # nobody: only what is to be done is recorded


@dataclass(frozen=True, slots=True)
class Claim:
    """A layout's proven hold on the worktrees and branches of a workstream."""

    layout: str
    kind: Kind
    proof: str


_REFERENCE = "reference"


def claim_on(one: "Workstream", snapshot: "Snapshot") -> Claim | None:
    """Return the layout's hold on a workstream: a record names it, or its place and an orchestrator do.

    A branch or a directory that is only called as the layout would is anybody's, and so is what was
    only ordered where nothing of an orchestrator was ever seen.
    """
    if one.row is not None:
        return Claim(_REFERENCE, Kind.BATCH, "a row of the state names it")
    if one.spec is not None and is_layout_seen(snapshot):
        return Claim(_REFERENCE, Kind.BATCH, "a spec orders it")
    in_place = any(tree.path.parent == snapshot.nursery for tree in one.worktrees)
    if is_layout_seen(snapshot) and (in_place or not one.worktrees):
        return Claim(
            _REFERENCE, Kind.BATCH, "an orchestrator was here, and its worktree is in place"
        )
    return None


def kind_of(one: "Workstream", snapshot: "Snapshot") -> Kind:
    """Return the kind that decides what silence means; where nothing is proven, it is a session."""
    claim = claim_on(one, snapshot)
    return Kind.SESSION if claim is None else claim.kind


def is_layout_seen(snapshot: "Snapshot") -> bool:
    """Tell whether an orchestrator was ever here: its state, itself, or a log of it."""
    there = snapshot.state.readable is not Truth.NO
    return there or snapshot.orchestrator_log or any(snapshot.orchestrators())
