"""Plan the way out of conflicts: land what merges now, block what waits, finish what was settled.

Whether a branch merges was tried before this plan was made. One that does not is rebased in a trial
once for every change of its conflict; after that it waits for a person, and nothing is tried again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from unjam.domain.scenarios.conflict.find import SCENARIO, SHOWN, conflict_in_words
from unjam.domain.scenarios.shared.restarting import left_to_run, resume_command
from unjam.domain.scenarios.shared.tidying import land_step, removals_of, salvages_of, trees_of
from unjam.domain.steps.facts import NONE, fact, holds
from unjam.domain.steps.plan import (
    Discard,
    Fact,
    Landing,
    Plan,
    Push,
    Record,
    RecordDiscard,
    Reopen,
    Restart,
    Step,
    only_safe,
)
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.conflicts import (
    ConflictStanding,
    Contender,
    contenders,
    is_conflict,
    page_name,
    released,
    told_to_wait,
    unblocked_rows,
)
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import orchestrator_seen
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted, first_few
from unjam.domain.world.workstream import Workstream, join


def plan_conflict(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the way out of every conflict, or of these; what only a person can settle is noted."""
    planner = _Planner(snapshot, policy, request, owed)
    wanted = tuple(planner.steps())
    steps = tuple(one for one in wanted if policy.approval(one.step_class) is not Consent.OFF)
    return Plan(snapshot.repo, only_safe(steps), tuple(planner.notes(wanted)))


def why_conflicts_wait(snapshot: Snapshot) -> str:
    """Say why conflicts are only reported: an orchestrator lives; nothing when none does."""
    living = orchestrator_seen(snapshot)
    if living is None:
        return ""
    surely = "lives" if living.certain else "may live"
    return (
        f"an orchestrator {surely} (pid {living.identity.pid}), which merges and writes rows itself;"
        " let it finish or stop it, then: unjam recover merge_conflict"
    )


def why_not_discarded(request: Request, findings: tuple[Finding, ...]) -> str:
    """Say what is to be given up and is in no conflict; nothing where all of it is in one."""
    ours = (one for one in findings if one.scenario == SCENARIO)
    strangers = sorted(request.discard - {name for one in ours for name in one.workstreams})
    return f"{strangers[0]} is in no conflict, so it is not discarded" if strangers else ""


