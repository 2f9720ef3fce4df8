"""Whose a worktree is, read from the links of real repositories that were copied, moved or mislinked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.adapters.git.observing.looking import clean, look, seen_in
from tests.world import Workstream, World, git
from unjam.domain.world.claims.ownership import Whose
from unjam.domain.world.damage import Damage, StrayKind
from unjam.domain.world.snapshot import Worktree
from unjam.domain.world.truth import Truth


def moved(world: World, one: Workstream, place: Path) -> Workstream:
    """Move the repository with all that is below it."""
    inside = one.tree.relative_to(world.repo)
    place.parent.mkdir(parents=True, exist_ok=True)
    world.repo.rename(place)
    one.tree = place / inside
    return one


def the_one(repo: Path) -> Worktree:
    (found,) = look(repo).worktrees
    return found


def test_a_copys_worktrees_are_the_originals(world: World) -> None:
    one = clean(world)
    copy = world.root / "copy"
    subprocess.run(("cp", "-a", world.repo, copy), check=True)

    seen = the_one(copy)

    assert (seen.whose, seen.damage, seen.path) == (Whose.ANOTHERS, (), one.tree)
    assert the_one(world.repo).whose is Whose.OURS


def test_the_copy_of_an_original_that_has_no_such_worktree_any_more(world: World) -> None:
    one = clean(world)
    copy = world.root / "copy"
    subprocess.run(("cp", "-a", world.repo, copy), check=True)
    git("worktree", "remove", str(one.tree), cwd=world.repo)

    assert Damage.RELOCATED not in the_one(copy).damage


@pytest.mark.parametrize("place", ["elsewhere", "deep/er/project", "sub/project"])
def test_a_moved_repository_finds_its_worktrees_where_they_moved_to(
    world: World, place: str
) -> None:
    one = moved(world, clean(world).leaves({"draft.txt": "a draft\n"}), world.root / place)

    seen = the_one(world.root / place)

    assert (seen.whose, seen.damage) == (Whose.RELOCATED, (Damage.RELOCATED,))
    assert seen.path == one.tree
    assert seen.unsaved.untracked == ("draft.txt",)


def test_worktrees_beside_a_repository_are_found_when_all_was_moved_together(world: World) -> None:
    one = world.workstream("ws-1")
    one.tree = world.root / "project-trees" / "agent-1-ws-1"
    one.worktree()
    together = world.root / "archive"
    together.mkdir()
    for name in ("project", "project-trees"):
        (world.root / name).rename(together / name)

    seen = the_one(together / "project")

    assert seen.whose is Whose.RELOCATED
    assert seen.path == together / "project-trees" / "agent-1-ws-1"


def test_a_worktree_that_stayed_is_known_by_both_names(world: World) -> None:
    one = world.workstream("ws-1")
    one.tree = world.root / "trees" / "agent-1-ws-1"
    one.worktree()
    world.repo.rename(world.root / "elsewhere")

    seen = the_one(world.root / "elsewhere")

    assert (seen.whose, seen.path) == (Whose.RELOCATED, one.tree)


def test_the_paths_of_windows_are_no_damage(world: World) -> None:
    one, admin = clean(world), clean_admin(world)
    (one.tree / ".git").write_text("gitdir: C:/Users/dev/project/.git/worktrees/agent-1-ws-1\n")
    (admin / "gitdir").write_text("C:/Users/dev/project/.worktrees/agent-1-ws-1/.git\n")

    seen = seen_in(world)

    assert (seen.whose, seen.damage, seen.path) == (Whose.ELSEWHERE, (), one.tree)
    assert seen.unsaved.any is Truth.NO
    assert look(world.repo).strays == ()


def clean_admin(world: World) -> Path:
    return world.common / "worktrees" / "agent-1-ws-1"


@pytest.mark.parametrize("side", ["gitdir", ".git"])
def test_where_a_container_wrote_one_of_the_links_the_other_tells(world: World, side: str) -> None:
    one, admin = clean(world), clean_admin(world)
    if side == "gitdir":
        (admin / "gitdir").write_text("/workspaces/project/.worktrees/agent-1-ws-1/.git\n")
    else:
        (one.tree / ".git").write_text("gitdir: /workspaces/project/.git/worktrees/agent-1-ws-1\n")

    seen = seen_in(world)

    assert (seen.whose, seen.damage, seen.path) == (Whose.VIEWED, (), one.tree)
    assert seen.present is Truth.YES


def test_a_place_that_is_not_here_is_not_thereby_gone(world: World) -> None:
    one, admin = clean(world), clean_admin(world)
    shutil.rmtree(one.tree)
    (admin / "gitdir").write_text("/workspaces/trees/agent-1-ws-1/.git\n")

    seen = seen_in(world)

    assert (seen.whose, seen.damage) == (Whose.ELSEWHERE, ())


@pytest.mark.parametrize("what", ["own repository", "plain directory", "the primary"])
@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_link_alone_gives_nobodys_directory_away(world: World, what: str, where: str) -> None:
    clean(world)
    place = (world.repo / ".worktrees" if where == "inside" else world.root) / "notes"
    if what == "the primary":
        place = world.repo
    elif what == "own repository":
        git("clone", "--quiet", str(world.repo), str(place), cwd=world.root)
    else:
        place.mkdir()
    (clean_admin(world) / "gitdir").write_text(f"{place}/.git\n")

    seen = seen_in(world)

    assert (seen.whose, seen.damage) == (Whose.UNPROVEN, ())


def test_a_worktree_of_another_repository_is_shown(world: World) -> None:
    clean(world)
    other = world.root / "other"
    git("clone", "--quiet", str(world.repo), str(other), cwd=world.root)
    place = world.repo / ".worktrees" / "theirs"
    git("worktree", "add", "--quiet", str(place), cwd=other)

    (stray,) = look_at_strays(world)

    assert stray is StrayKind.ANOTHERS


def look_at_strays(world: World) -> list[StrayKind]:
    from unjam.engine.observing.observe import observe
    from unjam.engine.orchestration import open_orchestration

    return [one.kind for one in observe(open_orchestration(world.repo)).strays]
