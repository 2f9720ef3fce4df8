"""Join rows, Git and processes for each workstream, and judge what is true of it.

Rows lie: the orchestrator writes them late, early or never. So the verdict comes from comparing
all three, and where one of them cannot be read the verdict is "cannot tell".
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from unjam.domain.world.claims.drifted_work import (
    current_branch,
    drifted_work,
    guests_by_workstream,
    stashes_of,
    with_work_in_words,
)
from unjam.domain.world.claims.kinds import Kind, kind_of
from unjam.domain.world.claims.ownership import TAKEN
from unjam.domain.world.claims.stash import Stash
from unjam.domain.world.damage import StrayKind
from unjam.domain.world.elsewhere import UNSTARTED, asks_for_proof, has_a_claim, why_elsewhere
from unjam.domain.world.finding import Evidence
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.lookups import may_have_hidden_branch
from unjam.domain.world.naming import is_usable_id
from unjam.domain.world.snapshot import Branch, Process, Row, Snapshot, Spec, Stray, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted

_SHOWN = 3  # of what earlier runs saved


class Verdict(StrEnum):
    """What is true of a workstream, whatever its row says."""

    CONSISTENT = "consistent"
    LIVE = "live"
    LANDED_UNRECORDED = "landed, unrecorded"
    RECORDED_UNLANDED = "recorded, unlanded"
    DEAD_WITH_COMMITS = "dead with commits"
    DEAD_UNSAVED = "dead, only uncommitted work"
    DEAD_EMPTY = "dead and empty"
    DEAD_SAVED = "dead, its work is in the vault"
    DEAD_DRIFTED = "dead, its work not on its branch"
    REVERTED = "landed and reverted"
    LEFTOVER = "settled, worktree left"
    SESSION = "a session's"  # people and agents come back to it; no process there is a pause
    ELSEWHERE = "elsewhere"
    UNKNOWN = "cannot tell"


class Workstream(NamedTuple):
    """Everything observed of one workstream."""

    id: WorkstreamId
    row: Row | None = None
    spec: Spec | None = None
    branch: Branch | None = None  # the current attempt's
    branches: tuple[Branch, ...] = ()
    worktrees: tuple[Worktree, ...] = ()
    processes: tuple[Process, ...] = ()
    saved: tuple[str, ...] | None = ()  # by earlier runs, where nothing else is left; None: unknown
    elsewhere: str = ""  # why its row is taken for another clone's or machine's; empty: it is ours
    not_ours: tuple[Worktree, ...] = ()  # registered for it, and not ours to read or to touch
    stashes: tuple[Stash, ...] = ()
    guests: tuple[str, ...] = ()  # what agents of other workstreams did on its branches

    @property
    def status(self) -> Status | None:
        """The row's word, if there is a row."""
        return self.row.status if self.row else None

    @property
    def agents(self) -> tuple[Process, ...]:
        """Living processes that are at work on it; a person's shell is not."""
        return tuple(one for one in self.processes if one.role in (Role.AGENT, Role.GIT))

    @property
    def unsaved(self) -> Truth:
        """Whether any of its worktrees holds work that is in no commit of a branch."""
        if not self.worktrees:
            return Truth.UNKNOWN if self.not_ours else Truth.NO
        answers = {tree.unsaved.any for tree in self.worktrees}
        if any(tree.hidden_commits or tree.operation for tree in self.worktrees):
            return Truth.YES
        if Truth.UNKNOWN in answers or self.not_ours:
            return Truth.UNKNOWN
        return Truth.YES if Truth.YES in answers else Truth.NO

    @property
    def drifted_work(self) -> tuple[str, ...]:
        """Where it has work that is on no branch that is to land, each with a commit."""
        return tuple(drifted_work(self.branch, self.branches, self.worktrees, self.stashes))


class Judged(NamedTuple):
    """A workstream, the verdict on it, and why."""

    workstream: Workstream
    verdict: Verdict
    evidence: tuple[Evidence, ...]


