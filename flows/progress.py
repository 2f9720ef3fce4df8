"""How fast it goes and when it will be done. See docs/procedures/progress.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from tasks.assess import survey_progress
from tasks.runtime.session import name_of_run, opened


@flow(name="progress", flow_run_name=name_of_run)
def progress(repo: Path, config: Path | None = None) -> dict[str, Any]:
    """Tell the progress of an orchestration: counts, rates, who is late, and when it will be done.

    Args:
        repo: Any directory of the repository.
        config: A configuration file other than the repository's own.
    """
    return survey_progress(opened(repo, config))
