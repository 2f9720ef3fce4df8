"""Start a part of us as a process of its own, which needs nothing installed and outlives us."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from unjam.adapters.processes.table import has_proc

_ROOT = Path(__file__).parents[3]
_LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_CODE = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from unjam.adapters.processes.{module} import main; main()"
)


def helper_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``main`` of a module of this package."""
    # -I: neither the current directory, which may be an agent's, nor PYTHONPATH decides what runs.
    # -S saves half of its start; only where psutil is needed, site-packages are.
    flags = ("-I", "-S") if has_proc() else ("-I",)
    return _command(flags, module, arguments)


def companion_command(module: str, *arguments: str) -> list[str]:
    """Return the same for a helper that needs what is installed, wherever PYTHONPATH says it is."""
    # -P: the current directory may be an agent's, who could have left a module for us there.
    return _command(("-P",), module, arguments)


def _command(flags: Sequence[str], module: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, *flags, "-c", _CODE.format(module=module), str(_ROOT), *arguments]


def helper_environment() -> dict[str, str]:
    """Return all a helper may know of our environment: where the interpreter's own libraries are."""
    return {name: os.environ[name] for name in _LIBRARIES if name in os.environ}
