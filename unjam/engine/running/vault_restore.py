"""Bring back what the vault holds, and drop what nobody needs any more."""

from datetime import datetime, timedelta
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.restoring.restore import restore_to
from unjam.adapters.git.restoring.salvage_commit import branch_commit, source_of_salvage
from unjam.adapters.git.taking import store
from unjam.adapters.git.vault.compact import compact
from unjam.domain.steps.change import MoveRef
from unjam.domain.world.identity import CommitId
from unjam.domain.world.lookups import processes_in, worktree_at
from unjam.domain.world.words import counted
from unjam.engine.acts.recovery import Recovery
from unjam.engine.acts.salvage import restoration, save_now
from unjam.engine.keeping.past_runs import past_run
from unjam.engine.keeping.vault import NAMESPACE, Kept, kept
from unjam.engine.orchestration import Orchestration
from unjam.errors import RefusedError, UnjamError, UsageError


def kept_commit(orchestration: Orchestration, name: str) -> CommitId:
    """Return the commit of a vault ref; raises UsageError for anything else."""
    full = name if name.startswith(f"{NAMESPACE}/") else f"{NAMESPACE}/{name}"
    commit = store.resolve(orchestration.common, full)
    if commit is None:
        raise UsageError(f"{name} is not in the vault; `unjam vault list` shows what is")
    return commit


def to_directory(orchestration: Orchestration, commit: CommitId, target: Path) -> None:
    """Write the files of a salvage, byte for byte, into a directory that is new or empty."""
    if files.exists(target) and files.children(target):
        raise UsageError(f"{target} is not empty")
    restore_to(orchestration.common, commit, target)


def refuse_branch(orchestration: Orchestration, name: str) -> None:
    """Raise UsageError for what cannot be a new branch."""
    git = Git(orchestration.common)
    if not refs.is_branch_name(git, name):
        raise UsageError(f"{name!r} cannot be a branch's name")
    if refs.resolve(git, f"{refs.BRANCHES}{name}") is not None:
        raise UsageError(f"branch {name} exists already; choose another name")


def to_branch(run: Recovery, commit: CommitId, name: str) -> str:
    """Make a branch whose one commit holds the files of a salvage, on top of what they came from."""
    made = branch_commit(run.orchestration.common, commit, f"Restore {commit[:12]} from the vault")
    ref = f"refs/heads/{name}"
    run.door.make(MoveRef(ref, None, made))
    return ref


def in_place(run: Recovery, commit: CommitId) -> Path:
    """Bring the checkout a salvage came from back to it, saving first what is there now."""
    path, _ = source_of_salvage(run.orchestration.common, commit)
    seen = run.look()
    tree = worktree_at(path, seen)
    if tree is None:
        raise RefusedError(f"{path} is no worktree any more; restore it with --to or --branch")
    if processes_in(tree.name, seen):
        raise RefusedError(f"a process is at work in {path}")
    kept = save_now(run, tree)
    run.door.make(restoration(run, tree, kept.salvaged.commit, commit))
    return path


def droppable(orchestration: Orchestration, now: datetime) -> tuple[Kept, ...]:
    """Name what may go: kept twice, or made by a run that ended longer ago than ``vault.keep``."""
    keep: timedelta = orchestration.settings.vault.keep
    everything = kept(orchestration)
    seen: set[CommitId] = set()
    drop = []
    for one in reversed(everything):
        twice = one.commit is not None and one.commit in seen
        if one.commit is not None:
            seen.add(one.commit)
        if twice or _is_old(orchestration, one.run, now - keep):
            drop.append(one)
    return tuple(reversed(drop))


def drop(run: Recovery, one: Kept) -> None:
    """Drop one thing from the vault for good."""
    if one.commit is not None:
        run.door.make(MoveRef(one.name, one.commit, None))
    elif one.path is not None:
        run.note("dropped", path=str(one.path))
        vault = run.orchestration.home / "vault"
        files.discard(one.path, vault)
        for folder in one.path.parents:
            if folder == vault or files.children(folder):
                return
            files.discard(folder, vault)


def erase_dropped(run: Recovery) -> str:
    """Erase from the vault's packs what nothing in it leads to any more; says how much, or why not."""
    try:
        gone = compact(run.orchestration.common)
    except (UnjamError, OSError) as error:
        run.note("not erased", because=str(error))
        return f"nothing was erased from the vault's packs: {error}"
    return f"{counted(gone, 'object')} erased from the vault's packs" if gone else ""


def _is_old(orchestration: Orchestration, run_id: str, before: datetime) -> bool:
    try:
        past = past_run(orchestration, run_id)
    except UsageError:
        return False  # nobody knows whose it is: it stays
    return past.word is not None and past.started < before
