"""A checkout that is rewritten in place, killed at any of its steps: run again it ends there, with every byte."""

import os
import signal
import sys
from multiprocessing import get_context

from tests.world import World, git
from unjam.domain.steps.outcome import RunWord
from unjam.domain.world.identity import CommitId
from unjam.engine.acts.recovery import Permission
from unjam.engine.acts.salvage import save_now, worktree_of
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.session import Terms, end, session
from unjam.engine.running.vault_restore import in_place

STEPS = frozenset(("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.symlink"))
STRIDE = 13


def saved(world: World) -> CommitId:
    """A salvage of edits that are gone by now."""
    world.primary.stage("draft.txt", "staged\n")
    world.primary.edit("draft.txt", "staged, and edited\n")
    world.primary.edit("deep/notes.txt", "untracked\n")
    terms = Terms("restore", by_settings=False)
    with session(open_orchestration(world.repo), terms, Permission()) as run:
        commit = save_now(run, worktree_of("", run.look(""))).salvaged.commit
        end(run, RunWord.RECOVERED)
    return commit


def edit_since(world: World, number: int) -> None:
    git("rm", "--quiet", "--force", "draft.txt", cwd=world.repo)
    world.primary.stage("staged_since.txt", f"staged since, {number}\n")
    world.primary.edit("since/then.txt", f"written since, {number}\n")
    world.primary.edit("deep/notes.txt", f"written over, {number}\n")


def restore(world: World, commit: CommitId) -> None:
    terms = Terms("restore", by_settings=False)
    with session(open_orchestration(world.repo), terms, Permission()) as run:
        in_place(run, commit)
        end(run, RunWord.RECOVERED)


def restore_and_die(world: World, commit: CommitId, number: int) -> None:
    """End this process right before the n-th step that changes a name in the file system."""
    left = number

    def heard(event: str, _: object) -> None:
        nonlocal left
        left -= event in STEPS
        if event in STEPS and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    restore(world, commit)


def test_killed_anywhere_it_ends_there_when_run_again_and_every_byte_is_found(
    world: World,
) -> None:
    commit = saved(world)
    expected = world.inventory()
    kills, number = 0, 1
    while True:
        edit_since(world, number)
        treasure = world.treasure()
        child = get_context("fork").Process(target=restore_and_die, args=(world, commit, number))
        child.start()
        child.join()

        restore(world, commit)

        assert world.lost(treasure) == [], number
        assert world.inventory() == expected, number
        if child.exitcode != -signal.SIGKILL:
            break
        kills, number = kills + 1, number + STRIDE
    assert child.exitcode == 0
    assert kills > 3
