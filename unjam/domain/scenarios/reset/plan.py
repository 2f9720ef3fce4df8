"""Plan a reset: stop everything, save everything, and begin with nothing but the trunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from unjam.domain.scenarios.reset.steps import Bundle, EmptyState, SetLogsAside
from unjam.domain.scenarios.shared.lock_steps import lock_steps
from unjam.domain.scenarios.shared.tidying import lock_facts, nothing_below
from unjam.domain.steps.facts import NONE, fact, only_told
from unjam.domain.steps.plan import (
    Abort,
    Fact,
    Plan,
    RemoveBranch,
    RemoveWorktree,
    RestoreBranch,
    ReturnPrimary,
    Salvage,
    SetAside,
    Step,
    Stop,
    Unregister,
    only_safe,
)
from unjam.domain.steps.policy import Consent, Policy
from unjam.domain.world.claims.kinds import is_layout_seen
from unjam.domain.world.claims.ownership import TAKEN, is_ours
from unjam.domain.world.damage import Damage
from unjam.domain.world.elsewhere import may_serve_others
from unjam.domain.world.identity import CommitId, Role
from unjam.domain.world.judging import anybody_at, is_astray, is_orchestrated, session_worktrees
from unjam.domain.world.lookups import state_is_known
from unjam.domain.world.snapshot import Process, Snapshot, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import elsewhere, join

_FOR_A_PERSON = (Damage.LINK, Damage.OF_ANOTHER, Damage.MOVED)
_NOBODY = (Fact("orchestrator", "", NONE),)


@dataclass(frozen=True, slots=True)
class Remains:
    """What a reset clears away and no snapshot tells."""

    worktrees: PurePath  # the directory in which agents work
    state_files: int  # of the state database, its WAL and journal among them
    logs: int  # entries of the directory of logs that Git does not track
    lost: frozenset[str] = frozenset()  # branches of workstreams whose refs cannot be read


def plan_reset(
    snapshot: Snapshot, remains: Remains, policy: Policy, owed: tuple[Step, ...] = ()
) -> Plan:
    """Plan it; ``owed`` are steps that a killed reset had planned and not carried out."""
    return only_told(left_to_reset(snapshot, remains, policy, owed), snapshot)


def left_to_reset(
    snapshot: Snapshot, remains: Remains, policy: Policy, owed: tuple[Step, ...] = ()
) -> Plan:
    """Plan it as if nothing could be hidden: what a reset has left, be it that it must not be done."""
    planner = _Planner(snapshot, remains, owed)
    wanted = tuple(planner.steps())
    steps = tuple(one for one in wanted if policy.approval(one.step_class) is not Consent.OFF)
    off = sorted({one.step_class for one in wanted} - {one.step_class for one in steps})
    left_out = (f"steps of class {one} are left out: policy.{one} is off" for one in off)
    notes = (*planner.notes(policy), *left_out) if wanted else ()
    notes = (*planner.notes_of_others(), *notes)
    return nothing_below(Plan(snapshot.repo, only_safe(steps), notes), snapshot)


class _Planner:
    """One reset of one snapshot."""

    def __init__(self, snapshot: Snapshot, remains: Remains, owed: tuple[Step, ...]) -> None:
        self.snapshot = snapshot
        self.remains = remains
        self.owed = owed
        self.sessions = session_worktrees(snapshot)
        self.orchestrated = is_layout_seen(snapshot) or is_orchestrated(snapshot)
        self.astray = self.orchestrated and is_astray(snapshot)
        self.kept = {tree.name: why for tree in self._ours() if (why := self._kept_because(tree))}
        self.trees = [tree for tree in self._ours() if tree.name not in self.kept]

    def steps(self) -> Iterator[Step]:
        """Yield every step, in an order in which nothing can be lost."""
        cleared = (
            *lock_steps(self.snapshot, _NOBODY, self._freed()),
            *self._restored(),
            *self._abort(),
            *self._strays(),  # first: its row is what says that a directory was an agent's
            *self._empty_state(),
            *self._logs(),
            *self._return(),
            *self._removals(),
            *self._branches(),
        )
        yield from self._stops()
        yield from self._salvages()
        if self.trees or (self.snapshot.branches and self.orchestrated):
            number = len(self.snapshot.branches)
            branches = "1 branch" if number == 1 else f"{number or 'no'} branches"
            yield Bundle(
                subject=f"{branches}, {counted(len(self.trees), 'worktree')}",
                reason="one file holds all that the branches and the salvages have",
                facts=_NOBODY,
            )
        yield from cleared

    def notes(self, policy: Policy) -> Iterator[str]:
        """Say what stays, and how to begin anew."""
        yield f"{self.snapshot.trunk_name} stays where it is, with all that has landed on it"
        yield from self._notes_of_trees()
        for stray in self.snapshot.strays:
            if not is_ours(stray):
                yield f"{self.snapshot.place(stray.path)} keeps its place: {stray.kind}"
            elif any(anybody_at(stray, self.snapshot)):
                yield f"{self.snapshot.place(stray.path)} keeps its place: somebody is in it"
        for process in self.snapshot.orchestrators():
            if not process.certain:
                yield f"pid {process.identity.pid} may be an orchestrator: it is not stopped"
        if policy.resume:
            yield f"to begin anew afterwards: {' '.join(policy.resume)}"

    def notes_of_others(self) -> Iterator[str]:
        """Say which rows stay for being another's, or because it cannot be told whose they are."""
        others = elsewhere(self.snapshot)
        state, sharing = self.snapshot.state, self.snapshot.sharing
        if sharing and sharing.because and not state_is_known(self.snapshot):
            told = f"whose rows it has cannot be told ({state.because})"
            yield f"the state stays as it is: {told}, and {sharing.because}"
        if others:
            verb = "stays" if len(others) == 1 else "stay"
            yield f"{counted(len(others), 'row')} of other clones or machines {verb} in the state"

    def _notes_of_trees(self) -> Iterator[str]:
        for tree in self.snapshot.worktrees:
            place = self.snapshot.place(tree.path)
            if tree.name in self.kept:
                yield f"{place} keeps its place: {self.kept[tree.name]}"
            elif Damage.BRANCH in tree.damage and tree in self.trees:
                yield f"the branch of {place} is damaged: reset again once its worktree is away"

    def _ours(self) -> Iterator[Worktree]:
        """Yield the agents' worktrees; one that a person made elsewhere is none of them."""
        for tree in self.snapshot.worktrees if self.orchestrated else ():
            if tree.name not in self.sessions or tree.path.parent == self.remains.worktrees:
                yield tree

    def _kept_because(self, tree: Worktree) -> str:
        if tree.whose not in TAKEN:
            return str(tree.whose)
        damage = next((one for one in _FOR_A_PERSON if one in tree.damage), None)
        if damage is not None:
            return f"{damage}; see unjam recover worktree_corruption"
        if tree.is_locked and Damage.UNFINISHED not in tree.damage:
            return f"it is locked ({tree.lock_reason or 'no reason given'})"
        inside = self.snapshot.in_worktree(tree.name)
        person = next((one for one in inside if one.role is Role.PERSON), None)
        return f"somebody is in it (pid {person.identity.pid})" if person else ""

    def _stops(self) -> Iterator[Step]:
        for process in self.snapshot.orchestrators():
            if process.certain:
                yield _stop(process, "it hands out work and writes the state", None, ())
        paths = {tree.name: tree.moved_to or tree.path for tree in self.snapshot.worktrees}
        for process in self.snapshot.processes:
            if process.role is Role.AGENT and process.worktree in paths and self._is_ours(process):
                place = self.snapshot.place(paths[process.worktree])
                yield _stop(process, f"it works in {place}", paths[process.worktree], _NOBODY)

    def _is_ours(self, process: Process) -> bool:
        """Tell an agent of the orchestration from what somebody may come back to."""
        return any(tree.name == process.worktree for tree in self._ours())

    def _freed(self) -> frozenset[str]:
        """Name the worktrees in which nobody works once the agents are stopped."""
        inside = [one for one in self.snapshot.processes if one.worktree]
        stays = {one.worktree for one in inside if one.role is not Role.AGENT}
        return frozenset({one.worktree for one in inside if one.worktree} - stays)

    def _salvages(self) -> Iterator[Step]:
        primary = self.snapshot.primary
        if self.astray and (held := _held_by(primary)):
            yield self._salvage(primary, f"it was left astray, and {held}")
        for tree in self.trees:
            known = tree.unsaved.known is Truth.YES
            said = counted(len(tree.unsaved.paths), "unsaved path")
            yield self._salvage(tree, said if known else "what it holds could not be read")

    def _salvage(self, tree: Worktree, reason: str) -> Salvage:
        return Salvage(
            subject=self.snapshot.place(tree.path),
            reason=reason,
            facts=_NOBODY,
            workstream=tree.workstream,
            worktree=tree.name,
        )

    def _restored(self) -> Iterator[Step]:
        """Write refs again that cannot be read: only a branch that is whole can go into the vault."""
        for one in self.snapshot.lost_branches:
            if one.ref in self.remains.lost and one.last is not None:
                yield RestoreBranch(
                    subject=_name(one.ref),
                    reason=f"its ref cannot be read; its reflog has it at {one.last[:12]}",
                    facts=_NOBODY,
                    ref=one.ref,
                    tip=CommitId(one.last),
                )

    def _abort(self) -> Iterator[Step]:
        operation = self.snapshot.primary.operation
        if operation is not None and self.astray:
            yield Abort(
                subject=self.snapshot.place(self.snapshot.primary.path),
                reason=f"it was left in the middle of a {operation}",
                facts=(*_NOBODY, fact("operation in", "", self.snapshot)),
                operation=operation,
            )

    def _empty_state(self) -> Iterator[Step]:
        state = self.snapshot.state
        others = {one.id for one in join(self.snapshot) if one.elsewhere}
        rows = [one for one in state.rows if one.workstream not in others]
        shared = bool(others) or may_serve_others(self.snapshot)
        if state.readable is Truth.YES:
            began = state.starts and self.remains.state_files and not shared
            is_full = bool(rows or began)
        elif shared and state.readable is Truth.UNKNOWN:
            return  # the rows of others may be in it
        else:  # a reset that was killed may have moved it, and not yet made the empty one
            owed = any(isinstance(step, EmptyState) for step in self.owed)
            is_full = bool(self.remains.state_files) or owed
        if is_full:
            yield EmptyState(
                subject=state.location.removeprefix(f"{self.snapshot.repo}/"),
                reason=f"{counted(len(rows), 'row')} of work that begins anew"
                if state_is_known(self.snapshot)
                else f"what rows it has cannot be told: {state.because}",
                facts=_NOBODY,
            )

    def _logs(self) -> Iterator[Step]:
        if self.remains.logs and self.orchestrated:
            yield SetLogsAside(
                subject="logs",
                reason=f"they tell of what was: {self.remains.logs} of them",
                facts=_NOBODY,
            )

    def _return(self) -> Iterator[Step]:
        if self.astray:
            yield ReturnPrimary(
                subject=f"to {self.snapshot.trunk_name}",
                reason=f"the orchestrator works from {self.snapshot.trunk_name}",
                facts=_NOBODY,
            )

    def _removals(self) -> Iterator[Step]:
        for tree in self.trees:
            only_entry = {Damage.GONE, Damage.TWICE} & set(tree.damage)
            kind = Unregister if only_entry else RemoveWorktree
            yield kind(
                subject=self.snapshot.place(tree.path),
                reason="the vault takes it as it is",
                facts=(
                    *_NOBODY,
                    Fact("processes in", tree.name, NONE),
                    *lock_facts(tree, self.snapshot),
                ),
                workstream=tree.workstream,
                worktree=tree.name,
            )

    def _strays(self) -> Iterator[Step]:
        for stray in self.snapshot.strays if self.orchestrated else ():
            if is_ours(stray) and not any(anybody_at(stray, self.snapshot)):
                yield SetAside(
                    subject=self.snapshot.place(stray.path),
                    reason=str(stray.kind),
                    facts=(*_NOBODY, fact("stray", str(stray.path), self.snapshot)),
                    workstream=stray.workstream,
                    path=stray.path,
                )

    def _branches(self) -> Iterator[Step]:
        kept = {tree.branch for tree in self.snapshot.worktrees if tree not in self.trees}
        for branch in self.snapshot.branches if self.orchestrated else ():
            if branch.ref not in kept:
                yield RemoveBranch(
                    subject=branch.name,
                    reason="the vault keeps it and its reflog",
                    facts=(*_NOBODY, fact("branch", branch.ref, self.snapshot)),
                    workstream=branch.workstream,
                    ref=branch.ref,
                    tip=branch.tip,
                )
        for one in self.snapshot.lost_branches:
            if one.ref in self.remains.lost and one.last is not None:
                yield RemoveBranch(
                    subject=_name(one.ref),
                    reason="the vault keeps it and its reflog",
                    facts=(*_NOBODY, Fact("branch", one.ref, one.last)),
                    ref=one.ref,
                    tip=CommitId(one.last),
                )


def _held_by(tree: Worktree) -> str:
    """Say what would be lost with a checkout; nothing where nothing would."""
    if tree.unsaved.known is not Truth.YES:
        return "what it holds could not be read"
    if tree.unsaved.paths:
        return "holds uncommitted work"
    if tree.hidden_commits:
        return f"holds {counted(tree.hidden_commits, 'commit')} only its reflog reaches"
    return f"is in the middle of a {tree.operation}" if tree.operation else ""


def _name(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _stop(process: Process, reason: str, below: PurePath | None, facts: tuple[Fact, ...]) -> Stop:
    return Stop(
        subject=f"pid {process.identity.pid}",
        reason=reason,
        facts=facts,
        process=process.identity,
        below=below,
    )
