"""The watch: look at repositories, tell what is new, start the recoveries that the policy allows."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.futures import wait
from prefect.runtime import flow_run

from tasks.runtime.dead_runs import close_the_dead
from tasks.runtime.missed_looks import leave_out_the_missed
from tasks.runtime.watch import key_of_watch, look, look_rows, name_of_watch, sign_of, start, tell
from unjam.engine.running.watched_repositories import repositories_in


@flow(name="detect", flow_run_name=name_of_watch)
def detect(
    repos: list[Path] | None = None,
    every: timedelta = timedelta(minutes=5),
    recover: bool = True,  # noqa: FBT001, FBT002 -- a flow's parameters are the fields of a form
    config: Path | None = None,
) -> dict[str, Any]:
    """Look at repositories at once, tell what is new, and start the recovery that each needs.

    Args:
        repos: Repositories, or files that list them, a line each; empty means what UNJAM_REPOS names on this machine.
        every: How often this is run; a watch that has missed two looks is late, and `unjam check` says so.
        recover: Start recoveries; else only look and tell.
        config: A configuration file other than the repositories' own.
    """
    named = repos or [
        Path(one) for one in os.environ.get("UNJAM_REPOS", "").split(os.pathsep) if one
    ]
    if flow_run.id:
        leave_out_the_missed(UUID(flow_run.id))
    close_the_dead()
    looks = [look.submit(repo, every, config) for repo in repositories_in(named, config)]
    wait(looks)
    done = []
    for seen in (one.result() for one in looks):
        tell(seen)
        done.append((seen, start(seen, config) if recover and seen.scenarios else None))
    rows = look_rows(done, only_looked=not recover)
    create_table_artifact(rows, key=key_of_watch(), description=sign_of(every))
    return {"schema": 1, "repositories": rows}
