"""Run a flow in this process, on a running Prefect server or on the embedded backend."""

import importlib
import os
from pathlib import Path
from typing import Any

# Read by Prefect when it is imported. Nothing is sent outside; the embedded SQLite answers 503
# under light load unless the task-run recorder writes in batches (research: 12 → 1 per 16 runs).
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_CLIENT_CSRF_SUPPORT_ENABLED", "false")
os.environ.setdefault("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE", "100")
os.environ.setdefault("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
# What a flow raises reaches whoever called it, and is said there, once.
os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")

from prefect import tags
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    temporary_settings,
)

from unjam.domain.words import printable
from unjam.errors import UsageError


def warm_up() -> None:
    """Make sure a backend answers; starts the embedded one, which takes seconds."""
    if not PREFECT_API_URL.value():
        _start_embedded()
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    if error is not None:
        where = PREFECT_API_URL.value() or "the embedded backend"
        raise UsageError(
            f"Prefect does not answer at {where}: {error}; start it or unset PREFECT_API_URL"
        )


def _start_embedded() -> None:
    from tasks.embedded import EmbeddedServer

    try:
        EmbeddedServer().start()
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
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), tags(name, repo):
        document: dict[str, Any] = flow(**parameters)
    return document
