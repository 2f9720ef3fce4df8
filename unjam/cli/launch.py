"""Start a flow from the command line: the only way from here to Prefect.

The application (``flows``, ``tasks``) is put first on ``sys.path``, which is what Prefect does with
a file entrypoint: below the package when installed, beside it in a checkout.
"""

import importlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


def application_root() -> Path:
    """Return the directory that holds ``flows`` and ``tasks``."""
    installed = _PACKAGE / "_app"
    return installed if installed.is_dir() else _PACKAGE.parent


class Launcher:
    """Warms Prefect up in the background while the person reads the plan."""

    def __init__(self) -> None:
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._warm_up, daemon=True)

    def start(self) -> "Launcher":
        """Begin importing Prefect and starting its backend.

        From here on the current directory is the root. Prefect takes settings from files in it, a
        logging configuration that calls whatever it names among them, and it may be an agent's.
        """
        os.chdir(os.sep)
        self._thread.start()
        return self

    def run(self, entry: str, **parameters: Any) -> dict[str, Any]:
        """Run a flow here and return its document; raises what the flow or the warming up raised."""
        self.wait()
        document: dict[str, Any] = _backend().run_flow(entry, parameters)
        return document

    def wait(self) -> None:
        """Wait until it is warm; raises what the warming up raised."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _warm_up(self) -> None:
        try:
            _backend().warm_up()
        except BaseException as error:  # noqa: BLE001 -- carried over to the thread that waits
            self._failure = error


def _backend() -> Any:
    root = str(application_root())
    if root not in sys.path:
        sys.path.insert(0, root)
    return importlib.import_module("tasks.runtime.backend")
