"""The emergency: stop everything, save everything, begin with nothing. See docs/procedures/reset.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import cleared
from tasks.archive import archive, verify_archive
from tasks.assess import assess_reset
from tasks.clean import clean
from tasks.repair import repair
from tasks.report import report
from tasks.runtime.session import Approval, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word
from tasks.salvage import salvage, salvage_all
from tasks.stop import stop
from unjam.engine.running.reset import refuse_unless_named


@flow(name="reset", flow_run_name=name_of_run)
@ends_in_its_word
def reset(
    repo: Path,
    name: str,
    dry_run: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    approval: Approval | None = None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Stop every process of an orchestration, move all it has into the vault, and leave it empty.

    Args:
        repo: Any directory of the repository.
        name: The name of the repository's directory, to be sure that it is the one you mean.
        dry_run: Only make the plan.
        approval: The plan that was seen; every class of step is allowed but those that are off.
        config: A configuration file other than the repository's own.
    """
    orchestration = opened(repo, config)
    refuse_unless_named(orchestration, name)
    seen = approval.plan if approval else None
    allowed = Approval(everything=True, plan=seen)
    with recovery(orchestration, requested(dry_run=dry_run), allowed) as run:
        return cleared(
            run,
            assess_reset,
            stop,
            salvage_all,
            salvage,
            archive,
            repair,
            clean,
            verify_archive,
            report,
        )
