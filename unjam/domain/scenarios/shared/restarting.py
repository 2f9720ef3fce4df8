"""Whether the orchestrator is to be started again after a recovery, and with which words."""

from collections.abc import Set as AbstractSet

from unjam.domain.steps.policy import Policy
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import rows_not_known
from unjam.domain.world.naming import is_usable_id, shown
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.words import first_few
from unjam.domain.world.workstream import unfinished_elsewhere

Chosen = frozenset[WorkstreamId] | None  # None: all

_PLACEHOLDER = "{workstreams}"
_SETTLED = (
    Status.UNKNOWN,
    Status.COMPLETED,
    Status.RUNNING,
    Status.CONFLICT,
    Status.REVERTED,
    Status.DISCARDED,
    Status.BLOCKED,
)
_SHOWN = 5  # names in a line
_WAITING = (Status.PENDING, Status.FAILED)


def left_to_run(
    snapshot: Snapshot, chosen: Chosen, retried: AbstractSet[WorkstreamId]
) -> frozenset[WorkstreamId]:
    """Name what a restarted orchestrator would take up: ordered, waiting, or failed just now."""
    rows = snapshot.state.rows
    settled = {row.workstream for row in rows if row.status in _SETTLED}
    waiting = {row.workstream for row in rows if row.status in _WAITING}
    ordered = {spec.workstream for spec in snapshot.specs}
    left = frozenset(retried | waiting | (ordered - settled))
    return left if chosen is None else left & chosen


def resume_command(policy: Policy, snapshot: Snapshot, chosen: Chosen) -> tuple[str, ...]:
    """Return the command that resumes all of them, or the chosen ones; empty when there is none.

    For all, words that name workstreams are left out. For some, the command must be able to name
    them, and no other may be in the way: the orchestrator would wait for a row that says running.
    """
    if unfinished_elsewhere(snapshot):  # an orchestrator that is not here may be at work
        return ()
    if rows_not_known(snapshot):  # what it would do of them, and of what lies there, nobody knows
        return ()
    if chosen is None:
        return tuple(word for word in policy.resume if _PLACEHOLDER not in word)
    nameable = any(_PLACEHOLDER in word for word in policy.resume)
    nameable = nameable and all(is_usable_id(one) for one in chosen)
    running = {row.workstream for row in snapshot.state.rows if row.status == Status.RUNNING}
    if not nameable or running - chosen:
        return ()
    named = ",".join(sorted(chosen))
    return tuple(word.replace(_PLACEHOLDER, named) for word in policy.resume)


def workstreams_in_words(workstreams: AbstractSet[WorkstreamId]) -> str:
    """Name the first few."""
    return first_few([shown(one) for one in sorted(workstreams)], _SHOWN)
