"""Make damaged checkouts whole again: their links, their Git files, their directories."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git import refs
from unjam.adapters.git.all_refs import last_of, read_tips
from unjam.adapters.git.command import Git
from unjam.adapters.git.first_questions import ask_tips
from unjam.adapters.git.mending import replacements
from unjam.adapters.git.mending.cure import Patient, cures, rewritten
from unjam.adapters.git.mending.shared_cure import shared_cures
from unjam.adapters.git.mending.shared_files import find_damaged_files, find_packs, kept_config
from unjam.adapters.git.mending.worktree_links import dot_git_of
from unjam.domain.steps.change import MovePath, MoveRef, WriteFile
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import (
    Mend,
    MendShared,
    NameCommits,
    Recreate,
    Register,
    RestoreBranch,
    SetAside,
    Unregister,
)
from unjam.domain.world.damage import SharedDamage
from unjam.domain.world.identity import CommitId
from unjam.domain.world.lookups import branch_at, stray_at
from unjam.domain.world.snapshot import Snapshot, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.engine.acts.clean import refuse_unless_saved
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.acts.salvage import pin_dangling, worktree_of
from unjam.engine.acts.vault_places import place_for_made, shared_place, trash_for
from unjam.errors import RefusedError


def mend(run: Recovery, step: Mend, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Cure one damage after the other; what cannot be told is left, and said."""
    tree = worktree_of(step.worktree, fresh)
    path = Path(tree.moved_to or tree.path)
    if path.is_symlink():
        raise RefusedError(f"{path} is a symbolic link: look at where it leads first")
    patient = Patient(
        common=run.orchestration.common,
        path=path,
        admin=Path(tree.admin),
        damage=tree.damage,
        usual=tuple(_usual_branches(tree, fresh)),
        aside=trash_for(run, path) / "repository",
    )
    made = 0
    for change in cures(patient):
        run.door.make(change)
        made += 1
    sentence = f"{counted(made, 'repair')}: {'; '.join(tree.damage)}"
    word = StepWord.DONE if made else StepWord.ALREADY_DONE
    return (outcome(step, word, sentence),)


def restore_branch(run: Recovery, step: RestoreBranch, _fresh: Snapshot) -> tuple[Outcome, ...]:
    """Write the ref as a file: Git refuses to move one it cannot read."""
    common = run.orchestration.common
    git, name = Git(common), step.ref.removeprefix(refs.BRANCHES)
    if step.ref in read_tips(git, ask_tips(git)).named:
        return (outcome(step, StepWord.ALREADY_DONE, "it is there"),)
    if last_of(common, step.ref) != step.tip or not refs.is_branch_name(git, name):
        raise RefusedError(f"its reflog no longer says that {name} stood at {step.tip}")
    path = common / step.ref
    files.refuse_outside(path, common)
    aside = trash_for(run, path) / "in-place-of-ref"
    for change in rewritten(path, f"{step.tip}\n".encode(), aside):
        run.door.make(change)
    return (outcome(step, StepWord.DONE, f"it is at {step.tip[:12]} again"),)


