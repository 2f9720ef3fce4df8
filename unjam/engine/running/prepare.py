"""Assess an orchestration and plan its recovery, before anything changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from unjam.adapters import lease, machine, surroundings
from unjam.adapters.git import user_config
from unjam.adapters.git.command import Git
from unjam.adapters.git.mending.shared_files import find_damaged_files
from unjam.adapters.git.moving import remote
from unjam.adapters.processes.locks.git_locks import owners_of
from unjam.adapters.processes.running.start_orchestrator import find_command
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import SCENARIOS, scenarios_of
from unjam.domain.reports.check_report import Document
from unjam.domain.reports.report import planned_document
from unjam.domain.scenarios.shared.foreign_rows import why_not_settled
from unjam.domain.steps.change import StartProcess
from unjam.domain.steps.plan import Land, Plan, Restart, Step
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import ProcessIdentity, WorkstreamId
from unjam.domain.world.lookups import is_whole, why_rows_are_hidden
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.workstream import join
from unjam.engine.acts.recovery import Recovery
from unjam.engine.culprits.fresh_checkout import why_no_runner
from unjam.engine.keeping.past_runs import PastRun, unfinished
from unjam.engine.observing.observe_closely import observe_for
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError, UsageError

_MARGIN = 2.0  # seconds; the system's clock and a process's start are read differently


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was observed, what is wrong with it, and what to do about it."""

    snapshot: Snapshot
    findings: tuple[Finding, ...]
    plan: Plan

    def described(self, policy: Policy) -> Document:
        """Describe it before it is carried out."""
        return planned_document(
            self.findings, self.plan, policy, why_rows_are_hidden(self.snapshot)
        )


def policy_of(orchestration: Orchestration) -> Policy:
    """Turn the configuration into what planning needs; raises UsageError for a missing command."""
    settings = orchestration.settings
    approvals = {one: Consent(getattr(settings.policy, one.value)) for one in StepClass}
    name = settings.orchestration.remote
    known = name if _has(orchestration, name) else None
    signs = user_config.is_on(Git(orchestration.common), "commit.gpgsign")
    return Policy(approvals, _resume(orchestration), known, signs)


def _has(orchestration: Orchestration, name: str) -> bool:
    """Tell whether there is a remote; in a damaged configuration there is none."""
    if find_damaged_files(orchestration.common):
        return False
    return remote.remote_url(orchestration.common, name) is not None


def whoever() -> str:
    """Name the person at this terminal, and the machine it is on."""
    return f"{surroundings.user()} on {machine.shown()}"


def _resume(orchestration: Orchestration) -> tuple[str, ...]:
    """Return the resume command; the default one only where it can run at all."""
    settings = orchestration.settings.orchestration
    command = tuple(settings.resume)
    runnable = bool(command) and find_command(command[0], orchestration.primary) is not None
    if settings.resume_is_default:
        script = orchestration.primary / command[1] if len(command) > 1 else orchestration.primary
        return command if runnable and script.exists() else ()
    if command and not runnable:
        raise UsageError(
            f"resume command not found: {command[0]} (orchestration.resume); install it or correct it"
        )
    return command


def prepare(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    killed: tuple[PastRun, ...] = (),
) -> Prepared:
    """Diagnose and plan; raises RefusedError beside a living orchestrator, UsageError for a stranger.

    The orchestrator that a killed run started is no stranger: all that was to do was done before.
    """
    refuse_strangers(snapshot, request.workstreams)
    _refuse_to_settle(request, snapshot)
    living = restarted_by(killed, snapshot)
    if living:
        return Prepared(snapshot, (), Plan(snapshot.repo, notes=(living,)))
    scenarios = scenarios_of(request)
    findings = diagnose(snapshot, scenarios, request.workstreams)
    owed = owed_by(killed)
    rows = tuple(SCENARIOS[one] for one in scenarios)
    asked = {one.name for one in rows if one.is_asked(request, owed)}
    if not findings:
        _refuse(one.ask(one.hidden)(snapshot) for one in rows if one.name not in asked)
    found = {one.scenario for one in findings} or (set(scenarios[:1]) if owed else set())
    found |= asked
    if len(found) == 1:
        _refuse(row.ask(row.obstacle)(snapshot) for row in (SCENARIOS[one] for one in found))
    wrong = (one.ask(one.refuses)(request, findings) for one in SCENARIOS.values())
    if because := next(filter(None, wrong), ""):
        raise UsageError(because)
    plan = plan_recovery(found, snapshot, policy, request, owed)
    return Prepared(snapshot, findings, plan)


