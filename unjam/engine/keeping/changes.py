"""Make a change, tell on which side of it the world is, and take it back: for every kind.

The callers are the door and the undo, and nobody else.
"""

from dataclasses import replace
from pathlib import Path
from typing import assert_never

from unjam.adapters import files
from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving import checkout, ref_moves, remote
from unjam.adapters.git.moving.operation import abort_operation
from unjam.adapters.git.restoring.restore import is_as_saved, restore_in_place
from unjam.adapters.git.taking import store
from unjam.adapters.git.vault import pins
from unjam.adapters.processes.looking.scan import Request
from unjam.adapters.processes.running.start_orchestrator import proof_of_start, start_detached
from unjam.adapters.processes.stopping.stop import stop
from unjam.adapters.state.rows.activity import moved, state_activity
from unjam.adapters.state.rows.write import images_of, rehearse, update_row
from unjam.domain.steps.change import (
    AbortOperation,
    Change,
    MakeFolder,
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
    TendState,
    UpdateRow,
    WriteFile,
)
from unjam.domain.world.identity import CommitId
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Scalar
from unjam.engine.keeping import state_changes
from unjam.engine.orchestration import Orchestration


def apply(  # noqa: C901 -- an arm for each kind of change; the type checker proves it complete
    orchestration: Orchestration, change: Change, *, resuming: bool = False
) -> str:
    """Make a change; made already is fine. Returns what there is to say beyond that."""
    common = orchestration.common
    match change:
        case MoveRef():
            _move_ref(common, change)
        case MoveCheckout():
            checkout.move_checkout(common, change, resuming=resuming)
        case RestoreCheckout():
            restore_in_place(common, change.after, *_places(change))
        case AbortOperation():
            abort_operation(common, change, resuming=resuming)
        case UpdateRow():
            update_row(orchestration.state, change)
            return _left_to_database(change)
        case MovePath() | WriteFile() | MakeFolder():
            _change_file(change)
        case PushRef():
            url = remote.remote_url(common, change.remote) or change.url
            remote.push(common, replace(change, url=url))
        case StopProcess():
            return stop(change.process, change.below, alone=change.alone)
        case StartProcess():
            return _start(orchestration, change)
        case TendState() | SetStateMode() | SwapState():
            return state_changes.apply_state_change(change)
        case _:
            assert_never(change)
    return ""


def _change_file(change: MovePath | WriteFile | MakeFolder) -> None:
    match change:
        case MovePath():
            files.move(Path(change.source), Path(change.target))
        case WriteFile():
            files.rewrite(Path(change.path), change.before, change.after, change.mode)
        case MakeFolder():
            files.have_folder(Path(change.path), there=change.there)


def prepared(orchestration: Orchestration, change: Change, *, resuming: bool) -> Change:
    """Return a change as it will come out, before it is written down; raises where it cannot."""
    match change:
        case UpdateRow():
            return rehearse(orchestration.state, change)
        case MoveCheckout() if not resuming:  # what a killed attempt brought is nobody's
            return checkout.with_held(change)
        case _:
            return change


def _places(change: RestoreCheckout) -> tuple[Path, Path, Path]:
    return Path(change.path), Path(change.admin), Path(change.aside)


def _left_to_database(change: UpdateRow) -> str:
    return f"its database sets {', '.join(change.not_taken)} itself" if change.not_taken else ""


def _move_ref(common: Path, change: MoveRef) -> None:
    if store.is_private(change.ref):
        pins.move_private(common, change, _message(change))
    else:
        ref_moves.move_refs(Git(common), [change], _message(change))


def _message(change: MoveRef) -> str:
    """Say in the reflog what moved the ref; a branch made anew tells from where it starts."""
    made = change.old is None and change.ref.startswith(refs.BRANCHES)
    return f"branch: Created from {change.new}" if made else "unjam: recovery"


def _start(orchestration: Orchestration, change: StartProcess) -> str:
    before, output = state_activity(orchestration.state), Path(change.output)
    identity = start_detached(change.command, Path(change.cwd), output)
    request = Request(
        orchestration.primary, {}, tuple(orchestration.settings.orchestration.orchestrator)
    )
    return proof_of_start(
        identity, request, output, lambda: moved(before, state_activity(orchestration.state))
    )


