"""Snapshots in a few words."""

from datetime import UTC, datetime
from pathlib import PurePath
from typing import TypeVar

from unjam.adapters.state.reference import status_of
from unjam.domain.steps.plan import Plan, Record, Step
from unjam.domain.world.identity import AgentId, CommitId, ProcessIdentity, Role, WorkstreamId
from unjam.domain.world.snapshot import (
    Branch,
    Process,
    Proof,
    Row,
    Snapshot,
    State,
    Unsaved,
    Worktree,
)
from unjam.domain.world.truth import Truth

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
REPO = PurePath("/r")
TRUNK = CommitId("a" * 40)
CLEAN = Unsaved(Truth.YES)
DIRTY = Unsaved(Truth.YES, untracked=("draft.py",))
UNREAD = Unsaved(Truth.NO, because="index: checksum mismatch")


def row(ws: str, status: str = "running", agent: str | None = "agent-1") -> Row:
    values = (("workstream_id", ws), ("status", status), ("agent_id", agent))
    return Row(
        WorkstreamId(ws),
        status_of(status),
        AgentId(agent) if agent else None,
        values=values,
        word=status,
    )


def branch(
    ws: str,
    commits: int | None = 1,
    landed: Truth = Truth.NO,
    reverted_by: str | None = None,
    agent: str = "agent-1",
) -> Branch:
    return Branch(
        ref=f"refs/heads/ws/{ws}/{agent}",
        tip=CommitId(f"{abs(hash((ws, agent))):040x}"[:40]),
        workstream=WorkstreamId(ws),
        agent=AgentId(agent),
        own_commits=commits,
        landed=landed,
        proof=Proof.ANCESTOR if landed is Truth.YES else None,
        reverted_by=CommitId(reverted_by) if reverted_by else None,
    )


def tree(ws: str, unsaved: Unsaved = CLEAN, agent: str = "agent-1") -> Worktree:
    name = f"{agent}-{ws}"
    return Worktree(
        name=name,
        path=REPO / ".worktrees" / name,
        admin=REPO / ".git/worktrees" / name,
        branch=f"refs/heads/ws/{ws}/{agent}",
        head=TRUNK,
        present=Truth.YES,
        unsaved=unsaved,
        workstream=WorkstreamId(ws),
    )


def process(ws: str, role: Role = Role.AGENT, pid: int = 7, agent: str = "agent-1") -> Process:
    identity = ProcessIdentity("host", "boot", pid, 1.0, "user")
    in_tree = f"{agent}-{ws}" if role is not Role.ORCHESTRATOR else None
    return Process(identity, 1, role, ("python", "x.py"), REPO, in_tree)


def primary(branch: str = "refs/heads/main", unsaved: Unsaved = CLEAN) -> Worktree:
    return Worktree("", REPO, REPO / ".git", branch, TRUNK, Truth.YES, unsaved)


def snapshot(*parts: Row | Branch | Worktree | Process, state: Truth = Truth.YES) -> Snapshot:
    def of(kind: type[T]) -> tuple[T, ...]:
        return tuple(part for part in parts if isinstance(part, kind))

    trees = of(Worktree)
    return Snapshot(
        repo=REPO,
        common=REPO / ".git",
        trunk="refs/heads/main",
        trunk_tip=TRUNK,
        observed_at=NOW,
        primary=next((one for one in trees if one.is_primary), primary()),
        worktrees=tuple(one for one in trees if not one.is_primary),
        branches=of(Branch),
        state=State("state.db", state, rows=of(Row), because="it is locked"),
        processes=of(Process),
        nursery=REPO / ".worktrees",
    )


def told(plan: Plan) -> list[str]:
    """What a plan does, a line a step, and its notes."""
    return [*(in_a_line(one) for one in plan.steps), *(f"note: {one}" for one in plan.notes)]


def in_a_line(step: Step) -> str:
    said = f"{step.verb} {step.subject}: {step.reason}"
    if isinstance(step, Record) and (step.status or step.message):
        said += f" -> {step.status}: {step.message}"
    return said
