"""Plan the repair of what is broken in Git's files: one entry at a time, saved first, never pruned whole."""

from collections.abc import Iterator

from unjam.domain.scenarios.corruption.find import (
    busy_in,
    damaged_in,
    notes_of_lenders,
    stopped_in,
    strays_in,
    why_for_a_person,
)
from unjam.domain.scenarios.shared.lock_steps import lock_steps
from unjam.domain.scenarios.shared.restarting import (
    left_to_run,
    resume_command,
    workstreams_in_words,
)
from unjam.domain.scenarios.shared.stale_locks import left_locks
from unjam.domain.scenarios.shared.tidying import lock_facts, name_step, removal_of_empty
from unjam.domain.steps.facts import NONE, fact
from unjam.domain.steps.plan import (
    Abort,
    Fact,
    Mend,
    MendShared,
    Plan,
    Record,
    Recreate,
    Register,
    RemoveWorktree,
    Restart,
    RestoreBranch,
    RestoreObjects,
    Salvage,
    SetAside,
    Step,
    Unregister,
    only_safe,
)
from unjam.domain.steps.policy import Consent, Policy
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.damage import BLINDING, Damage, StrayKind
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.judging import anybody_at
from unjam.domain.world.lookups import orchestrator_seen, saved_of
from unjam.domain.world.snapshot import Row, Snapshot, Stray, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth

_RETRIED = (Status.RUNNING, Status.PENDING, Status.FAILED)


def plan_corruption(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),  # noqa: ARG001 -- all that a killed run left undone is seen again
) -> Plan:
    """Plan the repair of these workstreams' worktrees, or of everything."""
    planner = _Planner(snapshot, policy, request.workstreams)
    wanted = tuple(planner.steps())
    steps = tuple(one for one in wanted if policy.approval(one.step_class) is not Consent.OFF)
    off = sorted({one.step_class for one in wanted} - {one.step_class for one in steps})
    left_out = (f"steps of class {one} are left out: policy.{one} is off" for one in off)
    return Plan(snapshot.repo, only_safe(steps), (*planner.notes(), *left_out))


