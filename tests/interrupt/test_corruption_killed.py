"""SIGKILL in the middle of a repair, then again until it ends: the end is that of an undisturbed one."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interrupt.driver import DRIVER
from tests.interrupt.killing import comparable, kill_until_it_ends, seeds, start
from tests.world import BREAKAGES, Treasure, World, at_work, git, git_status, spoil, taken_by
from tests.world.shared_damage import SHARED

DAMAGE = {
    "ws-01": ("dot_git_missing", "index_cut"),
    "ws-02": ("admin_gone",),
    "ws-03": ("directory_gone",),
    "ws-04": ("repository_inside", "head_null"),
    "ws-05": ("branch_missing", "commondir_empty", "index_lock"),
    "ws-06": ("moved", "gitdir_garbage"),
    "ws-07": ("never_finished",),
    "ws-08": ("registered_twice", "stray_directory", "link_to_outside", "bare"),
}


def wreck(world: World) -> Treasure:
    """A worktree of every kind of damage, a blob lost, and nobody at work; what there was before."""
    world.configure(policy={"restart": "off"})
    world.state.create()
    streams = [at_work(world, name) for name in DAMAGE]
    admins = {one.name: one.admin for one in streams}
    treasure = world.treasure()
    blob = git("rev-parse", f"{streams[0].branch}:src/done.py", cwd=world.repo)
    for one in streams:
        for breakage in DAMAGE[one.name]:
            BREAKAGES[breakage](one, admins[one.name])
    spoil(world.repo, blob)
    return treasure


def taken(lost: str) -> bool:
    """What went with the directory of ws-03; the same bytes lie in other worktrees, too."""
    return "agent-1-ws-03/" in lost and taken_by("directory_gone", lost)


def without_links(world: World) -> dict[str, str]:
    """The inventory; of the files that hold this world's own paths, whether they are right."""
    links = set((world.repo / ".worktrees").glob("*/.git"))
    links |= set((world.common / "worktrees").glob("*/gitdir"))
    right = {str(link): str(world.repo) in link.read_text() for link in links}
    found = {
        key: value
        for key, value in comparable(world).items()
        if not key.endswith(("/.git", " gitdir"))
    }
    return found | {key.removeprefix(str(world.root)): str(value) for key, value in right.items()}


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_again_and_again_a_repair_reaches_the_end_of_an_undisturbed_one(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    calm, disturbed = new_world(remote=False), new_world(remote=False)
    wreck(calm)
    treasure = wreck(disturbed)
    words: list[str | Path] = [sys.executable, DRIVER, "."]
    for _ in range(2):  # what the first repair uncovers, the second treats
        calmed = start(calm, tmp_path / "calm.out", *words).wait()
        assert calmed == 0, (tmp_path / "calm.out").read_text()

    kills = kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed)
    kills += kill_until_it_ends(disturbed, tmp_path / "disturbed.out", words, seed + 10)

    assert kills > 0
    assert [one for one in disturbed.lost(treasure) if not taken(one)] == []
    assert git_status("fsck", "--connectivity-only", cwd=disturbed.repo) == 0
    assert without_links(disturbed) == without_links(calm)


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_again_and_again_a_repository_in_which_git_sees_nothing_is_made_whole(
    new_world: Callable[..., World], tmp_path: Path, seed: int
) -> None:
    world = new_world(remote=False)
    world.configure(policy={"restart": "off"})
    world.state.create()
    streams = [at_work(world, name) for name in ("ws-01", "ws-02")]
    treasure = world.treasure()
    for breakage in ("index of a pack nulled", "packed refs cut", "config nulled", "HEAD empty"):
        SHARED[breakage](world.repo)
    words: list[str | Path] = [sys.executable, DRIVER, "."]

    kills = sum(
        kill_until_it_ends(world, tmp_path / "disturbed.out", words, seed + 10 * more)
        for more in range(3)
    )

    assert kills > 0
    assert world.lost(treasure) == []
    assert git_status("fsck", "--connectivity-only", cwd=world.repo) == 0
    for one in streams:
        assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=one.tree) == one.branch
