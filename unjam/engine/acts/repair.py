"""Repair what stops Git: dead locks, operations left in the middle, a primary on a wrong branch."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from unjam.domain.steps.change import AbortOperation, MoveCheckout, MovePath, Position
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Abort, MoveLock, ReturnPrimary
from unjam.domain.world.judging import is_astray, is_on_no_branch
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.domain.world.truth import Truth
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.salvage import worktree_of
from unjam.engine.acts.vault_places import lock_place
from unjam.errors import PermanentError, RefusedError


def move_lock(run: Recovery, step: MoveLock, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move the lock file into the vault; it may hold a complete new index."""
    target = lock_place(run, Path(step.path))
    run.door.make(MovePath(step.path, target))
    return (outcome(step, StepWord.DONE, f"moved to {fresh.place(target)}", str(target)),)


def abort(run: Recovery, step: Abort, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Abort the operation when its files are as Git left them; else a person has to."""
    tree = worktree_of(step.worktree, fresh)
    saved = run.saved[tree.name]
    if tree.operation_intact is not Truth.YES:
        raise RefusedError(
            f"files of the {step.operation} may have been edited by hand; everything is saved as "
            f"{saved.ref}; finish it, or: git -C {_quoted(tree)} {step.operation} --abort"
        )
    change = AbortOperation(tree.path, tree.admin, step.operation, saved.salvaged.commit)
    run.door.make(change)
    sentence = f"aborted the {step.operation}; its state is kept as {saved.ref}"
    return (outcome(step, StepWord.DONE, sentence, saved.ref),)


def return_primary(run: Recovery, step: ReturnPrimary, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Switch the primary to the trunk, if that touches nobody's edits."""
    primary = fresh.primary
    if primary.branch == fresh.trunk:
        return (outcome(step, StepWord.ALREADY_DONE, f"it is on {fresh.trunk_name}"),)
    _refuse_unless_idle(primary, fresh)
    if primary.head is None:
        raise PermanentError(f"what {primary.path} has checked out cannot be read")
    here = Position(primary.branch, primary.head)
    change = MoveCheckout(primary.path, primary.admin, here, Position(fresh.trunk, fresh.trunk_tip))
    run.door.make(change)
    return (outcome(step, StepWord.DONE, *_left(run, primary, fresh.trunk_name)),)


def _left(run: Recovery, primary: Worktree, trunk: str) -> Iterator[str]:
    """Say from where it was switched; what only HEAD named there is named by what keeps it."""
    if primary.branch is not None:
        yield f"switched from {primary.branch.removeprefix('refs/heads/')} to {trunk}"
        return
    said = f"switched from commit {(primary.head or '')[:12]} to {trunk}"
    saved = run.saved.get(primary.name)
    yield f"{said}; what no branch holds is kept as {saved.ref}" if saved else said
    if saved:
        yield saved.ref


def _refuse_unless_idle(primary: Worktree, fresh: Snapshot) -> None:
    command = f"git -C {_quoted(primary)} switch {shlex.quote(fresh.trunk_name)}"
    if primary.operation is not None:
        raise RefusedError(f"a {primary.operation} is in progress; end it, then: {command}")
    if not is_astray(fresh):
        raise RefusedError(f"it is on no agent's branch; if it should move: {command}")
    _refuse_to_leave_alone(primary, command)
    unsaved = primary.unsaved
    edited = (*unsaved.staged, *unsaved.modified, *unsaved.deleted, *unsaved.conflicted)
    if unsaved.known is not Truth.YES or edited:
        shown = ", ".join(sorted(set(edited))[:5]) or unsaved.because
        raise RefusedError(f"it holds uncommitted edits ({shown}); save them, then: {command}")


def _refuse_to_leave_alone(primary: Worktree, command: str) -> None:
    """Refuse to leave commits that nothing else names: a salvage has them, if there was one."""
    if is_on_no_branch(primary) and primary.hidden_commits:
        head = (primary.head or "")[:12]
        keep = f"git -C {_quoted(primary)} branch kept-{head} {primary.head}"
        raise RefusedError(f"no branch holds commit {head}; give it one, then: {keep} && {command}")


def _quoted(tree: Worktree) -> str:
    return shlex.quote(str(tree.path))
