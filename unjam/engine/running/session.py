"""Begin, carry on and end a run: the lease around it, its journal, and what a killed run owes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from unjam import __version__
from unjam.adapters import clock, files, lease, machine, surroundings
from unjam.adapters.git.mending.shared_files import find_damaged_files, kept_config
from unjam.adapters.git.vault.takeover import take_over
from unjam.adapters.journal import Journal, new_run_id
from unjam.domain.catalogue.codec import to_record
from unjam.domain.steps.outcome import RunWord
from unjam.domain.steps.plan import Land, Plan, Revert
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.engine.acts.recovery import Permission, Recovery
from unjam.engine.keeping.past_runs import PastRun, unfinished
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.prepare import policy_of
from unjam.engine.running.resume import complete
from unjam.errors import UnjamError


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is about."""

    kind: str  # a scenario, or "undo"
    request: Request = EVERYTHING
    undoes: str | None = None
    flow_run: Mapping[str, str] | None = None  # which Prefect flow run tells this run's story
    by_settings: bool = True  # else what is held back of them makes no difference to it


@contextmanager
def session(
    orchestration: Orchestration, terms: Terms, permission: Permission
) -> Iterator[Recovery]:
    """Hold the lease for one run; raises RefusedError while another recovery is at work, or a setting is held.

    What a killed run had half made is completed first, under this run's journal. A run that was
    not ended when the block is left needs a human; one that was interrupted is open, like a killed
    one, and the next continues it.
    """
    if terms.by_settings:
        orchestration.require_trust()
    now = clock.now()
    run = Recovery(
        orchestration=orchestration,
        run=new_run_id(now),
        started=now,
        journal=None,
        policy=policy_of(orchestration),
        permission=permission,
        request=terms.request,
        flow_run=terms.flow_run,
    )
    if terms.request.rehearsal:  # no lease is needed
        yield run
        return
    with lease.take(orchestration.common, run.run):
        run.killed = unfinished(orchestration)
        run.journal = Journal.open(orchestration.common, run.run)
        run.note(
            "began",
            kind=terms.kind,
            at=now.isoformat(),
            by=made_by(),
            undoes=terms.undoes,
            flow_run=dict(terms.flow_run or {}),
        )
        _keep_configuration(orchestration)
        _take_over(run)
        try:
            if orchestration.held is None:  # else what is owed stays owed
                complete(run)
            yield run
        except Exception:  # what the killed ones owe is still owed
            _end_if_open(run)
            raise
        # Ctrl-C and a cancellation are no Exception: a run they end stays open, as a killed one.
        _end_if_open(run)


def made_by() -> dict[str, str]:
    """Say on which machine, by which user and by which version of unjam a run is made."""
    return {"machine": machine.shown(), "user": surroundings.user(), "version": __version__}


def _keep_configuration(orchestration: Orchestration) -> None:
    """Keep a copy of Git's configuration: of all files it is the one that nothing else tells of."""
    kept = kept_config(orchestration.common)
    damaged = {one.damage for one in find_damaged_files(orchestration.common)}
    now = files.content(orchestration.common / "config") if not damaged else None
    if now is not None and now != files.content(kept):
        files.write_atomically(kept, now)


def _take_over(run: Recovery) -> None:
    """Move what earlier versions saved in the repository itself into the vault, where it is private."""
    try:
        moved = take_over(run.orchestration.common)
    except (UnjamError, OSError) as error:
        run.note("not taken over", because=str(error))
        return
    if moved is not None:
        problems = list(moved.problems)
        run.note("taken over", refs=list(moved.refs), erased=moved.erased, problems=problems)


def adopt(run: Recovery, plan: Plan) -> None:
    """Write the plan into the journal: what a killed run owes is read from it."""
    covered = [one for one in plan.steps if run.permission.covers(one.step_class, run.policy)]
    # What is to be reverted first was tried already, and makes the trunk another.
    run.lands = any(isinstance(one, Land) for one in covered) and not any(
        isinstance(one, Revert) for one in covered
    )
    run.note("plan", digest=plan.digest, steps=[to_record(step) for step in plan.steps])


def end(run: Recovery, word: RunWord) -> None:
    """Close the run with its word; what killed predecessors owe is still owed."""
    _note_end(run, word)


def end_with_killed(run: Recovery, word: RunWord) -> None:
    """Close the run and its killed predecessors, whose work it has carried on or taken back."""
    for killed in run.killed:
        _close(run.orchestration, killed, by=run.run)
    _note_end(run, word)


def _end_if_open(run: Recovery) -> None:
    if not run.ended:
        _note_end(run, RunWord.NEEDS_HUMAN)


def _note_end(run: Recovery, word: RunWord) -> None:
    run.note("ended", word=str(word), at=clock.now().isoformat())
    run.ended = True


def _close(orchestration: Orchestration, killed: PastRun, *, by: str) -> None:
    journal = Journal.open(orchestration.common, killed.id)
    journal.append({"event": "ended", "word": "killed", "continued_by": by})
