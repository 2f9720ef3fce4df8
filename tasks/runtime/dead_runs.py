"""Close the flow runs of this machine whose process is gone: nobody else would ever tell Prefect."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from prefect import get_run_logger, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Cancelled, Crashed

from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.adapters import clock, machine
from unjam.adapters.processes.looking.flow_runs import may_be_carried_out
from unjam.domain.world.words import printable

# A run that waits for its turn, its time or an answer needs no process.
_AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_STARTING = timedelta(minutes=2)  # from being taken by a runner to being a process
_BECAUSE = "its process is gone; what it had begun is continued by the next recovery"


@task(task_run_name="close what died", **RETRY_TRANSIENT)
def close_the_dead() -> list[str]:
    """Close every flow run of ours that no process carries out any more; returns their names.

    Only those of the work queue that this run came from: a queue stands for a machine, and nobody
    sees the processes of another.
    """
    closed = []
    with get_client(sync_client=True) as client:
        own = UUID(flow_run.id) if flow_run.id else None
        queue = client.read_flow_run(own).work_queue_id if own else None
        for run in _at_work(client):
            if run.work_queue_id == queue and run.id != own and _is_dead(client, run):
                client.set_flow_run_state(run.id, _end_of(run), force=True)
                closed.append(printable(run.name))
    for name in closed:
        get_run_logger().warning("%s: %s", name, _BECAUSE)
    return closed


def _end_of(run: FlowRun) -> State[None]:
    """Say how it ended: what a person had cancelled is cancelled."""
    if run.state is not None and run.state.is_cancelling():
        return Cancelled(message=_BECAUSE)
    return Crashed(message=_BECAUSE)


def _at_work(client: SyncPrefectClient) -> Iterator[FlowRun]:
    """Give the runs of our deployments that ought to have a process here."""
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=["unjam"]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_AT_WORK)),
        )
    )
    # A call from a terminal has no deployment: its journal tells the next recovery that it died.
    yield from (one for one in found if one.deployment_id is not None and _is_here(one))


def _is_here(run: FlowRun) -> bool:
    """Tell a run of a repository of this machine; another may have a clone at the same place."""
    repo = run.parameters.get("repo")
    if not isinstance(repo, str):
        return True
    marks = [one for one in run.tags if one.startswith("repository:")]
    return Path(repo).is_dir() and marks in ([], [f"repository:{machine.mark(Path(repo))}"])


def _is_dead(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Tell whether it is at work in name only; it may have ended while we looked."""
    if run.state is None or may_be_carried_out(str(run.id)):
        return False
    is_starting = run.state.type is StateType.PENDING or run.start_time is None
    if is_starting and clock.now() - run.state.timestamp < _STARTING:
        return False
    with suppress(ObjectNotFound):
        now = client.read_flow_run(run.id).state
        return now is not None and now.id == run.state.id
    return False
