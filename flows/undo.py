"""Take a run back: refs, rows, worktrees and files as before."""

from pathlib import Path
from typing import Any

from prefect import flow

from tasks.runtime.arguments import given_whole
from tasks.runtime.session import name_of_run, opened, recovery
from tasks.runtime.states import ends_in_its_word
from tasks.undo import assess_undo, report_undo, take_back


@flow(name="undo", flow_run_name=name_of_run)
@ends_in_its_word
def undo(repo: Path, run: str, config: Path | None = None) -> dict[str, Any]:
    """Take every change of a run back, or nothing where the world has moved on since.

    Args:
        repo: Any directory of the repository.
        run: The run to take back, as `unjam history` names it.
        config: A configuration file other than the repository's own.
    """
    with recovery(opened(repo, config), undoes=run) as this:
        for change in given_whole(assess_undo)(this, run):
            given_whole(take_back)(this, change)
        return given_whole(report_undo)(this, run)