class _Same:
    """A snapshot that equals only itself: to compare all it holds would take as long as to join it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.snapshot is self.snapshot

    def __hash__(self) -> int:
        return id(self.snapshot)


def join(snapshot: Snapshot) -> tuple[Workstream, ...]:
    """Bring together what the snapshot holds of each workstream, by id; every detector asks for it."""
    return _joined(_Same(snapshot))


@lru_cache(maxsize=1)
def _joined(same: _Same) -> tuple[Workstream, ...]:
    snapshot = same.snapshot
    rows = {row.workstream: row for row in snapshot.state.rows}
    specs = {spec.workstream: spec for spec in snapshot.specs}
    branches = defaultdict[WorkstreamId, list[Branch]](list)
    for branch in snapshot.branches:
        branches[branch.workstream].append(branch)
    trees = defaultdict[WorkstreamId, list[Worktree]](list)
    for tree in snapshot.worktrees:
        if tree.workstream is not None:
            trees[tree.workstream].append(tree)
    processes = _by_worktree(snapshot.processes)
    guests = guests_by_workstream(snapshot)
    saved = defaultdict[WorkstreamId, list[str]](list)
    for kept in snapshot.saved_before:
        saved[kept.workstream].append(kept.ref)
    hidden = snapshot.saved_known is not Truth.YES
    found, shared = [], asks_for_proof(snapshot)
    for one in sorted({*rows, *specs, *branches, *trees}):
        row, its, named = rows.get(one), branches.get(one, ()), trees.get(one, ())
        own = tuple(tree for tree in named if tree.whose in TAKEN)
        strange = tuple(tree for tree in named if tree.whose not in TAKEN)
        inside = _inside(own, processes) if own else ()
        current = current_branch(its, row, named)
        stashes = stashes_of(its, own, snapshot.stashes) if snapshot.stashes else ()
        kept_of = None if hidden else tuple(saved.get(one, ()))
        away = why_elsewhere(row, its, own, snapshot) if shared else ""
        known = (one, row, specs.get(one), current, tuple(its), own, inside, kept_of, away, strange)
        found.append(Workstream(*known, stashes, guests.get(one, ())))
    return tuple(found)


def _by_worktree(seen: Iterable[Process]) -> Mapping[str, Sequence[Process]]:
    processes = defaultdict[str, list[Process]](list)
    for process in seen:
        if process.worktree:
            processes[process.worktree].append(process)
    return processes


def _inside(
    trees: Iterable[Worktree], processes: Mapping[str, Sequence[Process]]
) -> tuple[Process, ...]:
    return tuple(one for tree in trees for one in processes.get(tree.name, ()))


def elsewhere(snapshot: Snapshot) -> tuple[Workstream, ...]:
    """Name what others have begun, by all that is known: shown, counted, and never written."""
    if not asks_for_proof(snapshot):
        return ()
    return tuple(one for one in join(snapshot) if one.elsewhere and one.status != UNSTARTED)


def unfinished_elsewhere(snapshot: Snapshot) -> tuple[Workstream, ...]:
    """Name what somebody may be at work for elsewhere: whether he lives cannot be seen from here."""
    return tuple(one for one in elsewhere(snapshot) if has_a_claim(one.status))


def judge(workstream: Workstream, snapshot: Snapshot) -> Judged:
    """Tell what is true of a workstream, assuming that no orchestrator lives."""
    verdict, because = _verdict(workstream, snapshot)
    if verdict is Verdict.CONSISTENT:  # most are, and nobody asks for the evidence of that
        return Judged(workstream, verdict, ())
    return Judged(workstream, verdict, (*_evidence(workstream), *because))


_Verdict = tuple[Verdict, tuple[Evidence, ...]]


def _verdict(one: Workstream, snapshot: Snapshot) -> _Verdict:
    if one.elsewhere:
        begun = one.status != UNSTARTED
        because = (Evidence("state", one.elsewhere),)
        return (Verdict.ELSEWHERE, because) if begun else (Verdict.CONSISTENT, ())
    if _is_settled(one):
        return Verdict.CONSISTENT, ()
    if kind_of(one, snapshot) is Kind.SESSION:
        return Verdict.SESSION, ()
    if one.agents:
        return Verdict.LIVE, ()
    unreadable = snapshot.state.readable is Truth.UNKNOWN
    if unreadable and not one.worktrees:
        return Verdict.CONSISTENT, ()
    why = next(_obstacles(one, snapshot), None)
    return _of_row(one, snapshot) if why is None else _cannot_tell(*why)


def _is_settled(one: Workstream) -> bool:
    """Tell the usual case, of which a long run has thousands: its work is in the trunk, and all is tidy."""
    branch, row = one.branch, one.row
    if one.worktrees or branch is None or row is None or row.status != Status.COMPLETED:
        return False
    return branch.landed is Truth.YES and not branch.reverted_by


def _obstacles(one: Workstream, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield what keeps any verdict from being reached: the source, and why."""
    status = one.status
    believed = status in (Status.RUNNING, Status.COMPLETED)
    active = status == Status.RUNNING or (one.row is None and bool(one.worktrees))
    if active and not is_usable_id(one.id):
        yield "state", "its id cannot be a name of branches and directories"
    if one.row is not None and one.row.why_unknown and not _has_landed(one):
        yield "state", one.row.why_unknown
    if active and any(_is_its_directory(stray, one) for stray in snapshot.strays):
        yield "files", "a directory of its name is there that is no worktree of this repository"
    if any(process for tree in one.not_ours for process in snapshot.in_worktree(tree.name)):
        yield "processes", "somebody is in a worktree of it that another system may use"
    if active and snapshot.processes_known is not Truth.YES:
        yield "processes", "not every process could be looked at"
    if snapshot.state.readable is Truth.UNKNOWN:
        yield "state", f"the state was not read: {snapshot.state.because}"
    if believed and not one.branches and may_have_hidden_branch(one.id, snapshot):
        yield "git", "a branch of it cannot be read"
    yield from _unclear_branches(one, believed=believed)


