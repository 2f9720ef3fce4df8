"""Plan what becomes of work nobody waits for: stop, save, repair, land, push, record, clean, restart."""

from collections.abc import Iterator

from unjam.domain.scenarios.shared.foreign_rows import settlements
from unjam.domain.scenarios.shared.incomplete_work import (
    landed_branches,
    may_be_incomplete,
    rest_of,
    told_to_retry,
)
from unjam.domain.scenarios.shared.lock_steps import lock_steps
from unjam.domain.scenarios.shared.restarting import (
    left_to_run,
    resume_command,
    workstreams_in_words,
)
from unjam.domain.scenarios.shared.tidying import (
    RETRIED,
    empty_branches,
    land_step,
    names_of,
    person_in,
    removal_of_empty,
    removals_of,
    salvages_of,
    trees_of,
    verdict_facts,
)
from unjam.domain.steps.facts import NONE, fact, holds
from unjam.domain.steps.plan import (
    Abort,
    Fact,
    Landing,
    Plan,
    Push,
    Record,
    RemoveBranch,
    Restart,
    ReturnPrimary,
    Salvage,
    Step,
    Stop,
    only_safe,
)
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.steps.tell_spec import TellSpec
from unjam.domain.world.claims.incomplete import STOPPED, known_before
from unjam.domain.world.elsewhere import may_serve_others
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.judging import (
    is_astray,
    is_on_no_branch,
    is_orchestrated,
    judgements,
    primary_at_risk_in_words,
    record_of,
    unpushed,
)
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Judged, Verdict, judge

_LANDING = (Verdict.RECORDED_UNLANDED, Verdict.DEAD_WITH_COMMITS)
_UNTOUCHED = (Verdict.CONSISTENT, Verdict.UNKNOWN)


