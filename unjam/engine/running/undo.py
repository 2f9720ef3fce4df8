"""Take a run back: every change in reverse, or nothing where the world has moved on."""

from pathlib import Path

from unjam.adapters.git.restoring.given_back import give_back_staged
from unjam.adapters.git.taking import store
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
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.world.lookups import orchestrators_in
from unjam.engine.acts.recovery import Recovery
from unjam.engine.acts.salvage import restoration, save_now, worktree_of
from unjam.engine.keeping.changes import checkout_name, inverse, side_of
from unjam.engine.keeping.past_runs import PastRun, past_run, readable
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import Orchestration
from unjam.engine.running.undo_check import (
    RESTORING,
    left_to_take_back,
    refuse_if_moved_on,
    to_take_back,
)
from unjam.engine.running.undo_differences import why_final
from unjam.engine.running.vault_purge import PURGED
from unjam.errors import RefusedError

_LEFT = {
    StartProcess: "the orchestrator that was started is at work no more",
    TendState: "its rows are the same as before; its files as they were are in the vault",
}


def preview_undo(orchestration: Orchestration, past_id: str) -> tuple[Change, ...]:
    """Return what taking a run back means, newest change first.

    Raises UsageError for an unknown run, RefusedError beside a living orchestrator or where the
    world has moved on since.
    """
    past = readable(past_run(orchestration, past_id))
    _refuse_purged(orchestration, past)
    past_changes = left_to_take_back(orchestration, to_take_back(past))
    aborted = {
        checkout_name(orchestration, one) for one in past_changes if isinstance(one, AbortOperation)
    }
    seen = observe(orchestration, only=frozenset({"", *aborted}))
    for living in orchestrators_in(seen):
        raise RefusedError(f"an orchestrator is at work (pid {living.identity.pid}); stop it first")
    refuse_if_moved_on(orchestration, past, past_changes, (seen.primary, *seen.worktrees))
    return past_changes


def _refuse_purged(orchestration: Orchestration, past: PastRun) -> None:
    """Raise RefusedError where what an undo needs was erased for good: `unjam vault purge` said so."""
    needed = [one.salvage for one in past.changes if isinstance(one, AbortOperation)]
    vault = store.reader(orchestration.common)
    gone = [one for one in needed if vault.run("cat-file", "-e", one, accept=None).status]
    if gone or any(one.get("event") == PURGED for one in past.records):
        raise RefusedError(
            f"what {past.id} had saved was purged from the vault, so it cannot be taken back;"
            " nothing was changed"
        )


def take_back(run: Recovery, change: Change) -> Outcome:
    """Take one change back; taken back already is fine."""
    subject = change_in_words(change)
    if why := why_final(change) or _LEFT.get(type(change), ""):
        return Outcome("undo", subject, StepWord.REFUSED, why)
    if isinstance(change, AbortOperation):
        return _restore(run, change)
    side, there = side_of(run.orchestration, change)
    if side is Side.BEFORE:
        return Outcome("undo", subject, StepWord.ALREADY_DONE, there)
    back = inverse(change)
    if isinstance(back, MovePath):  # an admin directory, perhaps: what it stages comes with it
        give_back_staged(run.orchestration.common, Path(back.source))
    if back is not None:
        run.door.make(back, resuming=side is Side.BETWEEN)
    return Outcome("undo", subject, StepWord.UNDONE, side_of(run.orchestration, change)[1])


def _restore(run: Recovery, change: AbortOperation) -> Outcome:
    """Bring the operation back from its salvage, saving first what is there now."""
    subject = change_in_words(change)
    now = worktree_of(name := checkout_name(run.orchestration, change), run.look(name))
    if now.operation is change.operation:
        sentence = f"the {change.operation} is in progress"
        return Outcome("undo", subject, StepWord.ALREADY_DONE, sentence)
    kept = save_now(run, now)
    run.note(RESTORING, salvage=change.salvage, kept=kept.ref)
    run.door.make(restoration(run, now, kept.salvaged.commit, change.salvage))
    return Outcome("undo", subject, StepWord.UNDONE, f"the {change.operation} is in progress again")


def change_in_words(change: Change) -> str:  # noqa: C901, PLR0911 -- an arm for each kind of change
    """Name what a change is about."""
    match change:
        case MoveRef(ref=ref):
            return ref
        case MoveCheckout(path=path) | AbortOperation(path=path) | RestoreCheckout(path=path):
            return str(path)
        case UpdateRow(workstream=workstream):
            return f"row {workstream}"
        case MovePath(source=source):
            return str(source)
        case (
            WriteFile(path=path)
            | MakeFolder(path=path)
            | TendState(path=path)
            | SetStateMode(path=path)
            | SwapState(path=path)
        ):
            return str(path)
        case PushRef(remote=remote, ref=ref):
            return f"{remote} {ref}"
        case StopProcess(process=process):
            return f"pid {process.pid}"
        case StartProcess(command=command):
            return " ".join(command)
