"""What must hold before a run. See docs/procedures/preflight.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from tasks.assess import survey_before
from tasks.runtime.session import name_of_run, opened


@flow(name="preflight", flow_run_name=name_of_run)
def preflight(repo: Path, config: Path | None = None) -> dict[str, Any]:
    """Check what a run needs: a clean trunk, room, tools, a sound state, an order of work.

    Args:
        repo: Any directory of the repository.
        config: A configuration file other than the repository's own.
    """
    return survey_before(opened(repo, config))
