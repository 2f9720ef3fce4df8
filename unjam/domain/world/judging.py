"""What is true of each workstream, of the primary checkout and of what was landed."""

from collections.abc import Iterator

from unjam.domain.world.claims.incomplete import in_row, no_end_seen, not_ended
from unjam.domain.world.claims.kinds import Kind, is_layout_seen, kind_of
from unjam.domain.world.identity import Role
from unjam.domain.world.lookups import branch_seen
from unjam.domain.world.snapshot import Branch, Process, Snapshot, Stray, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Judged, Verdict, Workstream, join, judge


def judgements(snapshot: Snapshot) -> tuple[Judged, ...]:
    """Judge every workstream of the snapshot."""
    return tuple(judge(one, snapshot) for one in join(snapshot))


def is_orchestrated(snapshot: Snapshot) -> bool:
    """Tell whether an orchestrator began anything here: what all share is then its to leave in order."""
    return any(has_begun(one) and kind_of(one, snapshot) is Kind.BATCH for one in join(snapshot))


def has_begun(one: Workstream) -> bool:
    """Tell what an orchestrator has taken up from what was only ordered."""
    return one.row is not None or bool(one.branches or one.worktrees)


def session_worktrees(snapshot: Snapshot) -> frozenset[str]:
    """Name the worktrees that no orchestrator is proven to wait for: somebody may come back to them."""
    claimed = {
        tree.name
        for one in join(snapshot)
        if kind_of(one, snapshot) is not Kind.SESSION
        for tree in (*one.worktrees, *one.not_ours)
    }
    return frozenset(tree.name for tree in snapshot.worktrees) - claimed


def at_work(snapshot: Snapshot) -> list[Process]:
    """Return the orchestrators and agents that live; whoever is in a session works for nobody else."""
    members = (Role.ORCHESTRATOR, Role.AGENT)
    busy = [one for one in snapshot.processes if one.role in members]
    theirs = session_worktrees(snapshot) if busy else frozenset()
    return [one for one in busy if one.worktree not in theirs]


def is_a_session_s(stray: Stray, snapshot: Snapshot) -> bool:
    """Tell a directory among the worktrees that no orchestrator is proven to have made."""
    its = next((one for one in join(snapshot) if one.id == stray.workstream), None)
    if its is not None:
        return kind_of(its, snapshot) is Kind.SESSION
    return not (is_layout_seen(snapshot) or is_orchestrated(snapshot))


def primary_on_agent_branch(snapshot: Snapshot) -> Branch | None:
    """Return the agent's branch that the primary was left on."""
    return branch_seen(snapshot.primary.branch, snapshot)


def is_on_no_branch(primary: Worktree) -> bool:
    """Tell a checkout whose HEAD is a commit; what is merged there, no branch would hold."""
    whole = not primary.damage and not primary.problem
    return whole and primary.branch is None and primary.head is not None


def is_astray(snapshot: Snapshot) -> bool:
    """Tell whether the primary was left where the orchestrator cannot work from.

    On any other branch it was put by a person.
    """
    primary = snapshot.primary
    away = primary_on_agent_branch(snapshot) is not None or is_on_no_branch(primary)
    return away or primary.operation is not None


def unpushed(snapshot: Snapshot) -> bool:
    """Tell whether work that a run landed still waits for the remote."""
    remote = snapshot.remote
    return snapshot.push_owed and remote is not None and remote.ahead != 0


def anybody_at(stray: Stray, snapshot: Snapshot) -> Iterator[Process]:
    """Give every process in a stray directory, a person's shell included."""
    for process in snapshot.processes:
        if process.cwd is not None and process.cwd.is_relative_to(stray.path):
            yield process


def ended_in_words(judged: Judged, *, by_us: bool) -> str:
    """Say what an agent that is gone left, where it was looked for; nobody saw what it died of."""
    its = "its agent was ended by unjam" if by_us else "its agent ended"
    if judged.verdict is Verdict.DEAD_DRIFTED:
        return f"{its}; {drifted_in_words(judged.workstream)}"
    if judged.verdict is Verdict.DEAD_UNSAVED:
        return f"{its} before it committed anything"
    if judged.verdict is Verdict.DEAD_SAVED:
        return its  # what an earlier run kept of it is named behind this
    if not judged.workstream.worktrees:
        return f"{its}; neither a worktree nor a commit of its is here"
    return f"{its} and left neither a commit nor a file that Git sees"


def drifted_in_words(one: Workstream) -> str:
    """Name what it left that is on no branch which is to land."""
    places = "; ".join(one.drifted_work)
    return f"it left {places}" if places else ""


def record_of(
    judged: Judged, rest: tuple[str, ...], *, stopped: bool
) -> tuple[Status | None, str] | None:
    """Return the status and the message a verdict asks for; a status of None follows the landing.

    ``rest``: what shows that it is not finished; ``stopped``: unjam ends its agent, or has.
    """
    branch = judged.workstream.branch
    match judged.verdict:
        case Verdict.LANDED_UNRECORDED if not_ended(rest):
            return Status.FAILED, in_row("; ".join(not_ended(rest)))
        case Verdict.LANDED_UNRECORDED:
            said = (no_end_seen(rest), drifted_in_words(judged.workstream))
            return Status.COMPLETED, "; ".join(filter(None, said))
        case Verdict.RECORDED_UNLANDED | Verdict.DEAD_WITH_COMMITS:
            return None, drifted_in_words(judged.workstream)
        case Verdict.REVERTED:
            by = (branch.reverted_by or "")[:12] if branch else ""
            return Status.REVERTED, f"its landing was reverted by {by}"
        case Verdict.DEAD_UNSAVED | Verdict.DEAD_SAVED | Verdict.DEAD_DRIFTED | Verdict.DEAD_EMPTY:
            return Status.FAILED, f"{ended_in_words(judged, by_us=stopped)}; will retry"
        case (
            Verdict.CONSISTENT
            | Verdict.LIVE
            | Verdict.LEFTOVER
            | Verdict.UNKNOWN
            | Verdict.ELSEWHERE
            | Verdict.SESSION
        ):
            return None


def primary_at_risk_in_words(primary: Worktree) -> str:
    """Name what the primary checkout holds and would not be found again without it."""
    if is_on_no_branch(primary) and primary.hidden_commits:
        return f"the primary holds {counted(primary.hidden_commits, 'commit')} that no branch holds"
    return "the primary holds uncommitted work or an operation in progress"