def _has_landed(one: Workstream) -> bool:
    """Tell what is over and tidy, or was never begun here, whatever word its row has for that."""
    return not one.worktrees and all(each.landed is Truth.YES for each in one.branches)


def _unclear_branches(one: Workstream, *, believed: bool) -> Iterator[tuple[str, str]]:
    if one.guests:
        yield "git", f"{one.guests[0]}, and one of them is another workstream's"
    if believed and one.branch is None and len(one.branches) > 1:
        yield (
            "git",
            f"several branches could be the current attempt: {with_work_in_words(one.branches)}",
        )


def _is_its_directory(stray: Stray, one: Workstream) -> bool:
    return stray.workstream == one.id and stray.kind not in {StrayKind.COPY, StrayKind.LINK}


def _of_row(one: Workstream, snapshot: Snapshot) -> _Verdict:
    status = one.status
    if status == Status.RUNNING:
        return _of_running(one)
    if status == Status.COMPLETED:
        return _of_completed(one)
    if one.row is None:
        return _of_nobody(one, snapshot)
    if one.worktrees and one.row.means in (
        Status.FAILED,
        Status.PENDING,
        Status.REVERTED,
        Status.DISCARDED,
    ):
        return Verdict.LEFTOVER, ()
    return Verdict.CONSISTENT, ()


def _of_running(one: Workstream) -> _Verdict:
    branch = one.branch
    if branch is not None and branch.reverted_by:
        return Verdict.REVERTED, ()
    if branch is not None and branch.landed is Truth.YES:
        return Verdict.LANDED_UNRECORDED, ()
    if branch is not None and _landing_is_unknown(branch):
        return _cannot_tell("git", f"whether {branch.name} is in the trunk")
    if branch is not None and branch.own_commits and not branch.kept_apart:
        return Verdict.DEAD_WITH_COMMITS, ()
    return _of_unsaved(one)


def _of_unsaved(one: Workstream) -> _Verdict:
    if one.drifted_work:
        return Verdict.DEAD_DRIFTED, ()
    match one.unsaved:
        case Truth.YES:
            return Verdict.DEAD_UNSAVED, ()
        case Truth.NO:
            if one.saved is None:
                return _cannot_tell("vault", "whether an earlier run saved what it left")
            return (Verdict.DEAD_SAVED if one.saved else Verdict.DEAD_EMPTY), ()
        case Truth.UNKNOWN:
            return _cannot_tell("git", _why_unsaved_is_unknown(one))


