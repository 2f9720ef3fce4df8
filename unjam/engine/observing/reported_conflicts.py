"""Read back what a person was told of a conflict; kept apart for import time."""

from unjam.adapters import files
from unjam.domain.scenarios.shared.conflict_page import PageHead, page_head
from unjam.domain.world.conflicts import page_name
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import is_usable_id
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError

MARKERS = "conflict markers"


def reported_conflict(orchestration: Orchestration, workstream: WorkstreamId) -> PageHead | None:
    """Return what the page of a workstream is about; None where there is none of ours."""
    if not is_usable_id(workstream):
        return None
    try:
        page = files.content(orchestration.primary / page_name(workstream))
    except UnjamError:
        return None
    return page_head(page) if page is not None else None
