"""A reset from its preview to its proof; what it does, step by step, is in ``acts.reset``."""

from pathlib import Path

from unjam.adapters import files, lease
from unjam.adapters.state.rows.empty import database_files
from unjam.domain.catalogue.scenarios import Need, to_type
from unjam.domain.scenarios.reset.plan import Remains, left_to_reset, plan_reset
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.policy import Policy
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.reset import logs_to_move
from unjam.engine.keeping.past_runs import PastRun, unfinished
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.prepare import Prepared, owed_by, policy_of
from unjam.errors import RefusedError

_LEFT = (StepWord.REFUSED, StepWord.FAILED)


def preview_reset(orchestration: Orchestration) -> tuple[Prepared, Policy, bool]:
    """Plan as a reset would, without beginning one; also tell whether a killed run is still open.

    Raises RefusedError while a recovery is at work, a setting is held, or the trunk cannot be relied on.
    """
    orchestration.require_trust()
    at_work = lease.holder(orchestration.common)
    if at_work is not None:
        raise RefusedError(f"another recovery is at work: {at_work}")
    policy, killed = policy_of(orchestration), unfinished(orchestration)
    prepared = _prepared(orchestration, observe(orchestration), policy, killed)
    return prepared, policy, bool(killed)


def prepare_reset(run: Recovery) -> Prepared:
    """Observe and plan a reset; raises RefusedError while the trunk cannot be relied on."""
    return _prepared(run.orchestration, observe(run.orchestration), run.policy, run.killed)


def refuse_unless_named(orchestration: Orchestration, name: str) -> None:
    """Raise RefusedError unless this is the repository a person means to reset."""
    if name != orchestration.primary.name:
        raise RefusedError(
            f"this repository's name is {orchestration.primary.name!r}, not {name!r}; "
            "nothing was changed"
        )


def verify_reset(run: Recovery) -> tuple[Outcome, ...]:
    """Look afresh: what a reset would still do has not been done, whatever its step said."""
    told = {(one.step, one.subject) for one in run.outcomes if one.word in _LEFT}
    seen = observe(run.orchestration)
    _refuse_damaged(seen)
    left = left_to_reset(seen, _remains(run.orchestration, seen), run.policy).steps
    kept = {step.workstream for step in left if (step.verb, step.subject) in told}
    return run.settle(
        tuple(
            outcome(step, StepWord.FAILED, "a fresh look still finds it")
            for step in left
            if (step.verb, step.subject) not in told and step.workstream not in kept - {None}
        )
    )


def _prepared(
    orchestration: Orchestration, snapshot: Snapshot, policy: Policy, killed: tuple[PastRun, ...]
) -> Prepared:
    _refuse_damaged(snapshot)
    remains = _remains(orchestration, snapshot)
    return Prepared(snapshot, (), plan_reset(snapshot, remains, policy, owed_by(killed)))


def _refuse_damaged(snapshot: Snapshot) -> None:
    if snapshot.trunk_damaged:
        raise RefusedError(
            f"{snapshot.trunk_name} is damaged, and is all that a reset keeps: "
            f"first {to_type('recover', Need.OBJECTS)}"
        )


def _remains(orchestration: Orchestration, snapshot: Snapshot) -> Remains:
    return Remains(
        worktrees=orchestration.below(orchestration.settings.orchestration.worktrees),
        state_files=sum(map(files.exists, _state_files(orchestration))),
        logs=len(tuple(logs_to_move(orchestration))),
        lost=frozenset(
            one.ref
            for one in snapshot.lost_branches
            if orchestration.branch_template.owner(one.ref) is not None
        ),
    )


def _state_files(orchestration: Orchestration) -> tuple[Path, ...]:
    return database_files(orchestration.state)
