"""Whether the world is still as a run left it: only then can the run be taken back."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from unjam.adapters.git import refs
from unjam.adapters.git.moving import checkout
from unjam.adapters.git.restoring.restore import differing
from unjam.domain.steps.change import (
    AbortOperation,
    Change,
    MoveCheckout,
    MovePath,
    MoveRef,
    PushRef,
    RestoreCheckout,
    SetStateMode,
    Side,
    StartProcess,
    StopProcess,
    SwapState,
    UpdateRow,
    WriteFile,
)
from unjam.domain.world.snapshot import Worktree
from unjam.domain.world.truth import Truth
from unjam.engine.keeping.changes import columns_in_words, inverse, short, side_of
from unjam.engine.keeping.past_runs import PastRun, later_standing, unfinished
from unjam.engine.keeping.vault import NAMESPACE
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError

# The vault keeps its refs; what a remote was seen to have is knowledge of another machine.
_KEPT = (f"{NAMESPACE}/", "refs/remotes/")
_OF_ONE_WAY = PushRef | StopProcess | StartProcess  # one that was refused left nothing behind
_TELLING = ("intent", "made", "outcome")
RESTORING = "restoring"  # the event of a journal: an operation is being brought back


def to_take_back(past: PastRun) -> tuple[Change, ...]:
    """Return the changes of a run that an undo looks at, newest first."""
    seen_made = {*past.made, *_left_open(past)}
    return tuple(
        change
        for change in reversed(past.changes)
        if not (isinstance(change, MoveRef) and change.ref.startswith(_KEPT))
        and (change in seen_made or not isinstance(change, _OF_ONE_WAY))
    )


def _left_open(past: PastRun) -> Iterator[Change]:
    """Yield the change at which a run was killed: what of it nobody can tell may have been made."""
    told = [one for one in past.records if one.get("event") in _TELLING]
    if told and told[-1]["event"] == "intent":
        yield from past.changes[-1:]


def refuse_if_moved_on(
    orchestration: Orchestration,
    past: PastRun,
    changes: tuple[Change, ...],
    trees: tuple[Worktree, ...],
) -> None:
    """Raise RefusedError, naming both sides, if anything is neither as before nor as after.

    Then, too, where a person's edits are in the way: nothing is taken back by halves. Later runs
    that have to be taken back first are named.
    """
    elsewhere = tuple(_not_as_left(orchestration, changes))
    moved = (
        *(said for _, said in elsewhere),
        *(
            said
            for change in changes
            if isinstance(change, AbortOperation)
            for tree in trees
            if tree.admin == change.admin
            for said in _edited(orchestration, change, tree)
        ),
        *_taken_up(orchestration, changes),
    )
    if moved:
        first = _first_to_go(orchestration, past, [change for change, _ in elsewhere])
        raise RefusedError(
            "the world has moved on since, so nothing was taken back", (*moved, *first)
        )


def _first_to_go(
    orchestration: Orchestration, past: PastRun, moved: Sequence[Change]
) -> Iterator[str]:
    """Name the later runs that moved the same on, in the order in which to take them back."""
    later = [
        one
        for one in later_standing(orchestration, past)
        if any(_is_same(change, other) for change in one.changes for other in moved)
    ]
    if later:
        who, all_of = ("a later run", "both") if len(later) == 1 else ("later runs", "all")
        commands = (f"unjam undo {one.id}" for one in (*reversed(later), past))
        yield "\n".join((f"{who} went on from there; to take {all_of} back:", *commands))


def _is_same(one: Change, other: Change) -> bool:
    """Tell whether two changes move the same thing of the repository, or paths in each other."""
    ours, theirs = _paths(one), _paths(other)
    shared = not {*_moves(one), *_writes(one)}.isdisjoint((*_moves(other), *_writes(other)))
    return shared or _is_below(ours, theirs) or _is_below(theirs, ours)


_Moved = tuple[Change, str]


def _not_as_left(orchestration: Orchestration, changes: tuple[Change, ...]) -> Iterator[_Moved]:
    """Compare each change with the world, but for what a newer change of the run hides."""
    hidden: set[PurePath] = set()
    newest: dict[str, Change] = {}  # by what a change moves: the one that stands in the world now
    for change in changes:
        above = next((newest[one] for one in _moves(change) if one in newest), None)
        if above is not None:
            yield from ((change, said) for said in _in_the_way(above, change))
            continue
        if not _is_below(_paths(change), hidden):
            yield from ((change, said) for said in _elsewhere(orchestration, change))
        # What it left hides what an older change of the run left, until it is taken back.
        if (_paths(change) or _moves(change)) and side_of(orchestration, change)[0] is Side.AFTER:
            hidden |= _paths(change) | _file_of_ref(orchestration, change)
            newest |= dict.fromkeys((*_moves(change), *_writes(change)), change)


def left_to_take_back(
    orchestration: Orchestration, changes: tuple[Change, ...]
) -> tuple[Change, ...]:
    """Leave out files that were made where another is back in its place: a killed undo did so."""
    return tuple(
        change
        for number, change in enumerate(changes)
        if not _gave_way(orchestration, change, changes[number + 1 :])
    )


def _gave_way(orchestration: Orchestration, change: Change, older: tuple[Change, ...]) -> bool:
    if not isinstance(change, WriteFile) or change.before is not None:
        return False
    if side_of(orchestration, change)[0] is not Side.ELSEWHERE:
        return False
    return any(
        isinstance(one, MovePath)
        and one.source == change.path
        and side_of(orchestration, one)[0] is Side.BEFORE
        for one in older
    )


def _paths(change: Change) -> set[PurePath]:
    match change:
        case MovePath(source=source, target=target):
            return {source, target}
        case WriteFile(path=path):
            return {path}
        case _:
            return set()


def _file_of_ref(orchestration: Orchestration, change: Change) -> set[PurePath]:
    """Name the file a moved ref may have: an older change may have written it as such."""
    return {orchestration.common / change.ref} if isinstance(change, MoveRef) else set()


def _moves(change: Change) -> tuple[str, ...]:  # noqa: PLR0911 -- an arm for each kind of change
    """Name what of the repository a change moves: a later one on the same hides what it left."""
    match change:
        case MoveRef(ref=ref):
            return (ref,)
        case RestoreCheckout(admin=admin):
            return (f"{admin}",)
        case MoveCheckout(admin=admin, old=old, new=new):
            return (f"{admin}", new.ref) if new.ref and old.ref == new.ref else (f"{admin}",)
        case UpdateRow(workstream=workstream):
            return (f"row {workstream}",)
        case SetStateMode(path=path):
            return (f"mode of {path}",)
        case SwapState():
            return (_ROWS,)
        case _:
            return ()


def subjects_of(orchestration: Orchestration, change: Change) -> frozenset[str]:
    """Name everything a change is about; a ref that was mended was written as a file."""
    paths = (*_paths(change), *_file_of_ref(orchestration, change))
    return frozenset((*_moves(change), *map(str, paths)))


_ROWS = "rows of the state"


def _writes(change: Change) -> tuple[str, ...]:
    """Name what a change writes into: what an older one left of it is no longer there to compare."""
    return (_ROWS,) if isinstance(change, UpdateRow) else ()


def _in_the_way(newest: Change, change: Change) -> Iterator[str]:
    """Name edits in the way of taking back a change that a later one of the same run built upon."""
    if isinstance(newest, MoveCheckout) and isinstance(change, MoveCheckout):
        yield from _refused(replace(newest, old=change.old))


def _refused(change: MoveCheckout) -> Iterator[str]:
    back = inverse(change)
    try:
        if isinstance(back, MoveCheckout):
            checkout.refuse_move(back)
    except RefusedError as error:
        yield str(error)


def _is_below(paths: set[PurePath], places: set[PurePath]) -> bool:
    return any(path.is_relative_to(place) for path in paths for place in places)


def _elsewhere(orchestration: Orchestration, change: Change) -> Iterator[str]:
    side, there = side_of(orchestration, change)
    if side is Side.ELSEWHERE:
        yield f"{there}\nthe run left {_left(change)}"
    if side is Side.AFTER and isinstance(change, MoveCheckout):
        yield from _refused(change)


def _taken_up(orchestration: Orchestration, changes: tuple[Change, ...]) -> Iterator[str]:
    """Name branches that would move and that a checkout has come to use since."""
    left = {one.new.ref for one in changes if isinstance(one, MoveCheckout)}
    going = {str(one.target) for one in changes if isinstance(one, MovePath)}  # before the branch
    for change in changes:
        if not isinstance(change, MoveRef) or change.ref in left or change.new is None:
            continue
        if side_of(orchestration, change)[0] is not Side.AFTER:
            continue
        used, where = refs.in_use(orchestration.common, change.ref)
        if used is not Truth.NO and where not in going:
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


def _left(change: Change) -> str:  # noqa: PLR0911 -- an arm for each kind of change
    match change:
        case MoveRef(new=new):
            return f"it at {short(new)}"
        case MoveCheckout(new=new):
            return f"it on {(new.ref or 'no branch').removeprefix(refs.BRANCHES)} at {short(new.commit)}"
        case UpdateRow(after=after):
            return f"it with {columns_in_words(change, after)}" if after else "no such row"
        case MovePath(target=target):
            return f"it at {target}"
        case WriteFile(after=after):
            return "no such file" if after is None else f"{len(after)} other bytes in it"
        case SetStateMode(after=after) | SwapState(after=after):
            return f"it with {after}"
        case _:
            return "something else"
