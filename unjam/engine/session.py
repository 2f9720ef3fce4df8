"""Begin, carry on and end a run: the lease around it, its journal, and what a killed run owes."""

from collections.abc import Iterator
from contextlib import contextmanager

from unjam.adapters import clock, lease
from unjam.adapters.journal import Journal, new_run_id
from unjam.domain.outcome import RunWord
from unjam.domain.plan import Plan
from unjam.domain.records import to_record
from unjam.domain.report import word_of
from unjam.domain.snapshot import WorkstreamId
from unjam.engine.history import PastRun, last_unfinished
from unjam.engine.orchestration import Orchestration
from unjam.engine.prepare import policy_of
from unjam.engine.recovery import Permission, Recovery
from unjam.engine.resume import complete


@contextmanager
def session(
    orchestration: Orchestration,
    kind: str,
    permission: Permission,
    *,
    workstreams: frozenset[WorkstreamId] | None = None,
    undoes: str | None = None,
) -> Iterator[Recovery]:
    """Hold the lease for one run; raises RefusedError while another recovery is at work.

    What a killed run had half made is completed first, under this run's journal. A run that was
    not ended when the block is left has failed.
    """
    now = clock.now()
    run_id = new_run_id(now)
    with lease.take(orchestration.common, run_id):
        killed = last_unfinished(orchestration)
        journal = Journal.open(orchestration.common, run_id)
        run = Recovery(
            orchestration=orchestration,
            run=run_id,
            started=now,
            journal=journal,
            policy=policy_of(orchestration),
            permission=permission,
            workstreams=workstreams,
            killed=killed,
        )
        run.note("began", kind=kind, at=now.isoformat(), undoes=undoes)
        try:
            if killed is not None:
                complete(run, killed)
            yield run
        finally:
            if not run.ended:
                end(run, RunWord.NEEDS_HUMAN)


def adopt(run: Recovery, plan: Plan) -> None:
    """Write the plan into the journal: what a killed run owes is read from it."""
    run.note("plan", digest=plan.digest, steps=[to_record(step) for step in plan.steps])


def link(run: Recovery, flow_run: dict[str, str]) -> None:
    """Note which Prefect flow run tells this run's story."""
    run.note("flow run", **flow_run)


def end(run: Recovery, word: RunWord | None = None) -> RunWord:
    """Close the run with its word; a killed predecessor is closed with it."""
    said = word or word_of(run.outcomes, ())
    if run.killed is not None:
        _close(run.orchestration, run.killed, by=run.run)
    run.note("ended", word=str(said), at=clock.now().isoformat())
    run.ended = True
    return said


def _close(orchestration: Orchestration, killed: PastRun, *, by: str) -> None:
    journal = Journal.open(orchestration.common, killed.id)
    journal.append({"event": "ended", "word": "killed", "continued_by": by})
