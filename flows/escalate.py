"""Hand what is found over to a person. See docs/procedures/escalate.md."""

from pathlib import Path
from typing import Any

from prefect import flow

from tasks.escalate import call_person
from tasks.runtime.session import KnownScenario, name_of_run, opened, recovery, requested
from tasks.runtime.states import ends_in_its_word


@flow(name="escalate", flow_run_name=name_of_run)
@ends_in_its_word
def escalate(
    repo: Path,
    scenarios: list[KnownScenario] | None = None,
    again: bool = False,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    config: Path | None = None,
) -> dict[str, Any]:
    """Write a bundle of everything a person needs, without secrets, and call him; once for a failure.

    Args:
        repo: Any directory of the repository.
        scenarios: Escalate only these; empty means everything that is found.
        again: Escalate even what a person was called for before.
        config: A configuration file other than the repository's own.
    """
    with recovery(opened(repo, config), requested(*(scenarios or ()))) as run:
        return call_person(run, again)
