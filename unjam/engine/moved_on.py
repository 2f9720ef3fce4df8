"""Whether the world is still as a run left it: only then can the run be taken back."""

from collections.abc import Iterator
from pathlib import Path, PurePath

from unjam.adapters.git import refs
from unjam.adapters.git.moving import checkout
from unjam.adapters.git.salvaging.restore import differing
from unjam.domain.change import (
    AbortOperation,
    Change,
    MoveCheckout,
    MovePath,
    MoveRef,
    UpdateRow,
    WriteFile,
)
from unjam.domain.snapshot import Truth, Worktree
from unjam.engine.changes import Side, inverse, row_in_words, side_of
from unjam.engine.history import unfinished
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError

RESTORING = "restoring"  # the event of a journal: an operation is being brought back


def refuse_if_moved_on(
    orchestration: Orchestration, changes: tuple[Change, ...], trees: tuple[Worktree, ...]
) -> None:
    """Raise RefusedError, naming both sides, if anything is neither as before nor as after.

    Then, too, where a person's edits are in the way: nothing is taken back by halves.
    """
    moved: list[str] = []
    hidden: set[PurePath] = set()
    for change in changes:
        if not _is_below(_paths(change), hidden):
            moved.extend(_elsewhere(orchestration, change))
        if isinstance(change, AbortOperation):
            for tree in trees:
                if tree.admin == change.admin:
                    moved.extend(_edited(orchestration, change, tree))
        # What it put there hides what an older change of the run left, until it is taken back.
        if _paths(change) and side_of(orchestration, change)[0] is Side.AFTER:
            hidden |= _paths(change)
    moved.extend(_taken_up(orchestration, changes))
    if moved:
        raise RefusedError("the world has moved on since: " + "; ".join(moved))


def _paths(change: Change) -> set[PurePath]:
    match change:
        case MovePath(source=source, target=target):
            return {source, target}
        case WriteFile(path=path):
            return {path}
        case _:
            return set()


def _is_below(paths: set[PurePath], places: set[PurePath]) -> bool:
    return any(path.is_relative_to(place) for path in paths for place in places)


def _elsewhere(orchestration: Orchestration, change: Change) -> Iterator[str]:
    side, there = side_of(orchestration, change)
    if side is Side.ELSEWHERE:
        yield f"{there}, and the run left {_left(change)}"
    if side is Side.AFTER and isinstance(change, MoveCheckout):
        back = inverse(change)
        try:
            if isinstance(back, MoveCheckout):
                checkout.refuse_move(back)
        except RefusedError as error:
            yield str(error)


def _taken_up(orchestration: Orchestration, changes: tuple[Change, ...]) -> Iterator[str]:
    """Name branches that would move and that a checkout has come to use since."""
    left = {one.new.ref for one in changes if isinstance(one, MoveCheckout)}
    for change in changes:
        if not isinstance(change, MoveRef) or change.ref in left or change.new is None:
            continue
        if side_of(orchestration, change)[0] is not Side.AFTER:
            continue
        used, where = refs.in_use(orchestration.common, change.ref)
        if used is not Truth.NO:
            yield f"{change.ref.removeprefix(refs.BRANCHES)} is in use by {where}"


def _edited(orchestration: Orchestration, change: AbortOperation, tree: Worktree) -> Iterator[str]:
    """Name files of a checkout that were edited since: bringing the operation back resets them."""
    if tree.operation is change.operation or _is_being_restored(orchestration):
        return
    if tree.operation is not None:
        yield f"{change.path} is in the middle of a {tree.operation}"
    if tree.unsaved.known is not Truth.YES:
        yield f"what {change.path} holds cannot be read: {tree.unsaved.because}"
    names = sorted(tree.unsaved.paths)
    edited = differing(orchestration.common, change.salvage, Path(change.path), names)
    if edited:
        yield f"{', '.join(edited[:5])} in {change.path} changed since the {change.operation} was aborted"


def _is_being_restored(orchestration: Orchestration) -> bool:
    """Tell whether a killed undo had begun to: what is there may be its own half-done work."""
    killed = unfinished(orchestration)
    return any(record.get("event") == RESTORING for past in killed for record in past.records)


def _left(change: Change) -> str:
    match change:
        case MoveRef(new=new):
            return f"it at {new or 'nothing'}"
        case MoveCheckout(new=new):
            return f"it on {(new.ref or 'no branch').removeprefix(refs.BRANCHES)} at {new.commit}"
        case UpdateRow(after=after):
            return row_in_words(change, after)
        case MovePath(target=target):
            return f"it at {target}"
        case WriteFile(after=after):
            return "no such file" if after is None else f"{len(after)} other bytes in it"
        case _:
            return "something else"
