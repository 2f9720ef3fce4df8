"""When each workstream had its turn, as the orchestrator's log tells."""

from collections.abc import Iterator
from operator import itemgetter

from unjam.adapters.state.read import log_of
from unjam.adapters.state.times import Times
from unjam.domain.world.identity import AgentId, WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.trials import Turn
from unjam.engine.orchestration import Orchestration
from unjam.errors import UsageError

_BEGAN = "started"


def turns_of(orchestration: Orchestration, snapshot: Snapshot) -> tuple[Turn, ...]:
    """Return every attempt that the log knows the begin of; nothing where there is no such log."""
    return tuple(_turns(orchestration, snapshot))


def _turns(orchestration: Orchestration, snapshot: Snapshot) -> Iterator[Turn]:
    scopes = {one.workstream: one.files_scope for one in snapshot.specs}
    times, open_ = Times(), dict[str, Turn]()
    timed = [(times.instant(one.get("timestamp")), one) for one in log_of(orchestration.state)]
    told = [(at, event) for at, event in timed if at is not None]
    for at, event in sorted(told, key=itemgetter(0)):
        name = str(event.get("workstream_id"))
        turn = open_.pop(name, None)
        if turn is not None:
            yield Turn(turn.workstream, turn.branch, turn.began, at, turn.scope)
        if event.get("event_type") == _BEGAN:
            try:
                agent = AgentId(str(event.get("agent_id")))
                branch = orchestration.branch_template.name(WorkstreamId(name), agent)
            except UsageError:
                continue  # names that are none name no branch
            scope = scopes.get(WorkstreamId(name), ())
            open_[name] = Turn(name, f"refs/heads/{branch}", at, None, scope)
    yield from open_.values()
