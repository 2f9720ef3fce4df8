"""Plan the way out of a hang: stop, then what a crash of just these agents would need.

An agent that hangs beside a living orchestrator is saved before it is stopped: the orchestrator
cleans up after an agent that has ended, and would take its uncommitted work with it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from unjam.domain.scenarios.shared.abandoned_work import plan_abandoned
from unjam.domain.scenarios.shared.restarting import resume_command, workstreams_in_words
from unjam.domain.steps.facts import NONE, fact, holds
from unjam.domain.steps.plan import (
    Fact,
    Land,
    Plan,
    Push,
    Record,
    RemoveBranch,
    RemoveWorktree,
    Restart,
    Salvage,
    Step,
    Stop,
)
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.steps.tell_spec import TellSpec
from unjam.domain.world.agents.score import HUNG, HangVerdict
from unjam.domain.world.agents.suspects import Suspect, suspects
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import orchestrator_seen
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Process, Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import join

_ENDED = (HangVerdict.ZOMBIE, HangVerdict.DEAD)


def plan_hang(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the recovery from agents that hang; those that may work are left alone, and named."""
    planner = _Planner(snapshot, policy, request, owed)
    steps = tuple(one for one in planner.steps() if not planner.is_off(one.step_class))
    return Plan(snapshot.repo, steps, tuple(planner.notes()))


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
        self.request = request
        self.owed = owed
        self.orchestrator = orchestrator_seen(snapshot)
        chosen = request.workstreams
        self.all = [
            one
            for one in suspects(snapshot)
            if chosen is None or (one.workstream and one.workstream.id in chosen)
        ]
        stoppable = not self.is_off(StepClass.STOP) and not self._is_unsaved_beside_orchestrator()
        self.hung = [
            one for one in self.all if one.is_hung and stoppable and not self._must_ask(one)
        ]
        ended = [one for one in self.all if one.is_awaited and one.score.verdict in _ENDED]
        left = [one for one in self.hung if not self._is_waited_for(one)]
        self.treated = left if self.orchestrator else [*left, *ended]

    def is_off(self, step_class: StepClass) -> bool:
        """Tell whether policy switched a class of steps off."""
        return self.policy.approval(step_class) is Consent.OFF

    def steps(self) -> Iterator[Step]:
        """Yield every step, in an order in which no work can be lost."""
        for one in self.hung:
            yield from self._stops(one)
            if one.workstream is None:
                yield self._salvage(one)
        after = tuple(self._after())
        yield from after
        yield from self._restart(after)

    def notes(self) -> Iterator[str]:
        """Say what no step does, and why."""
        for one in self.all:
            why = self._why_left(one) if one.is_awaited else _why_not_awaited(one)
            if why:
                yield f"{_name(one, self.snapshot)} is not stopped for hanging: {why}"
        waited = [one for one in self.hung if self._is_waited_for(one)]
        if waited and self.orchestrator:
            names = ", ".join(_name(one, self.snapshot) for one in waited)
            yield (
                f"{names}: its orchestrator (pid {self.orchestrator.identity.pid}) waits for it, and "
                "decides what comes of its end; its work is saved before"
            )
        steps = {one.step_class for one in self._after()}
        for step_class in sorted(one for one in steps if self.is_off(one)):
            yield f"steps of class {step_class} are left out: policy.{step_class} is off"

    def _why_left(self, one: Suspect) -> str:
        verdict = one.score.verdict
        if verdict is HangVerdict.UNKNOWN:
            return f"{verdict}: {one.score.evidence[0]}"
        if verdict in _ENDED and self.orchestrator:
            pid = self.orchestrator.identity.pid
            return f"its orchestrator lives (pid {pid}); stop that, then: unjam recover"
        if verdict not in HUNG or one in self.hung:
            return ""
        if self._must_ask(one):
            return (
                "whether what it computes will ever end cannot be told from outside, and policy.stop "
                "is auto; to be asked: UNJAM_POLICY__STOP=ask unjam recover agent_hang"
            )
        if not one.is_hung:
            return "no row says that it runs, and a person may come back to its prompt"
        off = "stop" if self.is_off(StepClass.STOP) else "salvage"
        return f"policy.{off} is off"

    def _must_ask(self, one: Suspect) -> bool:
        """Tell a verdict that no signal proves: a program that computes for long may yet be done."""
        by_itself = self.policy.approval(StepClass.STOP) is Consent.AUTO
        return by_itself and one.score.verdict is HangVerdict.BUSY

    def _is_unsaved_beside_orchestrator(self) -> bool:
        return self.orchestrator is not None and self.is_off(StepClass.SALVAGE)

    def _is_waited_for(self, one: Suspect) -> bool:
        """Tell an agent that a living orchestrator started, and will see end."""
        above = one.watched.now.above
        return any(boss.identity.pid in above for boss in self.snapshot.orchestrators())

    def _stops(self, one: Suspect) -> Iterator[Step]:
        for process in one.agents:
            yield Stop(
                subject=f"pid {process.identity.pid}",
                reason=f"{_name(one, self.snapshot)}: {one.score.verdict}: {one.score.evidence[0]}",
                facts=tuple(self._facts_of_stop(one)),
                workstream=one.workstream.id if one.workstream else None,
                process=process.identity,
                below=one.tree.path,
                worktree=one.tree.name,
            )

    def _facts_of_stop(self, one: Suspect) -> Iterator[Fact]:
        yield fact("orchestrator", "", self.snapshot)
        if one.workstream is not None:
            yield fact("row of", one.workstream.id, self.snapshot)

    def _salvage(self, one: Suspect) -> Step:
        return Salvage(
            subject=self.snapshot.place(one.tree.path),
            reason="what its agent held",
            worktree=one.tree.name,
        )

    def _after(self) -> Iterator[Step]:
        """Yield what is left to do once they are stopped: what a crash of them would need."""
        named = {one.workstream.id: one for one in self.treated if one.workstream}
        chosen = frozenset(named) | frozenset(self._begun())
        if not chosen:
            return
        gone = {process for one in self.treated for process in one.agents}
        left = tuple(one for one in self.snapshot.processes if not _is_in(one, gone))
        stopped = ((name, _how(one)) for name, one in named.items() if one in self.hung)
        known = (*self.snapshot.unfinished, *stopped)
        bereft = replace(self.snapshot, processes=left, unfinished=known)
        policy = replace(self.policy, approvals=self.policy.approvals | _DECIDED_HERE)
        request = replace(self.request, workstreams=chosen)
        for step in plan_abandoned(bereft, policy, request, self.owed).steps:
            if not isinstance(step, Restart):
                yield from self._adapted(step, named)

    def _begun(self) -> Iterator[WorkstreamId]:
        """Yield what a killed run had begun to tidy, and in which nobody works."""
        at_work = {one.worktree for one in self.snapshot.processes}
        busy = {tree.workstream for tree in self.snapshot.worktrees if tree.name in at_work}
        for step in self.owed:
            if step.workstream is None or step.workstream in busy:
                continue
            # Beside an orchestrator only what is still just as it was when that was planned.
            if self.orchestrator is None or all(holds(one, self.snapshot) for one in step.facts):
                yield step.workstream

    def _adapted(self, step: Step, named: dict[WorkstreamId, Suspect]) -> Iterator[Step]:
        """Fit a step of a crash's plan to a hang."""
        review = self.orchestrator is not None or self.is_off(StepClass.LAND)
        match step:
            case Land() | Push() | TellSpec() if review:
                return
            case RemoveBranch(if_incomplete=True) if review:
                return
            case Record(status=None) if review and step.workstream not in named:
                yield from self._recorded_before(step.workstream)
            case RemoveWorktree() if self._is_for_review(step.workstream):
                return
            case Record() if step.workstream in named:
                yield self._told(self._beside(step), named[step.workstream])
            case _:
                yield self._beside(step)

    def _recorded_before(self, workstream: WorkstreamId | None) -> Iterator[Step]:
        """Yield what a killed run was to say of an agent it had stopped, where all is as it was."""
        for step in self.owed:
            if not isinstance(step, Record) or step.workstream != workstream:
                continue
            if step.status is not None and all(holds(one, self.snapshot) for one in step.facts):
                yield step

    def _told(self, step: Step, one: Suspect) -> Step:
        """Say in the row what happened, where the landing does not decide that."""
        if not isinstance(step, Record) or step.status in (Status.COMPLETED, Status.REVERTED):
            return step
        how = _how(one)
        if step.status == Status.FAILED:
            return replace(step, message=f"{how}; will retry")
        branch = one.workstream.branch if one.workstream else None
        commits = counted(branch.own_commits or 0, "commit") if branch else "its commits"
        named = branch.name if branch else "its branch"
        if self.orchestrator is not None:
            return replace(
                step, status=Status.FAILED, message=f"{how}; {commits} on {named}; will retry"
            )
        if self.is_off(StepClass.LAND):
            message = f"{how}; for review: {commits} on {named}"
            return replace(step, status=Status.BLOCKED, message=message)
        return step

    def _is_for_review(self, workstream: WorkstreamId | None) -> bool:
        """Tell work that a person has to look at where it is: it was not allowed to land."""
        if self.orchestrator is not None or not self.is_off(StepClass.LAND):
            return False
        one = next((one for one in join(self.snapshot) if one.id == workstream), None)
        branch = one.branch if one else None
        return branch is not None and bool(branch.own_commits)

    def _beside(self, step: Step) -> Step:
        """Let a step rest on the orchestrator that lives now, if one does."""
        nobody = Fact("orchestrator", "", NONE)
        now = fact("orchestrator", "", self.snapshot)
        return replace(step, facts=tuple(now if one == nobody else one for one in step.facts))

    def _restart(self, after: Iterable[Step]) -> Iterator[Step]:
        """Start the orchestrator for these workstreams alone, where its command can name them."""
        failed = {one.workstream for one in after if isinstance(one, Record) and one.workstream}
        owed = any(isinstance(step, Restart) for step in self.owed)
        if self.orchestrator is not None or not (failed or owed):
            return
        chosen = frozenset(one for one in failed if one is not None)
        command = resume_command(self.policy, self.snapshot, chosen)
        running = {
            row.workstream for row in self.snapshot.state.rows if row.status == Status.RUNNING
        }
        if not command and not running - chosen:
            command = resume_command(self.policy, self.snapshot, None)
        if command:
            yield Restart(
                subject="the orchestrator",
                reason=f"{workstreams_in_words(chosen)} left to run: {' '.join(command)}",
                facts=(Fact("orchestrator", "", NONE),),
                command=command,
            )


# What these classes of steps may do is decided here: left out, or put in other words.
_DECIDED_HERE = {StepClass.LAND: Consent.ASK, StepClass.STOP: Consent.ASK}


def _is_in(process: Process, gone: set[Process]) -> bool:
    return process in gone


def _how(one: Suspect) -> str:
    verdict = one.score.verdict
    if verdict in _ENDED:
        return "its agent had ended unnoticed"
    return f"its agent hung ({verdict}) and was stopped"


def _name(one: Suspect, snapshot: Snapshot) -> str:
    return shown(one.workstream.id) if one.workstream else snapshot.place(one.tree.path)


def _why_not_awaited(one: Suspect) -> str:
    if one.score.verdict is HangVerdict.WORKING:
        return ""
    return "no orchestrator is known to wait for it, and somebody may come back to it"
