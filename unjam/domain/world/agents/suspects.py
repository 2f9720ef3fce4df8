"""Who is suspected to hang: every agent that was looked at closely, with the verdict on it."""

from dataclasses import dataclass

from unjam.domain.world.agents.overdue import agents_in
from unjam.domain.world.agents.score import HUNG, HangVerdict, Score, score
from unjam.domain.world.agents.signs import Watched
from unjam.domain.world.claims.kinds import Kind, kind_of
from unjam.domain.world.snapshot import Process, Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.workstream import Workstream, join


@dataclass(frozen=True, slots=True)
class Suspect:
    """An agent that is watched: where it works, for what, and the verdict on it."""

    watched: Watched
    score: Score
    tree: Worktree
    workstream: Workstream | None  # None: no workstream is known by this worktree
    agents: tuple[Process, ...]  # topmost processes of its tree
    kind: Kind  # of the claim on its worktree

    @property
    def is_ordered(self) -> bool:
        """Whether a row says that it runs; else a person may have started it, and come back to it."""
        return self.workstream is not None and self.workstream.status == Status.RUNNING

    @property
    def is_awaited(self) -> bool:
        """Whether its silence is a failure; where no orchestrator is known, nobody waits for it."""
        return self.kind is not Kind.SESSION

    @property
    def is_hung(self) -> bool:
        """Whether it is to be stopped; nobody's prompt is taken from a person."""
        verdict = self.score.verdict
        if not self.is_awaited:
            return False
        return verdict in HUNG and (self.is_ordered or verdict is not HangVerdict.INPUT)


def suspects(snapshot: Snapshot) -> tuple[Suspect, ...]:
    """Judge every agent that was watched."""
    if not snapshot.watched:
        return ()
    owners = {tree.name: one for one in join(snapshot) for tree in one.worktrees}
    trees = {tree.name: tree for tree in snapshot.worktrees}
    return tuple(
        Suspect(
            watched=one,
            score=score(one, snapshot.observed_at),
            tree=trees[one.worktree],
            workstream=(known := owners.get(one.worktree)),
            agents=tuple(agents_in(one.worktree, snapshot)),
            kind=kind_of(known, snapshot) if known else Kind.SESSION,
        )
        for one in snapshot.watched
        if one.worktree in trees
    )