def name_commits(run: Recovery, step: NameCommits, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Make the branch; one of this name at another commit is somebody's, and stays."""
    if any(ref == step.ref and tip == step.tip for ref, tip in _branches(fresh)):
        return (outcome(step, StepWord.ALREADY_DONE, "it is there"),)
    run.door.make(MoveRef(step.ref, None, step.tip))
    for tree in fresh.worktrees:  # a salvage before this said that no branch holds it
        saved = run.saved.get(tree.name)
        if saved and not saved.uncommitted and set(tree.hidden) == {step.tip}:
            run.saved[tree.name] = replace(saved, at_risk=False)
    return (outcome(step, StepWord.DONE, f"it is at {step.tip[:12]}, which no branch held"),)


def _branches(fresh: Snapshot) -> tuple[tuple[str, CommitId], ...]:
    return (*((one.ref, one.tip) for one in fresh.branches if not one.nameless), *fresh.others)


def _usual_branches(tree: Worktree, fresh: Snapshot) -> Iterator[str]:
    """Name the branches of a worktree's workstream, that of the agent in its name first."""
    own = [one for one in fresh.branches if one.workstream == tree.workstream]
    own.sort(key=lambda one: one.agent is None or one.agent not in tree.path.name)
    return (one.ref for one in own)


def register(run: Recovery, step: Register, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Make the admin directory aside, rename it into place, and let the directory name it."""
    stray, branch = stray_at(step.path, fresh), branch_at(step.branch, fresh)
    if stray is None or branch is None:
        raise RefusedError(f"{fresh.place(step.path)} or its branch is gone")
    common = run.orchestration.common
    used, where = refs.in_use(common, branch.ref)
    if used is not Truth.NO:
        raise RefusedError(f"{branch.name} is in use by {where}")
    kept = pin_dangling(run, stray.names)
    path, admin = Path(stray.path), common / "worktrees" / stray.names
    made = place_for_made(run, admin)
    replacements.make_admin(common, made, path, (f"ref: {branch.ref}", branch.tip))
    if files.exists(admin):
        run.door.make(MovePath(admin, trash_for(run, path) / "in-place-of-admin"))
    run.door.make(MovePath(made, admin))
    named = dot_git_of(common, path, admin)
    link = WriteFile(path / ".git", files.content(path / ".git"), named)
    if link.before != link.after:
        run.door.make(link)
    sentence = f"registered again, on {branch.name}; nothing of its files was touched"
    return (outcome(step, StepWord.DONE, sentence, *kept),)


def recreate(run: Recovery, step: Recreate, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Write its files anew aside, and rename them into place."""
    tree = worktree_of(step.worktree, fresh)
    path, admin = Path(tree.path), Path(tree.admin)
    if files.exists(path):
        return (outcome(step, StepWord.ALREADY_DONE, "its directory is there"),)
    made = place_for_made(run, path)
    replacements.make_checkout(run.orchestration.common, made, admin, path)
    run.door.make(MovePath(made, path))
    sentence = "its files are as they were staged; what was never staged is gone with the directory"
    return (outcome(step, StepWord.DONE, sentence),)


def unregister(run: Recovery, step: Unregister, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move one admin directory into the vault, if that holds all it has."""
    tree = worktree_of(step.worktree, fresh)
    refuse_unless_saved(run, tree)
    target = trash_for(run, Path(tree.admin)) / "admin"
    run.door.make(MovePath(tree.admin, target))
    return (outcome(step, StepWord.DONE, f"moved to {fresh.place(target)}", str(target)),)


def set_aside(run: Recovery, step: SetAside, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Rename a stray into the vault, as it is; a link is moved, not what it leads to."""
    target = trash_for(run, Path(step.path)) / "tree"
    run.door.make(MovePath(step.path, target))
    return (outcome(step, StepWord.DONE, f"moved to {fresh.place(target)}", str(target)),)


def mend_shared(run: Recovery, step: MendShared, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Cure one file, if it is damaged still; what it held is in the vault."""
    common, path = run.orchestration.common, Path(step.path)
    damaged = (*find_damaged_files(common), *find_packs(common))
    file = next((one for one in damaged if one.path == path), None)
    if file is None:
        return (outcome(step, StepWord.ALREADY_DONE, "it is whole"),)
    kept = []
    for change in shared_cures(common, file, shared_place(run, path)):
        run.door.make(change)
        if isinstance(change, MovePath) and Path(change.source) == path:
            kept.append(str(change.target))
    where = _advice(file.damage, kept_config(common))
    where += f"; what was there is kept as {fresh.place(Path(kept[0]))}" if kept else ""
    return (outcome(step, StepWord.DONE, f"it is whole again{where}", *kept),)


def _advice(damage: SharedDamage, copy: Path) -> str:
    if damage is SharedDamage.CONFIG and not files.exists(copy):
        return ", as Git makes one: look whether your remotes and settings are in it"
    return " as of the last run" if damage is SharedDamage.CONFIG else ""
