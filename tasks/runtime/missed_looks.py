"""Leave out the looks that were due while no watch ran: one look now sees all they could have seen."""

from uuid import UUID

from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled

from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.adapters import clock

PLANNED = "auto-scheduled"  # Prefect's tag of what a schedule asked for
_BECAUSE = "left out: a later look has taken its place"


@task(task_run_name="leave out what was missed", **RETRY_TRANSIENT)
def leave_out_the_missed(look: UUID) -> int:
    """Cancel the looks of the same schedule that are due by now, and count them.

    Prefect makes up for every run of a schedule, one after the other: after a night without a
    watch that is hundreds. A look that somebody asked for is carried out.
    """
    with get_client(sync_client=True) as client:
        own = client.read_flow_run(look)
        if own.deployment_id is None or PLANNED not in own.tags:
            return 0
        missed = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[own.deployment_id])),
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[PLANNED]),
                state=FlowRunFilterState(
                    type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]),
                ),
                expected_start_time=FlowRunFilterExpectedStartTime.model_validate(
                    {"before_": clock.now()}
                ),
            ),
        )
        for one in missed:
            client.set_flow_run_state(one.id, Cancelled(message=_BECAUSE))
    return len(missed)
