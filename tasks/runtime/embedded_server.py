"""The server that a run without one starts for itself; kept apart for import time, which is seconds."""

import os
from typing import Any

import prefect
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings

from unjam.adapters.processes.running.companion import start_companion


class EmbeddedServer(SubprocessASGIServer):
    """Prefect's temporary server, but one that a SIGKILL of ours does not leave behind for ever.

    Whoever in Prefect asks for the server of this process gets the first that was made.
    """

    def _run_uvicorn_command(self) -> Any:
        # Left to itself, uvicorn would import from the current directory first.
        place = ("--app-dir", str(prefect.__module_path__.parent))
        application = ("--factory", "prefect.server.api.server:create_app", "--lifespan", "on")
        address = ("--host", "127.0.0.1", "--port", str(self.port), "--log-level", "error")
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        ours = {
            "PREFECT_UI_ENABLED": "0",
            "PREFECT__SERVER_EPHEMERAL": "1",
            "PREFECT__SERVER_FINAL": "1",
        }
        environment = {**os.environ, **ours, **settings}
        return start_companion("uvicorn", *place, *application, *address, environment=environment)
