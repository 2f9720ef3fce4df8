"""Read back what a person was told of a conflict; a check imports nothing that only landings need."""

from unjam.adapters import files
from unjam.domain.scenarios.conflict.find import page_name
from unjam.domain.scenarios.conflict.page import Head, head_of
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import is_usable_id
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError

MARKERS = "conflict markers"


def told_by_page(orchestration: Orchestration, workstream: WorkstreamId) -> Head | None:
    """Return what the page of a workstream is about; None where there is none of ours."""
    if not is_usable_id(workstream):
        return None
    try:
        page = files.content(orchestration.primary / page_name(workstream))
    except UnjamError:
        return None
    return head_of(page) if page is not None else None
