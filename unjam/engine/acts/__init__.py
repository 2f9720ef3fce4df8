"""How each kind of step is carried out. Everything that changes anything goes through the door."""

from collections.abc import Mapping
from typing import Any

from unjam.domain.plan import (
    Abort,
    Land,
    MoveLock,
    Push,
    Record,
    RemoveBranch,
    RemoveWorktree,
    Restart,
    ReturnPrimary,
    Salvage,
    Step,
    Stop,
)
from unjam.engine.acts.clean import remove_branch, remove_worktree
from unjam.engine.acts.land import land, push
from unjam.engine.acts.record import record
from unjam.engine.acts.repair import abort, move_lock, return_primary
from unjam.engine.acts.restart import restart
from unjam.engine.acts.salvage import salvage
from unjam.engine.acts.stop import stop

ACTS: Mapping[type[Step], Any] = {
    Stop: stop,
    Salvage: salvage,
    MoveLock: move_lock,
    Abort: abort,
    Land: land,
    Push: push,
    Record: record,
    RemoveWorktree: remove_worktree,
    RemoveBranch: remove_branch,
    ReturnPrimary: return_primary,
    Restart: restart,
}
