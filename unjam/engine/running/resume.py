"""Complete what a killed run had begun and no observation could tell from a person's work.

Everything else needs no resuming: the next run observes afresh and plans what is left to do.
"""

from collections.abc import Iterator
from pathlib import Path

from unjam.adapters import files
from unjam.domain.steps.change import (
    AbortOperation,
    Change,
    MoveCheckout,
    MovePath,
    RestoreCheckout,
    Side,
    SwapState,
)
from unjam.domain.world.lookups import lock_at
from unjam.domain.world.truth import Truth
from unjam.engine.acts.recovery import Recovery
from unjam.engine.acts.salvage import save_now, worktree_of
from unjam.engine.acts.vault_places import lock_place
from unjam.engine.keeping.changes import checkout_name, side_of
from unjam.engine.keeping.past_runs import PastRun
from unjam.errors import TransientError, UnjamError

_TOLD_BY_THE_JOURNAL = MoveCheckout | RestoreCheckout | AbortOperation | SwapState


def complete(run: Recovery) -> None:
    """Finish a half-made move of a checkout, in its own direction; what cannot be, is left to see."""
    if run.killed:
        run.note("continues", runs=[killed.id for killed in run.killed])
    for change in _open_changes(run.killed):
        if isinstance(change, _TOLD_BY_THE_JOURNAL) and _half_made(run, change):
            try:
                if isinstance(change, RestoreCheckout):  # whoever edited it since loses nothing
                    name = checkout_name(run.orchestration, change)
                    save_now(run, worktree_of(name, run.look(name)))
                elif not isinstance(change, SwapState):
                    _clear_index_lock(run, change)
                run.door.make(change, resuming=True)
            except UnjamError as error:
                run.note("not completed", because=str(error))


def _open_changes(killed: tuple[PastRun, ...]) -> Iterator[Change]:
    """Give what was begun and not known to be made, unless a later run made it."""
    for number, past in enumerate(killed):
        made_since = {change for later in killed[number:] for change in later.made}
        yield from (change for change in past.changes if change not in made_since)


def _half_made(run: Recovery, change: Change) -> bool:
    if isinstance(change, AbortOperation):
        seen = run.look(checkout_name(run.orchestration, change))
        trees = {tree.admin: tree for tree in (seen.primary, *seen.worktrees)}
        return change.admin in trees and trees[change.admin].operation is change.operation
    side = side_of(run.orchestration, change)[0]
    # Between the two a rewritten checkout is as neither salvage saw it.
    return side is Side.BETWEEN or (isinstance(change, RestoreCheckout) and side is Side.ELSEWHERE)


def _clear_index_lock(run: Recovery, change: MoveCheckout | AbortOperation) -> None:
    """Move away the index lock that the killed run's own Git left; a living one is waited for."""
    path = Path(change.admin) / "index.lock"
    if not files.exists(path):
        return
    lock = lock_at(path, run.look(""))
    if lock is None or lock.stale is not Truth.YES:
        because = "it was not there a moment ago" if lock is None else lock.because
        raise TransientError(f"{path} may be in use: {because}")
    target = lock_place(run, Path(path))
    run.door.make(MovePath(path, target))
