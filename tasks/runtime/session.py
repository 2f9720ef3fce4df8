"""The frame around a recovery: the lease, the journal, and the link to Prefect's run history."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.runtime import deployment, flow_run
from prefect.states import Crashed
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from tasks.runtime.marks import mark
from tasks.runtime.states import Ending, state_of_run
from unjam.adapters import machine
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.steps.outcome import Outcome
from unjam.domain.steps.plan import Step
from unjam.domain.steps.policy import StepClass
from unjam.domain.steps.request import EVERYTHING, Request, workstreams_named
from unjam.domain.world.identity import Scenario
from unjam.domain.world.words import printable
from unjam.engine.acts.carry_out import give_up
from unjam.engine.acts.recovery import Permission, Recovery
from unjam.engine.keeping.past_runs import PastRun, last_told
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.engine.running.prepare import whoever
from unjam.engine.running.session import Terms, session
from unjam.errors import UnjamError


def _known(name: str) -> str:
    if name not in SCENARIOS:
        raise ValueError(f"unknown scenario; known: {', '.join(SCENARIOS)}")
    return name


# In a form, a choice of all there are.
KnownScenario = Annotated[
    Scenario,
    AfterValidator(_known),
    WithJsonSchema({"type": "string", "enum": list(SCENARIOS)}),
]


class Approval(BaseModel):
    """What a person allows beyond the policy."""

    everything: bool = Field(
        default=False, description="Go ahead with every step that the policy would ask about."
    )
    classes: list[StepClass] = Field(
        default_factory=list, description="Go ahead with steps of these classes."
    )
    plan: str | None = Field(
        default=None, description="The digest of the plan that was seen; another plan is refused."
    )

    def permission(self) -> Permission:
        """Say it in the engine's words."""
        return Permission(self.everything, frozenset(self.classes), self.plan)


def name_of_run() -> str:
    """Name a flow run by its flow, its repository, its workstreams and its machine."""
    given = flow_run.parameters
    named = ",".join(given.get("workstreams") or ())
    repo = Path(given["repo"]).resolve().name
    words = (flow_run.flow_name, repo, named, "on", machine.shown())
    return printable(" ".join(part for part in words if part))


@contextmanager
def recovery(
    orchestration: Orchestration,
    request: Request = EVERYTHING,
    approval: Approval | None = None,
    *,
    undoes: str | None = None,
) -> Iterator[Recovery]:
    """Hold the lease for one run and tie it to this flow run; a killed run's flow run is closed."""
    permission = (approval or Approval()).permission()
    terms = Terms(str(flow_run.flow_name), request, undoes, _flow_run())
    with session(orchestration, terms, permission) as run:
        for killed in run.killed:
            because = "unjam was killed; a later run continued its work"
            _close_flow_run(killed, Crashed(message=because))
        ended = None if request.rehearsal else last_told(orchestration)
        if ended is not None:
            _close_flow_run(
                ended, state_of_run(str(ended.word), f"{ended.word}; then unjam was killed")
            )
        yield run


def opened(repo: Path, config: Path | None) -> Orchestration:
    """Find and configure the orchestration a flow is about; the flow run is marked as made here."""
    mark()
    # A deployment's configuration file is named once, and read whenever it runs.
    return open_orchestration(repo, config, standing=deployment.id is not None)


def requested(
    *scenarios: str,
    workstreams: list[str] | None = None,
    discard: list[str] | None = None,
    elsewhere: list[str] | None = None,
    vacuum: bool = False,
    dry_run: bool = False,
) -> Request:
    """Read a flow's form; who says it is named at a terminal, else it is whoever started the flow run."""
    return Request(
        scenarios=tuple(map(Scenario, scenarios)),
        workstreams=workstreams_named(workstreams or elsewhere) or None,
        discard=workstreams_named(discard),
        elsewhere=workstreams_named(elsewhere),
        said_by=printable(_whoever()) if elsewhere else "",
        vacuum=vacuum,
        rehearsal=dry_run,
    )


def _whoever() -> str:
    return f"whoever started flow run {flow_run.name}" if deployment.id else whoever()


def settled(run: Recovery, step: Step, state: State[tuple[Outcome, ...]]) -> None:
    """Turn a step that failed for good into an outcome, so that the run goes on to the next."""
    if not isinstance(state, Ending) and not state.is_completed():
        give_up(run, step, _why(state))


def _why(state: State[Any]) -> str:
    """Return what was said of a failure; the backend's message has its own words around it."""
    found = state.result(raise_on_failure=False)
    if isinstance(found, UnjamError):
        return str(found) or "it failed"
    if isinstance(found, Exception):
        return f"unjam did not expect this ({type(found).__name__}): {found}"
    return state.message or "it failed"


def _flow_run() -> dict[str, str]:
    return {"id": str(flow_run.id), "name": printable(str(flow_run.name))}


def _close_flow_run(past: PastRun, state: State[Any]) -> None:
    """Give the flow run of an earlier run its last state, if a kill has kept it from one."""
    if past.flow_run is None:
        return
    with get_client(sync_client=True) as client:
        try:
            known = client.read_flow_run(UUID(past.flow_run[0]))
            if known.state is None or not known.state.is_final():
                client.set_flow_run_state(known.id, state, force=True)
        except (ObjectNotFound, ValueError):
            get_run_logger().info("flow run %s was recorded by another backend", past.flow_run[0])
