"""Save everything of a checkout into the vault."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from unjam.adapters.git.mending import dangling_objects
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.salvage import IgnoredLimits, Salvaged, Source, read_back, signature
from unjam.adapters.git.taking.salvage import salvage as save
from unjam.adapters.git.taking.salvage import salvage_all as save_all
from unjam.adapters.processes.stopping.freeze import frozen
from unjam.domain.scenarios.shared.foreign_worktrees import refusal
from unjam.domain.steps.change import MoveRef, RestoreCheckout
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Salvage
from unjam.domain.world.damage import Damage
from unjam.domain.world.identity import CommitId, Role
from unjam.domain.world.lookups import worktree_named
from unjam.domain.world.snapshot import Snapshot, Unsaved, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.engine.acts.recovery import Recovery, Saved, outcome
from unjam.engine.keeping.vault import folder_of, ref_of, refs_by_commit
from unjam.errors import RefusedError, UnjamError

MASS_DELETION = 0.2  # share of tracked files
_INDEX_LOST = {Damage.INDEX, Damage.UNFINISHED}
NOTHING_IGNORED = IgnoredLimits(each=0, total=0)


def salvage(run: Recovery, step: Salvage, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Write the salvage, pin it with a ref, and read it back before anything else happens."""
    tree = worktree_of(step.worktree, fresh)
    with _still(tree, fresh):
        saved = _save(run, tree, NOTHING_IGNORED if tree.is_primary else IgnoredLimits())
    run.saved[tree.name] = saved
    more = pin_dangling(run, tree.name) if _INDEX_LOST & set(tree.damage) else ()
    is_ours = saved.ref.split("/")[2] == run.run
    word = StepWord.DONE if is_ours else StepWord.ALREADY_DONE
    return (outcome(step, word, _sentence(tree, saved.salvaged, saved.ref), saved.ref, *more),)


def salvage_all(run: Recovery, steps: Sequence[Salvage]) -> int:
    """Take the worktrees of a plan into the vault as one pack, and say how many; no ref is made yet.

    Each step then pins its own and reads it back, or saves anew what has changed since.
    """
    allowed = [one for one in steps if run.permission.covers(one.step_class, run.policy)]
    fresh = run.look(*(one.worktree for one in allowed)) if len(allowed) > 1 else None
    trees = [] if fresh is None else list(_together(allowed, fresh))
    if fresh is None or len(trees) < 2:  # noqa: PLR2004 -- one is no company
        return 0
    with ExitStack() as still:
        for tree in trees:
            still.enter_context(_still(tree, fresh))
        made = save_all(run.orchestration.common, [source_of(run, tree) for tree in trees])
    taken = zip(trees, made, strict=True)
    run.taken |= {tree.name: one for tree, one in taken if isinstance(one, Salvaged)}
    return len(run.taken)


def _together(steps: Sequence[Salvage], fresh: Snapshot) -> Iterator[Worktree]:
    """Yield what is there and ours to save; of the primary no ignored file is saved, so it goes alone."""
    for step in steps:
        tree = worktree_named(step.worktree, fresh)
        if tree is not None and not tree.is_primary and not refusal(step, fresh):
            yield tree


def save_now(run: Recovery, tree: Worktree) -> Saved:
    """Save a checkout outside the plan, before it is rewritten."""
    return _save(run, tree, NOTHING_IGNORED)


def restoration(
    run: Recovery, tree: Worktree, before: CommitId, after: CommitId
) -> RestoreCheckout:
    """Return the change that rewrites a checkout from one salvage to another."""
    aside = folder_of(run.orchestration, run.run) / "aside"
    return RestoreCheckout(tree.path, tree.admin, before, after, aside)


def save_living(run: Recovery, name: str, fresh: Snapshot) -> str:
    """Save the worktree of an agent that is about to be stopped; returns the vault ref."""
    tree = worktree_of(name, fresh)
    with _still(tree, fresh):
        return _save(run, tree, IgnoredLimits(), kind="before-stop").ref


