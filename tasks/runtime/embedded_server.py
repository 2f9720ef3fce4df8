"""The server that a run without one starts for itself.

Prefect's own way to it imports all of the server into whoever starts it: two seconds of each run, before
the server even begins to do the same.
"""

import atexit
import os
import socket
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

import prefect
from prefect.settings import (
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    get_current_settings,
)

from unjam.adapters.processes.running.companion import Companion, end_companion, start_companion

_APPLICATION = "prefect.server.api.server:create_app"
_OURS = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
_PATIENCE = 5.0  # seconds for an answer
_LOOK = 0.1  # seconds between two questions whether it answers


def start_embedded_server() -> str:
    """Start it and return the address of its API; raises RuntimeError where it does not come to answer.

    It ends with this process, however that ends.
    """
    port = _free_port()
    server = _run(port)
    atexit.register(end_companion, server)
    end = time.monotonic() + PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value()
    while not _answers(port):
        if (status := server.poll()) is not None:
            raise RuntimeError(f"its process ended with status {status}.")
        if time.monotonic() > end:
            raise RuntimeError("it does not answer.")
        time.sleep(_LOOK)
    return f"http://127.0.0.1:{port}/api"


def _run(port: int) -> Companion:
    # Left to itself, uvicorn would import from the current directory first.
    place = ("--app-dir", str(prefect.__module_path__.parent))
    application = ("--factory", _APPLICATION, "--lifespan", "on")
    address = ("--host", "127.0.0.1", "--port", str(port), "--log-level", "error")
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    return start_companion(
        "uvicorn", *place, *application, *address, environment={**os.environ, **_OURS, **settings}
    )


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
