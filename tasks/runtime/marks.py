"""Tags that say of a flow run where, by whom and by which version of unjam it is carried out."""

from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from unjam.domain.world.words import printable
from unjam.engine.running.session import made_by


def marks() -> list[str]:
    """Return the tags: ``machine:…``, ``user:…`` and ``unjam:…``."""
    by = made_by()
    told = {"machine": by["machine"], "user": by["user"], "unjam": by["version"]}
    return [printable(f"{what}:{name}") for what, name in told.items()]


def mark() -> None:
    """Tag this flow run; one that was asked for by the API or in the UI does not know where it runs."""
    known, ours = set(flow_run.tags or ()), set(marks())
    if flow_run.id and not ours <= known:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run.id), tags=[*known, *ours])
