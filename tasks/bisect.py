"""Bisect: run the trunk's tests, and find the landed work that broke them; changes nothing."""

import base64
from pathlib import Path
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tasks.runtime.retry import RETRY_TRANSIENT
from tasks.runtime.trial_runner import carrier
from unjam.adapters.machine import key
from unjam.domain.reports.culprit_page import search_picture, search_table
from unjam.domain.world.trials import TrunkTests
from unjam.domain.world.words import printable
from unjam.engine.culprits.investigate import known_tests
from unjam.engine.culprits.search import SearchProgress
from unjam.engine.orchestration import Orchestration


@task(task_run_name="bisect", **RETRY_TRANSIENT)
def bisect(orchestration: Orchestration) -> TrunkTests:
    """Bring on record what the tests say of the trunk, and show the search while it runs."""
    repo = orchestration.primary
    shown = _Shown(repo)
    with carrier(orchestration) as carry:
        found = known_tests(orchestration, shown.tell, carry)
    if any(one.heard for one in found.cases):
        picture = base64.b64encode(search_picture(found).encode()).decode()
        page = f"![units and verdicts](data:image/svg+xml;base64,{picture})"
        create_markdown_artifact(page, key=key("culprit-search", repo), description=found.said)
        create_table_artifact(search_table(found), key=key("culprit-trials", repo))
    return found


class _Shown:
    """The progress of a search, in the log and as an artifact that grows."""

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._log = get_run_logger()
        self._artifact: UUID | None = None

    def tell(self, progress: SearchProgress) -> None:
        """Show it; a picture that cannot be shown stops no search."""
        self._log.info(printable(progress.sentence))
        if progress.interval is None and self._artifact is None:
            return
        share = 100.0 * progress.runs / max(1, progress.runs + progress.left)
        if self._artifact is None:
            made = create_progress_artifact(
                share, key=key("culprit-progress", self._repo), description=progress.sentence
            )
            self._artifact = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(self._artifact, share, description=progress.sentence)