class _Planner:
    """One way out of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, policy: Policy, request: Request, owed: tuple[Step, ...]
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.chosen = request.workstreams
        self.owed = owed
        self.may_land = policy.approval(StepClass.LAND) is not Consent.OFF
        self.nobody = (Fact("orchestrator", "", NONE),)
        self.obstacle = why_conflicts_wait(snapshot)
        self.streams = {one.id: one for one in join(snapshot)}
        found = [one for one in contenders(snapshot) if self._is_chosen(one.workstream.id)]
        self.given_up = [
            one
            for one in found
            if one.workstream.id in request.discard and _is_idle(one.workstream)
        ]
        self.busy = [one for one in found if one.workstream.agents and one not in self.given_up]
        self.found = [one for one in found if one not in (*self.busy, *self.given_up)]
        self.settled = tuple(self._of(ConflictStanding.LANDED))
        self.merging = tuple(self._of(ConflictStanding.OVER))
        waiting = [one for one in self.found if one.standing is ConflictStanding.WAITS]
        self.tried = tuple(one for one in waiting if not _is_told(one))
        self.waiting = tuple(one for one in waiting if _is_told(one))
        self.freed = self._freed()
        self.following = tuple(self._following())

    def _is_chosen(self, one: WorkstreamId) -> bool:
        return self.chosen is None or one in self.chosen

    def _of(self, standing: ConflictStanding) -> Iterator[Workstream]:
        return (one.workstream for one in self.found if one.standing is standing)

    def _freed(self) -> dict[WorkstreamId, tuple[WorkstreamId, ...]]:
        """Name the rows that need wait no more once everything that can is on the trunk."""
        over = {one.id for one in (*self.settled, *(self.merging if self.may_land else ()))}
        landed = set(over)
        while True:
            freed = released(self.snapshot, over)
            more = {one for one in freed if self._is_done(self.streams[one])} - over
            if not (more and self.may_land):
                break
            over |= more
        return {
            one: by
            for one, by in freed.items()
            if not self.streams[one].agents and (self._is_chosen(one) or not landed.isdisjoint(by))
        }

    def _following(self) -> Iterator[Workstream]:
        """Find what was blocked with its work done: it lands after what it waited for."""
        return (self.streams[one] for one in self.freed if self._is_done(self.streams[one]))

    @staticmethod
    def _is_done(one: Workstream) -> bool:
        branch = one.branch
        if branch is None or not branch.own_commits or branch.reverted_by:
            return False
        return branch.landed is Truth.NO and not one.agents

    def steps(self) -> Iterator[Step]:
        """Yield every step, in an order in which no work can be lost."""
        if self.obstacle:
            return
        landing = self._landing_all() if self.may_land else ()
        tidied = (*self.settled, *((*self.merging, *self.following) if self.may_land else ()))
        given_up = tuple(one.workstream for one in self.given_up) if self.may_land else ()
        planned = (
            *self._salvages((*tidied, *given_up)),
            *self._land(landing),
            *self._push(bool(landing)),
            *self._records(landing),
            *self._blocks(),
            *self._reopened(),
            *(step for one in tidied for step in removals_of(one, self.snapshot, self.nobody)),
            *self._discards(given_up),
        )
        yield from planned
        for step in self.owed:
            wanted = isinstance(step, Push) and not any(isinstance(one, Push) for one in planned)
            if wanted and all(holds(one, self.snapshot) for one in step.facts):
                yield step
        yield from self._restart(planned)

    def _landing_all(self) -> tuple[Workstream, ...]:
        return (*self.merging, *(one.workstream for one in self.tried), *self.following)

    def _salvages(self, streams: Iterable[Workstream]) -> Iterator[Step]:
        for one in streams:
            yield from salvages_of(one, self.snapshot, self.nobody)

    def _land(self, landing: tuple[Workstream, ...]) -> Iterator[Step]:
        together = {one.id for one in landing}
        landings = tuple(
            made for one in landing if (made := self._landing(one, together)) is not None
        )
        if landings:
            yield land_step(landings, landing, self.snapshot, self.nobody)

    def _landing(self, one: Workstream, together: set[WorkstreamId]) -> Landing | None:
        if one.branch is None:
            return None
        needs = one.spec.depends_on if one.spec else ()
        missing = next((need for need in needs if self._stays_out(need, together)), None)
        return Landing(one.id, one.branch.ref, one.branch.tip, needs, missing)

    def _stays_out(self, name: WorkstreamId, together: set[WorkstreamId]) -> bool:
        """Tell what has a row, is not on the trunk, and does not come there in this run."""
        one = self.streams.get(name)
        if one is None or one.row is None or name in together:
            return False
        landed = one.branch is not None and one.branch.landed is Truth.YES
        return one.status != Status.COMPLETED and not landed

    def _push(self, lands: bool) -> Iterator[Push]:  # noqa: FBT001 -- what it tells is its name
        if self.policy.remote and (lands or self.settled):
            yield Push(
                subject=f"{self.policy.remote} {self.snapshot.trunk_name}",
                reason="the remote has to have what landed",
                facts=self.nobody,
                remote=self.policy.remote,
                owed=bool(self.settled),
            )

    def _records(self, landing: tuple[Workstream, ...]) -> Iterator[Record]:
        for one in self.settled:
            settled = "its conflict was settled and it is on the trunk"
            record = self._record(one, Status.COMPLETED, settled)
            yield replace(record, facts=(*record.facts, *self._landed(one)))
        for one in landing:
            yield self._record(one, None, f"what came of its landing; the row says {one.status}")
        for each in self.tried if not self.may_land else ():
            row, clash = each.workstream.row, each.clash
            if clash is not None and not is_conflict(row):
                reason = f"it does not merge; the row says {each.workstream.status}"
                record = self._record(each.workstream, Status.CONFLICT, reason)
                on = (fact("branch", clash.ref, self.snapshot), fact("trunk", "", self.snapshot))
                told = f"conflicts with the trunk in {conflict_in_words(clash)}"
                yield replace(record, message=told, facts=(*record.facts, *on))

    def _record(self, one: Workstream, status: Status | None, reason: str) -> Record:
        return Record(
            subject=one.id,
            reason=reason,
            facts=(*self.nobody, fact("row of", one.id, self.snapshot)),
            workstream=one.id,
            status=status,
            message="",
            salvaged=trees_of(one),
        )

    def _landed(self, one: Workstream) -> Iterator[Fact]:
        if one.branch is not None:
            yield fact("branch", one.branch.ref, self.snapshot)
            yield fact("trunk", "", self.snapshot)

    def _blocks(self) -> Iterator[Record]:
        """Block what has not begun and depends on what does not land."""
        roots = [one.workstream.id for one in (*self.tried, *self.waiting, *self.busy)]
        for name, by in unblocked_rows(roots, self.snapshot).items():
            yield Record(
                subject=name,
                reason=f"it depends on {first_few(by, SHOWN)}, which conflicts",
                facts=(
                    *self.nobody,
                    fact("row of", name, self.snapshot),
                    *(fact("branch", ref, self.snapshot) for ref in self._branches_of(by)),
                ),
                workstream=name,
                status=Status.BLOCKED,
                message=told_to_wait(by),
                blocked_by=by,
            )

    def _branches_of(self, names: Iterable[WorkstreamId]) -> Iterator[str]:
        """Name the branches that do not merge."""
        found = (self.streams[name].branch for name in names if name in self.streams)
        return (one.ref for one in found if one is not None)

    def _reopened(self) -> Iterator[Reopen]:
        landing = {one.id for one in self.merging}
        following = {one.id for one in self.following}
        for name, by in self.freed.items():
            if name not in following:
                yield Reopen(
                    subject=name,
                    reason=f"{first_few(by, SHOWN)} is no longer in its way",
                    facts=(
                        *self.nobody,
                        fact("row of", name, self.snapshot),
                        *(fact("row of", one, self.snapshot) for one in by),
                    ),
                    workstream=name,
                    after=tuple(one for one in by if one in landing),
                )

    def _discards(self, given_up: tuple[Workstream, ...]) -> Iterator[Step]:
        for one in given_up:
            if one.branch is None:
                continue
            yield from removals_of(one, self.snapshot, self.nobody)
            yield Discard(
                subject=one.branch.name,
                reason="it was asked for by name; the vault keeps the branch",
                facts=(
                    *self.nobody,
                    fact("row of", one.id, self.snapshot),
                    fact("branch", one.branch.ref, self.snapshot),
                ),
                workstream=one.id,
                ref=one.branch.ref,
                tip=one.branch.tip,
            )
            yield RecordDiscard(
                subject=one.id,
                reason=f"it is given up; the row says {one.status}",
                facts=(*self.nobody, fact("row of", one.id, self.snapshot)),
                workstream=one.id,
                status=None,
                message="",
                salvaged=trees_of(one),
            )

    def _restart(self, planned: tuple[Step, ...]) -> Iterator[Restart]:
        owed = any(isinstance(step, Restart) for step in self.owed)
        freed = {one for one in self.freed if one not in {each.id for each in self.following}}
        left = left_to_run(self.snapshot, self.chosen, freed)
        command = resume_command(self.policy, self.snapshot, self.chosen)
        if command and left and freed and (planned or owed):
            yield Restart(
                subject="the orchestrator",
                reason=f"{counted(len(left), 'workstream')} left to run: {' '.join(command)}",
                facts=self.nobody,
                command=command,
            )

    def notes(self, steps: tuple[Step, ...]) -> Iterator[str]:
        """Say what no step does, and what a person has to."""
        if self.obstacle:
            yield f"nothing is done about conflicts: {self.obstacle}"
            return
        for one in self.waiting:
            where = conflict_in_words(one.clash) if one.clash else ""
            name = one.workstream.id
            yield f"{name} waits for you: {where}; {page_name(name)} says what to do"
        for one in self.busy:
            yield f"{one.workstream.id} is left alone: an agent works in it"
        for stream in self._of(ConflictStanding.NOTHING_LEFT):
            yield f"{stream.id}: no branch of it has work; order it anew, or mark it discarded"
        for stream in self._of(ConflictStanding.UNKNOWN):
            yield f"{stream.id} is kept as it is: whether it has landed cannot be told"
        for step_class in sorted(self._wanted(steps)):
            if self.policy.approval(step_class) is Consent.OFF:
                yield f"steps of class {step_class} are left out: policy.{step_class} is off"

    def _wanted(self, steps: tuple[Step, ...]) -> set[StepClass]:
        """Name the classes of steps that there are, or would be if they were allowed."""
        lands = bool(self._landing_all() or self.given_up)
        return {one.step_class for one in steps} | ({StepClass.LAND} if lands else set())


def _is_idle(one: Workstream) -> bool:
    """Tell whether there is a branch to give up, and nobody is at work for it."""
    return one.branch is not None and not one.agents


def _is_told(one: Contender) -> bool:
    """Tell whether all was tried that can be: a page tells a person of just this conflict."""
    told = one.clash is not None and one.clash.reported
    return told and is_conflict(one.workstream.row)
