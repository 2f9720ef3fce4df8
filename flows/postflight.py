"""What must hold after a run. See docs/procedures/postflight.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from tasks.assess import survey_after
from tasks.runtime.session import name_of_run, opened


@flow(name="postflight", flow_run_name=name_of_run)
def postflight(
    repo: Path,
    verify: bool = True,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    config: Path | None = None,
) -> dict[str, Any]:
    """Check what a run has left: everything landed, verified and pushed, nothing lying about.

    Args:
        repo: Any directory of the repository.
        verify: Run the verify command on the trunk.
        config: A configuration file other than the repository's own.
    """
    return survey_after(opened(repo, config), verify)
