"""Remove what is no longer needed, by renaming it into the vault: nothing is deleted."""

from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git import refs
from unjam.adapters.git.taking.salvage import signature
from unjam.adapters.git.taking.survey import ANOTHERS
from unjam.domain.steps.change import MovePath, MoveRef
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Discard, RemoveBranch, RemoveWorktree
from unjam.domain.world.claims.ownership import place_of
from unjam.domain.world.damage import Damage
from unjam.domain.world.identity import CommitId
from unjam.domain.world.lookups import row_named, rows_in
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.engine.acts.recovery import Landed, Recovery, incomplete_because, outcome
from unjam.engine.acts.salvage import source_of, worktree_of
from unjam.engine.acts.vault_places import reflog_place, trash_for
from unjam.engine.keeping.vault import ref_of
from unjam.errors import RefusedError

# What a row says, and why its worktree is then still needed.
_STILL_NEEDED = {
    Status.RUNNING: "its row still says running, and whatever settles that needs what is in it",
    Status.CONFLICT: "its conflict is to be resolved there",
    Status.BLOCKED: "it goes on there once it is unblocked",
}


def remove_worktree(run: Recovery, step: RemoveWorktree, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move the directory, then its admin directory; Git forgets it, the vault holds both."""
    tree = worktree_of(step.worktree, fresh)
    if Damage.UNFINISHED not in tree.damage:  # there it is of no use to anybody
        _refuse_if_needed(run, step, fresh)
    refuse_unless_saved(run, tree)
    _refuse_if_anothers_is_below(run, tree)
    path, admin = Path(place_of(tree)), Path(tree.admin)
    trash = trash_for(run, path)
    if files.exists(path):
        run.door.make(MovePath(path, trash / "tree"))
    run.door.make(MovePath(admin, trash / "admin"))
    return (outcome(step, StepWord.DONE, f"moved to {fresh.place(trash)}", str(trash)),)


def _refuse_if_needed(run: Recovery, step: RemoveWorktree, fresh: Snapshot) -> None:
    if step.workstream in run.request.discard:
        return
    row = row_named(step.workstream, fresh)
    landed = run.landed.get(step.workstream) if step.workstream else None
    if landed is not None and not landed.done and landed.status != Status.FAILED:
        raise RefusedError(f"the worktree of {step.workstream} keeps its place: {landed.because}")
    if row is not None and row.status in _STILL_NEEDED:
        why = _STILL_NEEDED[row.status]
        raise RefusedError(f"the worktree of {step.workstream} keeps its place: {why}")


def _refuse_if_anothers_is_below(run: Recovery, tree: Worktree) -> None:
    """Raise RefusedError where another repository knows a place below this one: it would look in vain."""
    known = [one for one in run.saved[tree.name].salvaged.problems if ANOTHERS in one]
    if known:
        raise RefusedError(f"it keeps its place: {known[0]}")


def refuse_unless_saved(run: Recovery, tree: Worktree) -> None:
    """Raise RefusedError if the vault does not hold all of a worktree, as it is now."""
    saved = run.saved.get(tree.name)
    if saved is None:
        raise RefusedError("it keeps its place: its salvage did not succeed")
    salvaged = saved.salvaged
    left = (*salvaged.ignored_skipped, *salvaged.unreadable, *salvaged.changed)
    if left:
        raise RefusedError(
            f"it keeps its place: {left[0]} and {len(left) - 1} more are not in the vault"
        )
    if tree.is_locked and Damage.UNFINISHED not in tree.damage:
        raise RefusedError(
            f"it keeps its place: it is locked ({tree.lock_reason or 'no reason given'})"
        )
    if signature(source_of(run, tree)) != saved.salvaged.signature:
        raise RefusedError("it keeps its place: something in it changed after it was saved")


def discard(run: Recovery, step: Discard, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move a branch that was given up into the vault; the row is told where it is."""
    (made,) = remove_branch(run, step, fresh)
    if step.workstream is not None:
        because = f"given up; its branch is {made.sentence}"
        run.landed[step.workstream] = Landed(done=True, status=Status.DISCARDED, because=because)
    return (made,)


def remove_branch(
    run: Recovery, step: RemoveBranch | Discard, fresh: Snapshot
) -> tuple[Outcome, ...]:
    """Move the branch and its reflog into the vault; refused while a checkout uses it."""
    rows_in(fresh)  # raises: what a row that cannot be read counts on keeps its place
    asks = isinstance(step, RemoveBranch) and step.if_incomplete
    if asks and not incomplete_because(run, step, fresh):
        return (outcome(step, StepWord.ALREADY_DONE, "it keeps its place: its work is complete"),)
    used, where = refs.in_use(run.orchestration.common, step.ref)
    if used is not Truth.NO:
        raise RefusedError(f"it keeps its place: it is in use by {where}")
    log = _reflog(run, step.ref)
    kept = ref_of(run.run, "heads", step.ref.removeprefix("refs/heads/"))
    _pin_reflog(run, step.ref, step.tip)
    run.door.make(MoveRef(kept, None, step.tip))
    if log is not None:  # Git would delete it, and undo could not bring it back as it was
        run.door.make(log)
    try:
        run.door.make(MoveRef(step.ref, step.tip, None, logged=log is None))
    except RefusedError:
        if log is not None:
            run.door.make(MovePath(log.target, log.source))
        raise
    return (outcome(step, StepWord.DONE, f"kept as {kept}", kept),)


def _reflog(run: Recovery, ref: str) -> MovePath | None:
    """Say where the reflog of a branch goes; brought back first if a killed run came so far."""
    path = refs.reflog_of(run.orchestration.common, ref)
    for change in (one for killed in run.killed for one in killed.changes):
        if isinstance(change, MovePath) and Path(change.source) == path:
            target = Path(change.target)
            if files.exists(target) and not files.exists(path):
                run.door.make(MovePath(target, path))
    return MovePath(path, reflog_place(run, ref)) if files.exists(path) else None


def _pin_reflog(run: Recovery, ref: str, tip: CommitId) -> None:
    """Keep every commit that only the branch's reflog reaches: nothing else will name it."""
    name = ref.removeprefix("refs/heads/")
    for commit in sorted(refs.reflog_commits(run.orchestration.common, ref) - {tip}):
        run.door.make(MoveRef(ref_of(run.run, "reflog", f"{name}/{commit}"), None, commit))
