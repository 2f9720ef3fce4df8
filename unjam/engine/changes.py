"""Make a change, tell whether it was made, and take it back: the same three for every kind.

The callers are the door and the undo, and nobody else.
"""

from dataclasses import replace
from enum import StrEnum

from unjam.adapters import files
from unjam.adapters.git import checkout, refs, remote, restore
from unjam.adapters.git.command import Git
from unjam.adapters.processes import start, stop
from unjam.adapters.state import write
from unjam.domain.change import (
    AbortOperation,
    Change,
    MoveCheckout,
    MovePath,
    MoveRef,
    PushRef,
    StartProcess,
    StopProcess,
    UpdateRow,
)
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError


class Side(StrEnum):
    """On which side of a change the world is."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"
    ELSEWHERE = "elsewhere"
