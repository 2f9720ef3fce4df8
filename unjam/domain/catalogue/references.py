"""What a row of the catalogue names as ``module:name``, imported when it is first asked for."""

import functools
from importlib import import_module
from typing import Any


@functools.cache
def resolved(reference: str) -> Any:
    """Import what is named; a test resolves every row, so that no name leads nowhere."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
