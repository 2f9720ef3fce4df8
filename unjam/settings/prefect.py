"""What Prefect is told by its environment, which it reads when it is imported."""

from collections.abc import Mapping

# Nothing is sent outside.
QUIET: Mapping[str, str] = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
# The embedded SQLite answers 503 under light load unless the task-run recorder writes in batches
# (measured: 12 → 1 per 16 runs).
TUNED: Mapping[str, str] = {
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}
# Of a server that people look at, and of the flow runs beside it.
SERVED: Mapping[str, str] = {
    # From wherever the page came, under whichever name: no other origin is asked.
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # Else a run that waits for its turn looks for it only every half a minute, and a new one is seen late.
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "3",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    # Flow runs log to the server; a file beside it would only grow.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
}
# Of the backend that a command starts for itself.
EMBEDDED: Mapping[str, str] = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # What a flow raises reaches whoever called it, and is said there, once.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
