"""Run a flow in this process, on a running Prefect server or on the embedded backend."""

import importlib
import os
from pathlib import Path
from typing import Any

from unjam.settings.prefect import EMBEDDED, QUIET, TUNED

# Read by Prefect when it is imported; what a person has set wins.
os.environ.update({**QUIET, **TUNED, **EMBEDDED, **os.environ})

import prefect.settings
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    temporary_settings,
)

from tasks.runtime.marks import marks
from unjam.domain.world.words import printable
from unjam.engine.running import up_record
from unjam.errors import UsageError

_joined: dict[Any, Any] = {}  # how to reach the server that was found, or started


def warm_up() -> None:
    """Make sure a backend answers; starts the embedded one, which takes seconds."""
    if not PREFECT_API_URL.value() and not _joined and not _join():
        _start_embedded()
    error = _health()
    if error is not None:
        where = PREFECT_API_URL.value() or "the embedded backend"
        raise UsageError(
            f"Prefect does not answer at {where}: {error}; start it or unset PREFECT_API_URL"
        )


def _join() -> bool:
    """Take the `unjam up` of this person, if one runs; two servers would get in each other's way."""
    way_in = up_record.way_in()
    if way_in is None:
        return False
    _joined.update({getattr(prefect.settings, name): value for name, value in way_in.items()})
    if _health() is not None:  # it is about to end
        _joined.clear()
    return bool(_joined)


def _health() -> Exception | None:
    with temporary_settings(_joined), get_client(sync_client=True) as client:
        return client.api_healthcheck()


def _start_embedded() -> None:
    from tasks.runtime.embedded_server import start_embedded_server

    try:
        _joined[PREFECT_API_URL] = start_embedded_server()
    except RuntimeError as error:
        raise UsageError(
            f"Prefect's embedded backend did not start: {error} Look at {PREFECT_HOME.value()} "
            "(PREFECT_HOME), or start a server and set PREFECT_API_URL"
        ) from error


def run_flow(entry: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run ``flows.module:name``; its heartbeat thread would cost a second and watch nothing here."""
    module, _, name = entry.partition(":")
    flow = getattr(importlib.import_module(module), name)
    repo = printable(Path(parameters["repo"]).name)
    ours = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, **_joined}
    with temporary_settings(ours), tags("unjam", name, repo, *marks()):
        document: dict[str, Any] = flow(**parameters)
    return document
