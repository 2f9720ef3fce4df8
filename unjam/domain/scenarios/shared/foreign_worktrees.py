"""Refuse a step that would touch a worktree, or what lies below one, that is not ours."""

from unjam.domain.steps import plan
from unjam.domain.steps.plan import Step
from unjam.domain.world.claims.ownership import LINKED, TAKEN, Whose, below, is_ours, place_of
from unjam.domain.world.lookups import stray_at
from unjam.domain.world.snapshot import Snapshot, Worktree


def refusal(step: Step, snapshot: Snapshot) -> str:
    """Say why a step must not touch what it names, as it is now; empty where it may."""
    trees = {tree.name: tree for tree in snapshot.worktrees}
    match step:
        case plan.Mend(worktree=name) | plan.Recreate(worktree=name) if name in trees:
            return _kept(trees[name], LINKED)
        case plan.RemoveWorktree(worktree=name) if name in trees:
            return _kept(trees[name]) or _held(below(place_of(trees[name]), snapshot))
        case plan.Unregister(worktree=name) | plan.Abort(worktree=name) if name in trees:
            return _kept(trees[name])
        case plan.SetAside(path=path) | plan.Register(path=path):
            stray = stray_at(path, snapshot)
            if stray is not None and not is_ours(stray):
                return f"it keeps its place: {stray.kind}"
            return _held(below(path, snapshot))
        case _:
            return ""


def _kept(tree: Worktree, allowed: frozenset[Whose] = TAKEN) -> str:
    return "" if tree.whose in allowed else f"it keeps its place: {tree.whose}"


def _held(names: str) -> str:
    return f"it keeps its place: {names} lies below it" if names else ""
