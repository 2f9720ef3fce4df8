"""Report: what was found, done and kept, as a document and as artifacts in the Prefect UI."""

from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from tasks.runtime.retry import RETRY_TRANSIENT
from unjam.adapters.machine import key
from unjam.domain.catalogue.scenarios import picture_of
from unjam.domain.graphs.svg import as_data_url
from unjam.domain.reports.check_report import Document
from unjam.domain.reports.markdown import agents_of, report_page, workstream_table
from unjam.domain.reports.run_picture import picture_of_run
from unjam.domain.world.finding import Finding
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.acts.recovery import Recovery
from unjam.engine.running.prepare import Prepared
from unjam.engine.telling.run_report import close, described


@task(task_run_name="report", **RETRY_TRANSIENT)
def report(
    run: Recovery, prepared: Prepared, after: tuple[Finding, ...] | None = None
) -> dict[str, Any]:
    """Publish the report and end the run with its word; the document is what ``--json`` prints.

    The end comes last: whoever kills us before it finds an open run, and closes its flow run.
    """
    document = described(run, prepared, after)
    repo = run.orchestration.primary
    create_markdown_artifact(
        report_page(document), key=key("report", repo), description=document["word"]
    )
    create_table_artifact(
        workstream_table(prepared.snapshot, document, run.request.workstreams),
        key=key("workstreams", repo),
        description="each workstream, and what came of it",
    )
    agents = agents_of(prepared.snapshot)
    if agents:
        create_table_artifact(
            agents, key=key("agents", repo), description="agents that were watched"
        )
    _pictures(prepared.snapshot, document, repo)
    close(run, document)
    return document


def _pictures(snapshot: Snapshot, document: Document, repo: Path) -> None:
    pictures = {
        "dependencies": (picture_of(snapshot), "who waited for whom in vain"),
        "run": (picture_of_run(document), "what was done for each workstream"),
    }
    for kind, (picture, about) in pictures.items():
        if picture:
            create_image_artifact(as_data_url(picture), key=key(kind, repo), description=about)
