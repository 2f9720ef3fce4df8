"""Watch: look at one repository, tell what is new, and start the recovery it needs."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from prefect import get_run_logger, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.runtime import flow_run

from tasks.runtime.events import tell_of_finding
from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.adapters import clock, machine
from unjam.domain.world.words import printable
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.scheduled_look import Seen, look_as_scheduled
from unjam.engine.running.watch_record import MISSED
from unjam.errors import UnjamError
from unjam.settings.units import written_duration

RECOVERY = "recover/recover"
_UNFINISHED = [
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
]
_TIME = "%Y-%m-%d %H:%M:%S UTC"
_CRASHES = 3  # flow runs that died before they could begin, and are started anew


@task(task_run_name="look at {repo}", **RETRY_TRANSIENT)
def look(repo: Path, every: timedelta, config: Path | None) -> Seen:
    """Look at one repository; what keeps it from being looked at is a fact of this one alone."""
    try:
        seen = look_as_scheduled(open_orchestration(repo, config, standing=True), every)
    except UnjamError as error:
        return Seen(repo, because=printable(str(error)))
    logger = get_run_logger()
    for finding in seen.findings:
        logger.info("%s: %s", printable(repo.name), printable(finding.summary))
    return seen


@task(task_run_name="tell of {seen.repo}", **RETRY_TRANSIENT)
def tell(seen: Seen) -> None:
    """Emit an event for every finding that was not there at the last look."""
    for finding in seen.new:
        tell_of_finding(seen.repo, finding)


@task(task_run_name="start a recovery of {seen.repo}", **RETRY_TRANSIENT)
def start(seen: Seen, config: Path | None) -> FlowRun | None:
    """Start the recovery, unless one of this repository is waiting or at work already."""
    tag = f"repository:{machine.mark(seen.repo)}"
    if _unfinished(tag):
        return None
    for crash in range(_CRASHES):
        made = run_deployment(
            RECOVERY,
            parameters={
                "repo": str(seen.repo),
                "scenarios": [str(one) for one in seen.scenarios],
                "config": str(config) if config else None,
            },
            timeout=0,
            idempotency_key=f"{seen.key}-{crash}",
            tags=[
                tag,
                f"machine:{printable(machine.shown())}",
                printable(seen.repo.name),
                "detected",
            ],
            as_subflow=False,
            work_queue_name=_queue(),
        )
        if not isinstance(made, FlowRun) or made.state is None or not made.state.is_crashed():
            return made if isinstance(made, FlowRun) else None
    return None


def _queue() -> str | None:
    """Name the queue this look was taken from: the repository lies on the machine that serves it."""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(UUID(flow_run.id)).work_queue_name


def _unfinished(tag: str) -> bool:
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[tag]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED)),
            ),
            limit=1,
        )
    return bool(found)


def name_of_watch() -> str:
    """Name a flow run of the watch by its machine: each has its own."""
    return f"detect on {printable(machine.shown())}"


def key_of_watch() -> str:
    """Name the table of this machine's looks."""
    return machine.key("watch")


def sign_of(every: timedelta) -> str:
    """Say when the watch looks, and from when on whoever reads this knows that it has stopped."""
    now = clock.now()
    late = now + every * MISSED
    return (
        f"The watch looked last at {now:{_TIME}}, and looks every {written_duration(every)}. "
        f"**If it is later than {late:{_TIME}}, it is late**: look at the runs of `detect`, and at "
        "`unjam up` or the worker."
    )


def look_rows(
    all_seen: Iterable[tuple[Seen, FlowRun | None]], *, only_looked: bool = False
) -> list[dict[str, str]]:
    """Describe looks as a table."""
    why_not = "only looked at" if only_looked else "a recovery of it waits or is at work already"
    return [
        {
            "repository": printable(str(seen.repo)),
            "found": "nothing" if seen.healthy else str(len(seen.findings)),
            "new": str(len(seen.new)),
            "started": str(run.name) if run and not _has_ended(run) else "",
            "because": printable(seen.because) or _why_not(seen, run, why_not),
        }
        for seen, run in all_seen
    ]


def _why_not(seen: Seen, run: FlowRun | None, why_not: str) -> str:
    if run is not None and _has_ended(run):  # the same was asked for before: it is that run
        ended = run.state.name if run.state else ""
        return f"{run.name} was started for just this, and ended: {ended}"
    return why_not if seen.scenarios and not run else ""


def _has_ended(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()
