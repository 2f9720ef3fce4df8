"""Damage around a worktree, and conflicts in it, cost no byte."""

import shutil

import pytest

from tests.adapters.git.taking.salvaging import Repository, files, restored
from tests.world.inventory import git_bytes
from tests.world.shell import git_status
from unjam.adapters.git.taking.salvage import Source, signature


def remove_admin(repo: Repository) -> Source:
    shutil.rmtree(repo.admin)
    return repo.source


def unknown_admin(repo: Repository) -> Source:
    (repo.tree / ".git").unlink()
    return Source(repo.tree, None)


def garbage_link(repo: Repository) -> Source:
    (repo.tree / ".git").write_bytes(b"\0garbage")
    return repo.source


def garbage_head(repo: Repository) -> Source:
    (repo.admin / "HEAD").write_bytes(bytes(41))
    return repo.source


def no_commondir(repo: Repository) -> Source:
    (repo.admin / "commondir").unlink()
    return repo.source


def own_repository(repo: Repository) -> Source:
    (repo.tree / ".git").unlink()
    repo.git("init", "--quiet", cwd=repo.tree)
    repo.commit("Of the agent's own", cwd=repo.tree)
    return repo.source


@pytest.mark.parametrize(
    "damage",
    [remove_admin, unknown_admin, garbage_link, garbage_head, no_commondir, own_repository],
)
def test_damage_around_a_worktree_costs_no_file(repo: Repository, damage: object) -> None:
    assert callable(damage)
    source = damage(repo)

    saved = repo.save(source)

    assert restored(repo, saved) == {
        name: what
        for name, what in files(repo.tree).items()
        if name != ".git" or what.startswith("d")
    }
    assert signature(source) == saved.signature


def test_of_a_worktree_whose_directory_is_gone_the_index_is_saved(repo: Repository) -> None:
    shutil.rmtree(repo.tree)

    saved = repo.save()

    assert repo.shown(saved, "index/staged.txt") == b"only staged\n"
    assert saved.vanished_share == 1
    assert saved.tip == repo.git("rev-parse", "ws/one/agent")


def test_more_than_a_fifth_of_the_tracked_files_gone_is_told(plain: Repository) -> None:
    for number in range(8):
        (plain.tree / f"{number}.txt").write_text("x")
    plain.commit("Ten files", cwd=plain.tree)
    for number in range(5):
        (plain.tree / f"{number}.txt").unlink()

    assert plain.save().vanished_share == 0.5


def test_conflict_stages_and_the_hand_made_resolution_are_saved(plain: Repository) -> None:
    make_conflict(plain)
    (plain.tree / "src/app.py").write_text("resolved by hand\n")

    saved = plain.save()

    assert plain.shown(saved, "stage1/src/app.py") == b"print('app')\n"
    assert plain.shown(saved, "stage2/src/app.py") == b"ours\n"
    assert plain.shown(saved, "stage3/src/app.py") == b"theirs\n"
    assert plain.shown(saved, "worktree/src/app.py") == b"resolved by hand\n"
    assert plain.git("rev-parse", "theirs") in saved.parents


def make_conflict(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "theirs", cwd=repo.tree)
    (repo.tree / "src/app.py").write_text("theirs\n")
    repo.commit("Theirs", cwd=repo.tree)
    repo.git("checkout", "--quiet", "ws/one/agent", cwd=repo.tree)
    (repo.tree / "src/app.py").write_text("ours\n")
    repo.commit("Ours", cwd=repo.tree)
    assert git_status("merge", "theirs", cwd=repo.tree) == 1


def test_what_a_resolution_overwrote_is_kept(plain: Repository) -> None:
    make_conflict(plain)
    (plain.tree / "src/app.py").write_text("resolved\n")
    plain.git("add", "src/app.py", cwd=plain.tree)

    saved = plain.save()

    pinned = git_bytes("ls-tree", "--name-only", saved.commit + ":pinned", cwd=plain.vault).split()
    theirs = plain.git("rev-parse", "theirs:src/app.py").encode()
    assert theirs in pinned