class _Planner:
    """One repair of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, policy: Policy, workstreams: frozenset[WorkstreamId] | None
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.workstreams = workstreams
        self.whole = workstreams is None
        self.living = orchestrator_seen(snapshot)
        self.rows = {row.workstream: row for row in snapshot.state.rows}
        self.broken = [one for one in damaged_in(snapshot) if self._chosen(one.workstream)]
        self.trees = [tree for tree in self.broken if not self._kept_because(tree)]
        self.strays = [
            one
            for one in strays_in(snapshot)
            if self._chosen(one.workstream) and not self._stray_kept_because(one)
        ]
        self.stopped = [
            (tree, operation)
            for tree, operation in stopped_in(snapshot)
            if self._chosen(tree.workstream)
        ]

    def steps(self) -> Iterator[Step]:
        """Yield every step, in an order in which no work can be lost."""
        if self.snapshot.trunk_damaged:
            yield from self._shared()
            return
        yield from self._salvages()
        if self.whole:
            yield from self._shared()
        yield from self._mends()
        yield from self._aborts()
        yield from self._names()
        yield from self._registers()
        records = tuple(self._records())
        yield from records
        yield from self._removals()
        yield from self._branches(records)
        yield from self._restart(records)

    def _shared(self) -> Iterator[Step]:
        for shared in self.snapshot.shared:
            if shared.lender is not None:
                continue  # only a person knows where it is now
            yield MendShared(
                subject=self.snapshot.place(shared.path),
                reason=shared.damage,
                path=shared.path,
            )
        if any(one.damage in BLINDING for one in self.snapshot.shared):
            return  # Git has to see before anything else can be told
        yield from lock_steps(self.snapshot)
        yield from self._objects()
        yield from self._lost_branches()

    def notes(self) -> Iterator[str]:
        """Say what is left as it is, and why."""
        yield from notes_of_lenders(self.snapshot)
        if self.snapshot.trunk_damaged:
            yield f"everything else waits until {self.snapshot.trunk_name} is whole again"
            return
        for tree in self.broken:
            because = self._kept_because(tree)
            if because:
                yield f"{self.snapshot.place(tree.path)} is left as it is: {because}"
        for stray in strays_in(self.snapshot):
            because = self._stray_kept_because(stray)
            if because and self._chosen(stray.workstream):
                yield f"{self.snapshot.place(stray.path)} is left as it is: {because}"
        if self.whole:
            yield from self._notes_of_all()

    def _notes_of_all(self) -> Iterator[str]:
        for branch in self.snapshot.lost_branches:
            if branch.last is None:
                name = branch.ref.removeprefix("refs/heads/")
                yield f"{name} is left as it is: no reflog tells where it stood"
        for lock in left_locks(self.snapshot):
            if lock.stale is not Truth.YES:
                yield f"{self.snapshot.place(lock.path)} is left as it is: {lock.because}"

    def _chosen(self, workstream: WorkstreamId | None) -> bool:
        return self.workstreams is None or workstream in self.workstreams

    def _kept_because(self, tree: Worktree) -> str:
        because = why_for_a_person(tree)
        if because:
            return because
        if self.snapshot.processes_known is not Truth.YES:
            return "not every process could be looked at"
        busy = next(busy_in(tree, self.snapshot), None)
        if busy is not None and not _only_moved(tree):
            return f"pid {busy.identity.pid} is at work in it"
        if self.living is not None and {Damage.GONE, Damage.UNFINISHED} & set(tree.damage):
            return f"an orchestrator is at work (pid {self.living.identity.pid})"
        return ""

    def _stray_kept_because(self, stray: Stray) -> str:
        if self.snapshot.processes_known is not Truth.YES:
            return "not every process could be looked at"
        inside = next(anybody_at(stray, self.snapshot), None)
        if inside is not None:
            return f"pid {inside.identity.pid} is in it"
        if self.living is not None:
            return f"an orchestrator is at work (pid {self.living.identity.pid})"
        return ""

    def _salvages(self) -> Iterator[Step]:
        for tree in self.trees:
            if set(tree.damage) != {Damage.BARE}:
                yield self._salvage(tree, "; ".join(tree.damage))
        for tree, operation in self.stopped:
            yield self._salvage(tree, f"it is in the middle of a {operation}")

    def _salvage(self, tree: Worktree, reason: str) -> Salvage:
        return Salvage(
            subject=self.snapshot.place(tree.path),
            reason=reason,
            workstream=tree.workstream,
            worktree=tree.name,
        )

    def _objects(self) -> Iterator[Step]:
        if self.snapshot.lost:
            yield RestoreObjects(
                subject=self.snapshot.place(self.snapshot.common),
                reason="objects of the history are missing or spoilt; there may be other copies",
            )

    def _lost_branches(self) -> Iterator[Step]:
        for lost in self.snapshot.lost_branches:
            if lost.last is not None:
                yield RestoreBranch(
                    subject=lost.ref.removeprefix("refs/heads/"),
                    reason=f"its ref cannot be read; its reflog has it at {lost.last[:12]}",
                    ref=lost.ref,
                    tip=CommitId(lost.last),
                )

    def _mends(self) -> Iterator[Step]:
        for tree in self.trees:
            removed = {Damage.UNFINISHED, Damage.TWICE} & set(tree.damage) or self._is_over(tree)
            curable = set(tree.damage) - {Damage.GONE}
            if curable and not removed:
                yield Mend(
                    subject=self.snapshot.place(tree.path),
                    reason="; ".join(one for one in tree.damage if one in curable),
                    facts=self._facts(tree),
                    workstream=tree.workstream,
                    worktree=tree.name,
                )
            if Damage.GONE in tree.damage and not removed:
                yield Recreate(
                    subject=self.snapshot.place(tree.path),
                    reason="its index holds work that is in no commit",
                    facts=self._facts(tree)[: 1 if curable else None],  # the rest is mended before
                    workstream=tree.workstream,
                    worktree=tree.name,
                )

    def _facts(self, tree: Worktree) -> tuple[Fact, ...]:
        about = (fact("damage of", tree.name, self.snapshot), *lock_facts(tree, self.snapshot))
        return about if _only_moved(tree) else (Fact("agents in", tree.name, NONE), *about)

    def _aborts(self) -> Iterator[Step]:
        for tree, operation in self.stopped:
            yield Abort(
                subject=self.snapshot.place(tree.path),
                reason=f"a dead process left it in the middle of a {operation}",
                facts=(
                    Fact("agents in", tree.name, NONE),
                    fact("operation in", tree.name, self.snapshot),
                ),
                workstream=tree.workstream,
                operation=operation,
                worktree=tree.name,
            )

    def _names(self) -> Iterator[Step]:
        removed = {f"worktrees/{one.name}/HEAD": one for one in self.trees if self._is_removed(one)}
        for branch in self.snapshot.branches:
            tree = removed.get(branch.nameless)
            if tree is not None:
                yield name_step(branch, self.snapshot, (Fact("agents in", tree.name, NONE),))

    def _registers(self) -> Iterator[Step]:
        for stray in self.strays:
            if stray.kind is StrayKind.ORPHAN and stray.branch:
                branch = stray.branch.removeprefix("refs/heads/")
                yield Register(
                    subject=self.snapshot.place(stray.path),
                    reason=f"{stray.kind}; its files belong to branch {branch}",
                    facts=(fact("stray", str(stray.path), self.snapshot),),
                    workstream=stray.workstream,
                    path=stray.path,
                    branch=stray.branch,
                )

    def _records(self) -> Iterator[Record]:
        lost = {tree.workstream: tree for tree in self.trees if self._is_removed(tree)}
        lost_only = {*lost, *(one.workstream for one in self.strays if not one.branch)}
        kept = {one.workstream for one in self.snapshot.worktrees if not self._is_removed(one)}
        for workstream in sorted(one for one in lost_only - kept if one is not None):
            row = self.rows.get(workstream)
            if row is None or row.status != Status.RUNNING or self.living is not None:
                continue
            if self._has_work(workstream):
                continue  # what becomes of that decides, once its worktree is out of the way
            yield self._record(row, lost.get(workstream))

    def _has_work(self, workstream: WorkstreamId) -> bool:
        branches = [one for one in self.snapshot.branches if one.workstream == workstream]
        trees = [one for one in self.snapshot.worktrees if one.workstream == workstream]
        return any(one.own_commits != 0 for one in branches) or any(one.guest_on for one in trees)

    def _record(self, row: Row, tree: Worktree | None) -> Record:
        branches = (
            fact("branch", one.ref, self.snapshot)
            for one in self.snapshot.branches
            if one.workstream == row.workstream and not one.nameless
        )
        return Record(
            subject=row.workstream,
            reason=f"{_lost_in_words(tree)}; the row says {row.status}",
            facts=(
                Fact("orchestrator", "", NONE),
                fact("row of", row.workstream, self.snapshot),
                *self._lost(row.workstream, tree),
                *branches,
            ),
            workstream=row.workstream,
            status=Status.FAILED,
            message=f"{_lost_in_words(tree)}; will retry",
            salvaged=(tree.name,) if tree else (),
            kept=saved_of(row.workstream, self.snapshot),
        )

    def _lost(self, workstream: WorkstreamId, tree: Worktree | None) -> Iterator[Fact]:
        """Yield what shows that its worktree is none any more, and that nobody is in it."""
        if tree is not None:
            yield Fact("agents in", tree.name, NONE)
            yield fact("damage of", tree.name, self.snapshot)
        for stray in self.strays if tree is None else ():
            if stray.workstream == workstream:
                yield fact("stray", str(stray.path), self.snapshot)

    def _is_over(self, tree: Worktree) -> bool:
        """Tell a worktree that is gone and that nobody, or only a retry, needs again."""
        if Damage.GONE not in tree.damage:
            return False
        row = self.rows.get(tree.workstream) if tree.workstream else None
        retried = row is not None and row.status in _RETRIED
        return retried or tree.only_staged is Truth.NO

    def _facts_of_row(self, tree: Worktree) -> tuple[Fact, ...]:
        """Rest on the state where only a row says that what is staged there is needed no more."""
        by_row = self._is_over(tree) and tree.only_staged is not Truth.NO
        return (fact("state", "", self.snapshot),) if by_row else ()

    def _is_removed(self, tree: Worktree) -> bool:
        return Damage.UNFINISHED in tree.damage or self._is_over(tree)

    def _removals(self) -> Iterator[Step]:
        for tree in self.trees:
            facts = self._facts(tree)
            place = self.snapshot.place(tree.path)
            if Damage.UNFINISHED in tree.damage:
                yield RemoveWorktree(
                    subject=place,
                    reason="making it was never finished",
                    facts=(*facts, Fact("orchestrator", "", NONE)),
                    workstream=tree.workstream,
                    worktree=tree.name,
                )
            elif Damage.TWICE in tree.damage or self._is_over(tree):
                yield Unregister(
                    subject=place if self._is_over(tree) else tree.name,
                    reason="; ".join(tree.damage),
                    facts=(*facts, *self._facts_of_row(tree)),
                    workstream=tree.workstream,
                    worktree=tree.name,
                )
        for stray in self.strays:
            if stray.kind is not StrayKind.ORPHAN or not stray.branch:
                yield SetAside(
                    subject=self.snapshot.place(stray.path),
                    reason=str(stray.kind),
                    facts=(
                        Fact("orchestrator", "", NONE),
                        fact("stray", str(stray.path), self.snapshot),
                    ),
                    workstream=stray.workstream,
                    path=stray.path,
                )

    def _branches(self, records: tuple[Record, ...]) -> Iterator[Step]:
        retried = {one.workstream for one in records}
        for branch in self.snapshot.branches:
            if branch.workstream in retried and branch.own_commits == 0:
                yield removal_of_empty(branch, self.snapshot, (Fact("orchestrator", "", NONE),))

    def _restart(self, records: tuple[Record, ...]) -> Iterator[Step]:
        command = resume_command(self.policy, self.snapshot, self.workstreams)
        retried = {one.workstream for one in records if one.workstream}
        left = left_to_run(self.snapshot, self.workstreams, retried)
        if command and records and left and self.living is None:
            yield Restart(
                subject="the orchestrator",
                reason=f"{workstreams_in_words(left)} left to run: {' '.join(command)}",
                facts=(Fact("orchestrator", "", NONE),),
                command=command,
            )


def _lost_in_words(tree: Worktree | None) -> str:
    if tree is None:
        return "its directory is no worktree"
    if Damage.GONE not in tree.damage:
        return "making its worktree was never finished"
    hidden = ", ".join(one[:12] for one in tree.hidden)
    return f"its worktree was lost{hidden and f', and with it commit {hidden} of its reflog'}"


def _only_moved(tree: Worktree) -> bool:
    """Tell damage that is cured outside of a worktree: whoever works there is not disturbed."""
    return set(tree.damage) == {Damage.MOVED}