def _refuse_to_settle(request: Request, snapshot: Snapshot) -> None:
    """Raise RefusedError where a row is not one of a machine that is gone, by what is seen here."""
    named = (one for one in join(snapshot) if one.id in request.elsewhere)
    because = next((why for one in named if (why := why_not_settled(one, snapshot))), "")
    if because:
        raise RefusedError(f"--elsewhere: {because}")


def _refuse(obstacles: Iterable[str]) -> None:
    """Raise RefusedError for the first thing that stands in the way."""
    if because := next(filter(None, obstacles), ""):
        raise RefusedError(because)


def refuse_strangers(snapshot: Snapshot, workstreams: frozenset[WorkstreamId] | None) -> None:
    """Raise UsageError if a named workstream is known to no row, spec or branch."""
    known = {row.workstream for row in snapshot.state.rows}
    known |= {spec.workstream for spec in snapshot.specs}
    known |= {branch.workstream for branch in snapshot.branches}
    strangers = sorted((workstreams or frozenset()) - known)
    if strangers and not is_whole(snapshot):
        why = "; ".join(f"{one.what}: {one.because}" for one in snapshot.unknown)
        raise RefusedError(
            f"cannot tell whether there is a workstream {shown(strangers[0])}: {why or 'Git is damaged'}"
        )
    if strangers:
        raise UsageError(f"unknown workstream: {shown(strangers[0])}; `unjam status` lists them")


def look_and_prepare(run: Recovery) -> Prepared:
    """Observe, diagnose and plan what a run was asked for; raises as ``prepare`` does."""
    prepared = prepare(run.look_as_asked(), run.policy, run.request, run.killed)
    return _told_untestable(prepared, run.orchestration)


def look_again(run: Recovery) -> tuple[Finding, ...]:
    """Observe afresh and diagnose: what a run left."""
    return diagnose(run.look_as_asked(), scenarios_of(run.request), run.request.workstreams)


def preview(
    orchestration: Orchestration, request: Request = EVERYTHING
) -> tuple[Prepared, Policy, bool]:
    """Plan as a run would, without beginning one; also tell whether a killed run is still open.

    Raises RefusedError while another recovery is at work.
    """
    at_work = lease.holder(orchestration.common)
    if at_work is not None:
        raise RefusedError(f"another recovery is at work: {at_work}")
    policy = policy_of(orchestration)
    killed = unfinished(orchestration)
    snapshot = observe_for(orchestration, scenarios_of(request))
    prepared = prepare(snapshot, policy, request, killed)
    return _told_untestable(prepared, orchestration), policy, bool(killed)


def _told_untestable(prepared: Prepared, orchestration: Orchestration) -> Prepared:
    """Say in a plan with a landing, before anything changes, that the tests cannot start."""
    plan = prepared.plan
    if not any(isinstance(one, Land) for one in plan.steps) or orchestration.held is not None:
        return prepared
    because = why_no_runner(orchestration, prepared.snapshot.trunk_tip)
    note = f"nothing can land, and so nothing is stopped: {because}"
    notes = (*plan.notes, note) if because else plan.notes
    return replace(prepared, plan=replace(plan, notes=notes))


def owed_by(killed: tuple[PastRun, ...]) -> tuple[Step, ...]:
    """Return what killed runs had planned and none of them settled, each once."""
    settled = {(one.step, one.subject) for past in killed for one in past.outcomes}
    planned = {(step.verb, step.subject): step for past in killed for step in past.planned}
    left = (step for name, step in planned.items() if name not in settled)
    # One that was proven to have started, and has ended since, is not started a second time.
    return tuple(step for step in left if not (isinstance(step, Restart) and started(killed)))


def restarted_by(killed: tuple[PastRun, ...], snapshot: Snapshot) -> str:
    """Say which killed run started what lives now; nothing if none did, or it has ended since."""
    for past in reversed(killed):
        for change in past.changes:
            found = next(_started(past, change, snapshot), None)
            if found is not None:
                return f"run {past.id}, which was killed, had started the orchestrator (pid {found.pid})"
    return ""


def started(killed: tuple[PastRun, ...]) -> bool:
    """Tell whether a killed run had proven that the orchestrator started, whatever became of it."""
    return any(isinstance(change, StartProcess) for past in killed for change in past.made)


def _started(past: PastRun, change: object, snapshot: Snapshot) -> Iterator[ProcessIdentity]:
    if not isinstance(change, StartProcess):
        return
    since = past.started.timestamp() - _MARGIN
    living = (one.identity for one in snapshot.orchestrators() if one.certain)
    yield from (one for one in living if one.started >= since)
    # Whatever name it runs under, it writes into the file that this run made for it.
    yield from owners_of(Path(change.output))