def _save(run: Recovery, tree: Worktree, limits: IgnoredLimits, *, kind: str = "worktree") -> Saved:
    common, source = run.orchestration.common, source_of(run, tree)
    salvaged = run.taken.pop(tree.name, None)
    if salvaged is None or salvaged.limits != limits or _has_changed(source, salvaged):
        salvaged = save(common, source, limits)
    # Pinned first: an agent's own `gc --prune=now` could take it between the two.
    ref = _existing_ref(run, salvaged.commit) or _pin(run, tree, salvaged, kind)
    read_back(common, salvaged, source)
    uncommitted = tree.unsaved.any is not Truth.NO
    return Saved(
        ref, salvaged, uncommitted or bool(tree.hidden_commits or tree.hidden), uncommitted
    )


def _existing_ref(run: Recovery, commit: CommitId) -> str | None:
    """Return the vault ref that already holds exactly this salvage, if that is still there."""
    if run.in_vault is None:
        run.in_vault = refs_by_commit(run.orchestration)
    ref = run.in_vault.get(commit)
    return ref if ref and store.resolve(run.orchestration.common, ref) == commit else None


def _has_changed(source: Source, salvaged: Salvaged) -> bool:
    try:
        return signature(source) != salvaged.signature
    except (UnjamError, OSError):
        return True


def _pin(run: Recovery, tree: Worktree, salvaged: Salvaged, kind: str) -> str:
    name = tree.name or "primary"
    ref = ref_of(run.run, kind, name)
    if ref in (run.in_vault or {}).values():  # this run saved it before, as it was then
        ref = ref_of(run.run, store.AGAIN, f"{name}/{salvaged.commit}")
    _keep(run, ref, salvaged.commit)
    return ref


def _keep(run: Recovery, ref: str, commit: CommitId) -> None:
    run.door.make(MoveRef(ref, None, commit))
    if run.in_vault is not None:
        run.in_vault.setdefault(commit, ref)


def pin_dangling(run: Recovery, name: str) -> tuple[str, ...]:
    """Keep what nothing names any more: what a lost index had staged is among it."""
    commit = dangling_objects.gather(run.orchestration.common)
    if commit is None:
        return ()
    ref = _existing_ref(run, commit) or ref_of(run.run, "dangling", f"{name or 'primary'}/{commit}")
    _keep(run, ref, commit)
    return (ref,)


def worktree_of(name: str, fresh: Snapshot) -> Worktree:
    """Return the checkout a step names, as it is now; raises RefusedError when it is gone."""
    found = worktree_named(name, fresh)
    if found is None:
        raise RefusedError(f"worktree {name} is no longer registered")
    return found


def source_of(run: Recovery, tree: Worktree) -> Source:
    """Name a checkout to the salvager; the state database has its own copy in the vault."""
    state = run.orchestration.state
    files = ("", "-wal", "-shm", "-journal") if tree.is_primary and "://" not in state else ()
    without = tuple(Path(f"{state}{suffix}") for suffix in files)
    return Source(Path(tree.moved_to or tree.path), Path(tree.admin), without)


@contextmanager
def _still(tree: Worktree, fresh: Snapshot) -> Iterator[None]:
    """Freeze the agents of a worktree for the moment of its salvage; never a person's shell."""
    agents = [one.identity for one in fresh.in_worktree(tree.name) if one.role is not Role.PERSON]
    with frozen(agents) if agents and not tree.is_primary else nullcontext():
        yield


def _sentence(tree: Worktree, salvaged: Salvaged, ref: str) -> str:
    parts = [f"{_held(tree.unsaved)}, kept as {ref}"]
    if salvaged.vanished_share > MASS_DELETION:
        parts.append(
            f"{salvaged.vanished_share:.0%} of its tracked files have vanished: look at it"
        )
    if salvaged.ignored_skipped:
        left = counted(len(salvaged.ignored_skipped), "ignored file")
        parts.append(f"not in it, and left in place: {left} beyond what is copied of them")
    if salvaged.unreadable:
        closed = counted(len(salvaged.unreadable), "file")
        parts.append(f"not in it, and left in place: {closed} that could not be read")
    return "; ".join(parts)


def _held(unsaved: Unsaved) -> str:
    if unsaved.known is not Truth.YES:
        return "all that is there"  # which of it is in no commit could not be told
    return counted(len(unsaved.paths), "unsaved path") if unsaved.paths else "nothing unsaved"