def plan_abandoned(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the recovery of these workstreams, or of all and of what they share.

    ``owed`` are steps a killed run had planned and not carried out; those that no observation can
    ask for again are taken over while their facts hold.
    """
    planner = _Planner(snapshot, policy, request, owed)
    wanted = tuple(planner.steps())
    steps = tuple(one for one in wanted if policy.approval(one.step_class) is not Consent.OFF)
    return Plan(snapshot.repo, only_safe(steps), tuple(planner.notes(wanted)))


class _Planner:
    """One recovery of one snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy,
        request: Request,
        owed: tuple[Step, ...],
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.owed = owed
        self.request = request
        self.workstreams = request.workstreams
        self.whole = request.workstreams is None
        self.astray = is_orchestrated(snapshot) and is_astray(snapshot)
        self.nobody = (Fact("orchestrator", "", NONE),)
        self.live: list[Judged] = []
        self.stopped: set[WorkstreamId] = set()
        self.awaited: list[Judged] = []  # live, and their orchestrator may be on another machine
        self.judged: list[Judged] = []
        self.known = {one.workstream.id: one for one in judgements(snapshot)}
        for one in self.known.values():
            if self.workstreams is None or one.workstream.id in self.workstreams:
                self._take(one)

    def _take(self, judged: Judged) -> None:
        """Sort in one workstream; a live one as it will be when policy has stopped its agents."""
        if judged.verdict in (Verdict.ELSEWHERE, Verdict.SESSION):
            return
        if judged.verdict is Verdict.LIVE and may_serve_others(self.snapshot):
            self.awaited.append(judged)
            return
        if judged.verdict is not Verdict.LIVE:
            self.judged.append(judged)
            return
        self.live.append(judged)
        if self.policy.approval(StepClass.STOP) is not Consent.OFF:
            persons = (one for one in judged.workstream.processes if one.role is Role.PERSON)
            stopped = judged.workstream._replace(processes=tuple(persons))
            self.stopped.add(stopped.id)
            self.judged.append(judge(stopped, self.snapshot))

    def steps(self) -> Iterator[Step]:
        """Yield every step, in an order in which no work can be lost."""
        planned = (
            *self._stops(),
            *self._salvages(),
            *self._locks(),
            *self._aborts(),
            *self._names(),
            *self._landing(),
            *self._records(),
            *settlements(self.snapshot, self.request),
            *self._return(),  # first, since a branch that is checked out keeps its place
            *self._removals(),
        )
        yield from planned
        yield from self._owed(planned)
        yield from self._restart(planned)

    def notes(self, steps: tuple[Step, ...]) -> Iterator[str]:
        """Say what no step does, and why."""
        for one in self.judged:
            if one.verdict is Verdict.UNKNOWN:
                yield f"{shown(one.workstream.id)} is kept as it is: {one.evidence[-1].fact}"
            for tree in one.workstream.worktrees:
                person = person_in(tree, one.workstream)
                if person is not None:
                    yield f"{tree.path.name} keeps its place: you or somebody is in it (pid {person})"
        yield from self._notes_of_live()
        off = {one.step_class for one in steps if self._is_off(one.step_class)}
        for step_class in sorted(off):
            yield f"steps of class {step_class} are left out: policy.{step_class} is off"
        if self._left_to_run() and not self.policy.resume and self.whole:
            yield "no resume command is configured: start the orchestrator yourself afterwards"

    def _notes_of_live(self) -> Iterator[str]:
        if self.awaited:
            named = workstreams_in_words({one.workstream.id for one in self.awaited})
            yield (
                f"the agents of {named} still work and are left alone: no orchestrator lives on this "
                "machine, but one on another may wait for them"
            )
        if self.live and self.policy.approval(StepClass.STOP) is Consent.OFF:
            yield "agents that still work are left alone: policy.stop is off"

    def _is_off(self, step_class: StepClass) -> bool:
        return self.policy.approval(step_class) is Consent.OFF

    def _stops(self) -> Iterator[Step]:
        for judged in self.live:
            trees = {tree.name: tree for tree in judged.workstream.worktrees}
            for process in judged.workstream.agents:
                yield Stop(
                    subject=f"pid {process.identity.pid}",
                    reason=(
                        f"it works for {judged.workstream.id}, "
                        "and no orchestrator on this machine waits for it"
                    ),
                    facts=self.nobody,  # that it is the same process is proven by the signal's sender
                    workstream=judged.workstream.id,
                    process=process.identity,
                    below=trees[process.worktree or ""].path,
                )

    def _locks(self) -> Iterator[Step]:
        if self.whole:
            yield from lock_steps(self.snapshot, self.nobody, self._freed())

    def _freed(self) -> frozenset[str]:
        """Name the worktrees that nobody works in once the agents are stopped."""
        if self._is_off(StepClass.STOP):
            return frozenset()
        streams = [judged.workstream for judged in self.live]
        kept = {
            one.worktree for each in streams for one in each.processes if one not in each.agents
        }
        freed = {one.worktree for each in streams for one in each.agents}
        return frozenset(one for one in freed - kept if one)

    def _salvages(self) -> Iterator[Step]:
        primary = self.snapshot.primary
        if self.whole and self._primary_is_touched() and self._at_risk(primary):
            yield Salvage(
                subject=self.snapshot.place(primary.path),
                reason=primary_at_risk_in_words(primary),
                facts=self.nobody,
                worktree="",
            )
        for judged in self.judged:
            idle = self._stays_as_it_is(judged) and judged.workstream.unsaved is Truth.NO
            if judged.verdict is not Verdict.CONSISTENT and not idle:
                yield from self._salvages_of(judged)

    def _salvages_of(self, judged: Judged) -> Iterator[Step]:
        yield from salvages_of(judged.workstream, self.snapshot, self.nobody)

    def _aborts(self) -> Iterator[Step]:
        primary = self.snapshot.primary
        if primary.operation is not None and self.whole and self.astray:
            yield Abort(
                subject=self.snapshot.place(primary.path),
                reason=f"a dead process left it in the middle of a {primary.operation}",
                facts=(*self.nobody, fact("operation in", "", self.snapshot)),
                operation=primary.operation,
            )

    def _names(self) -> Iterator[Step]:
        for judged in self.judged:
            if judged.verdict not in _UNTOUCHED and not self._stays_as_it_is(judged):
                yield from names_of(judged.workstream, self.snapshot, self.nobody)

    def _landing(self) -> Iterator[Step]:
        landing = [one for one in self.judged if one.verdict in _LANDING]
        if landing:
            landings = tuple(self._landing_of(one) for one in landing)
            streams = tuple(one.workstream for one in landing)
            yield land_step(landings, streams, self.snapshot, self.nobody)
        for judged in self._incomplete():
            yield from told_to_retry(judged, self._rest(judged), self.snapshot, self.nobody)
        unrecorded = any(one.verdict is Verdict.LANDED_UNRECORDED for one in self.judged)
        owed = self.whole and unpushed(self.snapshot)
        if self.policy.remote and (landing or unrecorded or owed):
            yield Push(
                subject=f"{self.policy.remote} {self.snapshot.trunk_name}",
                reason="the remote has to have what landed",
                facts=self.nobody,
                remote=self.policy.remote,
                owed=bool(unrecorded or owed),
            )

    def _landing_of(self, judged: Judged) -> Landing:
        one = judged.workstream
        branch = one.branch
        if branch is None:  # a verdict of _LANDING is only given to a branch
            raise ValueError(f"{one.id} has no branch to land")
        needs = one.spec.depends_on if one.spec else ()
        missing = next((need for need in needs if self._stays_out(need)), None)
        rest = self._rest(judged)
        tests = one.spec.acceptance_tests if one.spec else ()
        unended = judged.verdict is Verdict.DEAD_WITH_COMMITS
        return Landing(one.id, branch.ref, branch.tip, needs, missing, rest, tests, unended)

    def _rest(self, judged: Judged) -> tuple[str, ...]:
        """Say what shows that work which lands, or has, is not finished."""
        return rest_of(judged, self.snapshot, stopped=judged.workstream.id in self.stopped)

    def _incomplete(self) -> Iterator[Judged]:
        """Give what lands, or has, and is not finished, or is to be tried whether it is."""
        for one in self.judged:
            stays = one.verdict in _LANDING and self._is_off(StepClass.LAND)
            if may_be_incomplete(one, self._rest(one)) and not stays:
                yield one

    def _stays_out(self, name: WorkstreamId) -> bool:
        """Tell what is not on the trunk and does not come there in this run."""
        judged = self.known.get(name)
        if judged is None or judged.workstream.row is None:
            return False
        branch = judged.workstream.branch
        landed = branch is not None and branch.landed is Truth.YES
        out = judged.verdict in RETRIED or judged.workstream.status not in _MAY_LAND
        return out and not landed

    def _stays_as_it_is(self, judged: Judged) -> bool:
        """Tell finished work that is to land, where policy lets nothing land: it keeps its place."""
        return judged.verdict is Verdict.RECORDED_UNLANDED and self._is_off(StepClass.LAND)

    def _records(self) -> Iterator[Step]:
        for judged in self.judged:
            row, name = judged.workstream.row, judged.workstream.id
            by_us = name in self.stopped or STOPPED in known_before(name, self.snapshot)
            wanted = record_of(judged, self._rest(judged), stopped=by_us)
            if wanted is None or row is None or self._stays_as_it_is(judged):
                continue
            status, message = wanted
            rests_on = verdict_facts(judged, self.snapshot)
            yield Record(
                subject=judged.workstream.id,
                reason=f"{judged.verdict}; the row says {row.status}",
                facts=(*self.nobody, fact("row of", row.workstream, self.snapshot), *rests_on),
                workstream=judged.workstream.id,
                status=status,
                message=message,
                salvaged=trees_of(judged.workstream),
                kept=judged.workstream.saved or (),
            )

    def _removals(self) -> Iterator[Step]:
        for judged in self.judged:
            if judged.verdict in _UNTOUCHED or self._stays_as_it_is(judged):
                continue
            yield from removals_of(judged.workstream, self.snapshot, self.nobody)
            empty = empty_branches(judged.workstream) if judged.verdict in RETRIED else ()
            for branch in empty:
                yield removal_of_empty(branch, self.snapshot, self.nobody)
        for judged in self._incomplete():
            yield from landed_branches(judged, self.snapshot, self.nobody)

    def _return(self) -> Iterator[Step]:
        if self.astray and self.whole:
            yield ReturnPrimary(
                subject=f"to {self.snapshot.trunk_name}",
                reason=f"the orchestrator works from {self.snapshot.trunk_name}",
                facts=self.nobody,
            )

    def _owed(self, planned: tuple[Step, ...]) -> Iterator[Step]:
        subjects = {(step.verb, step.subject) for step in planned}
        for step in self.owed:
            wanted = (
                isinstance(step, RemoveBranch | Push | TellSpec)
                and (step.verb, step.subject) not in subjects
            )
            if wanted and all(holds(one, self.snapshot) for one in step.facts):
                yield step

    def _restart(self, planned: tuple[Step, ...]) -> Iterator[Step]:
        owed = any(isinstance(step, Restart) for step in self.owed)
        command = resume_command(self.policy, self.snapshot, self.workstreams)
        if command and (planned or owed) and self._left_to_run():
            yield Restart(
                subject="the orchestrator",
                reason=f"{workstreams_in_words(self._left_to_run())} left to run: {' '.join(command)}",
                facts=self.nobody,
                command=command,
            )

    def _left_to_run(self) -> frozenset[WorkstreamId]:
        retried = {one.workstream.id for one in self.judged if one.verdict in RETRIED}
        return left_to_run(self.snapshot, self.workstreams, retried)

    def _primary_is_touched(self) -> bool:
        moved = any(one.verdict in _LANDING for one in self.judged)
        return moved or self.astray

    @staticmethod
    def _at_risk(primary: Worktree) -> bool:
        alone = is_on_no_branch(primary) and bool(primary.hidden_commits)
        return alone or primary.operation is not None or primary.unsaved.any is not Truth.NO


_MAY_LAND = (Status.PENDING, Status.RUNNING, Status.COMPLETED)