def inverse(change: Change) -> Change | None:  # noqa: C901, PLR0911 -- an arm for each kind of change
    """Return the change that takes this one back; None where only other means can, or none."""
    match change:
        case MoveRef():
            return replace(change, old=change.new, new=change.old)
        case MoveCheckout():
            return replace(
                change,
                old=change.new,
                new=change.old,
                held_before=change.held_after,
                held_after=change.held_before,
            )
        case RestoreCheckout():
            return replace(change, before=change.after, after=change.before)
        case UpdateRow():
            return replace(change, before=change.after, after=change.before)
        case MovePath():
            return MovePath(change.target, change.source)
        case WriteFile():
            return replace(change, before=change.after, after=change.before)
        case MakeFolder():
            return replace(change, there=not change.there)
        case SetStateMode() | SwapState():
            return state_changes.inverse_state_change(change)
        case AbortOperation() | PushRef() | StopProcess() | StartProcess() | TendState():
            return None
        case _:
            assert_never(change)


def side_of(orchestration: Orchestration, change: Change) -> tuple[Side, str]:  # noqa: C901, PLR0911 -- an arm for each kind of change
    """Tell where the world is, and in a few words what is there now."""
    match change:
        case MoveRef():
            now = _standing(orchestration, change.ref)
            return _side(now, change.old, change.new), f"{change.ref} is at {short(now)}"
        case MoveCheckout():
            where = Side(checkout.state_of_checkout(orchestration.common, change))
            return where, checkout.where_is(change)
        case RestoreCheckout():
            return _side_of_checkout(orchestration.common, change)
        case UpdateRow():
            return _side_of_row(orchestration, change)
        case MovePath():
            return _side_of_path(change)
        case WriteFile():
            return _side_of_file(change)
        case MakeFolder():
            there = files.exists(Path(change.path))
            said = "is there" if there else "is not there"
            side = Side.AFTER if there is change.there else Side.BEFORE
            return side, f"{change.path} {said}"
        case SetStateMode() | SwapState():
            return state_changes.side_of_state_change(change)
        case AbortOperation() | PushRef() | StopProcess() | StartProcess() | TendState():
            return Side.AFTER, ""
        case _:
            assert_never(change)


def _side_of_checkout(common: Path, change: RestoreCheckout) -> tuple[Side, str]:
    path, admin, _ = _places(change)
    for side, commit in ((Side.AFTER, change.after), (Side.BEFORE, change.before)):
        if is_as_saved(common, commit, path, admin):
            return side, f"{path} is as {commit[:12]} saved it"
    return (
        Side.ELSEWHERE,
        f"{path} is as neither {change.before[:12]} nor {change.after[:12]} saved it",
    )


def _standing(orchestration: Orchestration, ref: str) -> CommitId | None:
    if store.is_private(ref):
        return store.resolve(orchestration.common, ref)
    return refs.resolve(Git(orchestration.common), ref)


def short(commit: str | None) -> str:
    """Write a commit as people do, or that there is none."""
    return commit[:12] if commit else "nothing"


def _side_of_row(orchestration: Orchestration, change: UpdateRow) -> tuple[Side, str]:
    """Compare what is ours of a row: what its database sets itself tells nothing."""
    images = images_of(orchestration.state, change.workstream, change.before, change.after)
    ours = (tuple(one for one in image if one[0] not in change.by_database) for image in images)
    return _side(*ours), _row_in_words(change, images[0])


def _row_in_words(change: UpdateRow, row: tuple[tuple[str, Scalar], ...]) -> str:
    name = shown(change.workstream)
    return f"row {name} has {columns_in_words(change, row)}" if row else f"there is no row {name}"


def columns_in_words(change: UpdateRow, row: tuple[tuple[str, Scalar], ...]) -> str:
    """Name the columns that the change, or somebody since, made different, with what is in them."""
    before, after, seen = dict(change.before), dict(change.after), dict(row)
    return ", ".join(
        f"{name} {value!r}"
        for name, value in (seen or after).items()
        if len({repr(one.get(name)) for one in (before, after, seen)}) > 1
    )


def _side_of_file(change: WriteFile) -> tuple[Side, str]:
    now = files.content(Path(change.path))
    said = "is not there" if now is None else f"has {len(now)} bytes"
    return _side(now, change.before, change.after), f"{change.path} {said}"


def checkout_name(orchestration: Orchestration, change: AbortOperation | RestoreCheckout) -> str:
    """Name the worktree a change is about; the primary has no name."""
    primary = Path(change.admin) == orchestration.common
    return "" if primary else change.admin.name


def _side(now: object, before: object, after: object) -> Side:
    if now == after:
        return Side.AFTER
    return Side.BEFORE if now == before else Side.ELSEWHERE


def _side_of_path(change: MovePath) -> tuple[Side, str]:
    here, there = files.exists(Path(change.source)), files.exists(Path(change.target))
    match here, there:
        case True, False:
            return Side.BEFORE, f"{change.source} is in its place"
        case False, True:
            return Side.AFTER, f"{change.source} is in the vault"
        case _:
            which = "both exist" if here else "neither exists"
            return Side.ELSEWHERE, f"{change.source} and {change.target}: {which}"
