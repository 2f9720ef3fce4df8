"""What is not as it was before a run that was taken back: "undone" is said only where nothing is."""

from collections.abc import Iterator
from pathlib import Path

from unjam.adapters.git.moving.held_files import held_now
from unjam.adapters.git.restoring.restore import is_as_saved
from unjam.adapters.state.rows.read import images_of
from unjam.domain.steps.change import (
    AbortOperation,
    Change,
    MoveCheckout,
    PushRef,
    Side,
    StartProcess,
    StopProcess,
    TendState,
    UpdateRow,
)
from unjam.domain.world.naming import shown
from unjam.engine.keeping.changes import inverse, short, side_of
from unjam.engine.keeping.past_runs import PastRun
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.undo_check import subjects_of, to_take_back

_NOT_COMPARED = PushRef | StopProcess | StartProcess | TendState


def stays(past: PastRun) -> tuple[str, ...]:
    """Say what of a run nothing can take back, before anything is."""
    return tuple(why for change in to_take_back(past) if (why := why_final(change)))


def why_final(change: Change) -> str:
    """Say why nothing can take a change back; nothing where it can be, or need not."""
    match change:
        case PushRef(remote=remote, ref=ref, new=new):
            name = ref.removeprefix("refs/heads/")
            return f"{remote} keeps {name} at {short(new)}: unjam never forces a remote back"
        case StopProcess(process=process):
            return f"pid {process.pid} was ended, and cannot be started where it was"
        case _:
            return ""


def differences(orchestration: Orchestration, past: PastRun) -> tuple[str, ...]:
    """Compare what a run changed, thing by thing, with how it found it."""
    return (*stays(past), *_left(orchestration, past))


def _left(orchestration: Orchestration, past: PastRun) -> Iterator[str]:
    """Look at the oldest change of each thing: what came later built upon that."""
    seen: set[str] = set()
    for change in reversed(to_take_back(past)):
        if isinstance(change, MoveCheckout):
            yield from _not_held(change)
        if seen.isdisjoint(about := subjects_of(orchestration, change)) and not isinstance(
            change, _NOT_COMPARED
        ):
            yield from _differing(orchestration, change)
        seen.update(about)


def _differing(orchestration: Orchestration, change: Change) -> Iterator[str]:
    if isinstance(change, AbortOperation):
        if not is_as_saved(
            orchestration.common, change.salvage, Path(change.path), Path(change.admin)
        ):
            yield f"{change.path} is not as it was in the middle of the {change.operation}"
        return
    side, there = side_of(orchestration, change)
    fine = {Side.BEFORE}
    if isinstance(change, MoveCheckout):
        fine.add(Side.BETWEEN)  # what a person had as it was to come is told file by file
    if inverse(change) == change:
        fine.add(Side.AFTER)
    if side not in fine:
        yield there
    elif isinstance(change, UpdateRow):
        yield from _set_by_database(orchestration, change)


def _not_held(change: MoveCheckout) -> Iterator[str]:
    """Name files that a person had as the move brought them, and that are not so any more."""
    if not change.held_before:
        return
    now = {one.path: one.staged for one in held_now(change)}
    for one in change.held_before:
        if now.get(one.path) is not one.staged:
            how = "staged" if one.staged else "not staged"
            yield f"{one.path} in {change.path} was there, {how}, and is not so any more"


def _set_by_database(orchestration: Orchestration, change: UpdateRow) -> Iterator[str]:
    now, before, _ = (
        dict(one)
        for one in images_of(orchestration.state, change.workstream, change.before, change.after)
    )
    names = [one for one in change.by_database if now.get(one) != before.get(one)]
    if names:
        yield f"row {shown(change.workstream)}: its database sets {', '.join(names)} itself"