def _landing_is_unknown(branch: Branch) -> bool:
    return branch.landed is Truth.UNKNOWN or branch.own_commits is None


def _of_completed(one: Workstream) -> _Verdict:
    branch = one.branch
    if branch is not None and branch.reverted_by:
        return Verdict.REVERTED, ()
    if branch is not None and branch.landed is not Truth.YES and branch.own_commits != 0:
        return _of_unlanded(branch)
    if not one.worktrees:
        return Verdict.CONSISTENT, ()
    if branch is not None and branch.landed is not Truth.YES and one.unsaved is Truth.YES:
        return _of_unsaved(one)
    return Verdict.LEFTOVER, ()


def _of_unlanded(branch: Branch) -> _Verdict:
    if _landing_is_unknown(branch):
        return _cannot_tell("git", f"whether {branch.name} is in the trunk")
    if branch.kept_apart:
        return _cannot_tell("git", f"whether {branch.name} is to land: {branch.kept_apart}")
    return Verdict.RECORDED_UNLANDED, ()


def _of_nobody(one: Workstream, snapshot: Snapshot) -> _Verdict:
    if not one.worktrees:
        return Verdict.CONSISTENT, ()
    if snapshot.state.readable is Truth.YES:
        return _cannot_tell("state", "no row names this workstream")
    verdict, because = _of_running(one)
    if verdict in (
        Verdict.LANDED_UNRECORDED,
        Verdict.DEAD_EMPTY,
        Verdict.DEAD_SAVED,
        Verdict.REVERTED,
    ):
        return Verdict.LEFTOVER, because
    return verdict, because


def _cannot_tell(source: str, why: str) -> _Verdict:
    return Verdict.UNKNOWN, (Evidence(source, f"cannot tell: {why}"),)


def _why_unsaved_is_unknown(one: Workstream) -> str:
    reasons = [f"what its worktree holds: {tree.whose}" for tree in one.not_ours]
    reasons += [tree.unsaved.because for tree in one.worktrees if tree.unsaved.because]
    return reasons[0] if reasons else "what its worktree holds"


def _evidence(one: Workstream) -> Iterator[Evidence]:
    if one.row is not None:
        since = f" since {one.row.started_at:%Y-%m-%d %H:%M:%SZ}" if one.row.started_at else ""
        yield Evidence("state", f"row is {one.row.said}{since}")
    if one.branch is not None:
        yield Evidence("git", branch_in_words(one.branch))
    for tree in one.worktrees:
        yield Evidence("git", _tree_in_words(tree))
    for place in one.drifted_work:
        yield Evidence("git", f"it left {place}")
    for ref in (one.saved or ())[:_SHOWN]:
        yield Evidence("vault", f"an earlier run saved work of it as {ref}")
    for tree in one.not_ours:
        yield Evidence("git", f"{tree.path.name} is left as it is: {tree.whose}")
    yield from _evidence_of_life(one)


def _evidence_of_life(one: Workstream) -> Iterator[Evidence]:
    for process in one.processes:
        command = " ".join(process.command)[:80]
        yield Evidence("processes", f"pid {process.identity.pid} ({process.role}): {command}")
    if one.row is not None and not one.agents:
        yield Evidence("processes", "no process works in its worktree")


def branch_in_words(branch: Branch) -> str:
    """Say where a branch stands."""
    if branch.reverted_by:
        return f"{branch.name} landed and was reverted by {branch.reverted_by[:12]}"
    if branch.landed is Truth.YES:
        return f"{branch.name} has landed: {branch.proof}"
    if branch.own_commits is None:
        return f"{branch.name} has an unknown number of commits of its own"
    count = counted(branch.own_commits, "commit")
    where = " that the trunk lacks" if branch.own_commits else ""
    return f"{branch.name} has {count} of its own{where}"


def _tree_in_words(tree: Worktree) -> str:
    if tree.unsaved.known is not Truth.YES:
        return f"{tree.path.name} could not be read: {tree.unsaved.because or tree.problem}"
    return f"{tree.path.name} holds {counted(len(tree.unsaved.paths), 'unsaved path')}"
