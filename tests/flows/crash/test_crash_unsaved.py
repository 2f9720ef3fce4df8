"""Unsaved work of every kind: the vault has each byte of it, and gives it back."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam
from tests.flows.building import begun, on_trunk, recovered
from tests.recovering import recover, sentences, undo
from tests.world import (
    Workstream,
    World,
    git,
    leave_brutal_work,
    leave_large_file,
    prepare_for_brutal_work,
)
from tests.world.inventory import entries, git_bytes


def brutalised(world: World) -> Workstream:
    """A dead workstream with unsaved work of every kind and no commit."""
    prepare_for_brutal_work(world.repo)
    stream = world.workstream("ws-15").worktree().row("running")
    leave_brutal_work(stream.tree)
    return stream


def contents(root: Path) -> dict[str, str]:
    """Every name below a directory with its kind, mode and content, but its link to Git."""
    return {name: what for name, what in entries(root) if name != ".git"}


def index_of(tree: Path) -> bytes:
    """Every entry of a worktree's index."""
    return git_bytes("ls-files", "--stage", "-v", "-z", cwd=tree)


def salvage_of(document: dict[str, object]) -> str:
    """The vault ref of the one worktree that a recovery saved."""
    kept = document["vault"]
    assert isinstance(kept, list)
    (ref,) = [one for one in kept if "/worktree/" in one]
    return str(ref)


def test_unsaved_work_of_every_kind_is_kept_and_undo_puts_it_back(lonely: World) -> None:
    stream = brutalised(lonely)
    treasure, before = lonely.treasure(), lonely.inventory()

    document = recovered(lonely)

    assert not stream.tree.exists()
    assert lonely.state.status("ws-15") == "failed"
    assert salvage_of(document) in str(lonely.state.value("ws-15", "error_message"))
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def test_the_vault_restores_every_byte_into_a_directory(lonely: World, tmp_path: Path) -> None:
    stream = brutalised(lonely)
    saved = contents(stream.tree)
    ref = salvage_of(recovered(lonely))
    target = tmp_path / "restored here"

    ended = unjam("vault", "restore", ref, "--to", target, cwd=lonely.repo)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert str(target) in ended.stdout
    assert contents(target) == saved


def test_the_vault_restores_the_files_onto_a_branch(lonely: World) -> None:
    stream = brutalised(lonely)
    texts = {
        "staged.txt": "only staged",
        "edited_twice.txt": "edited after staging",
        "password.secret": "hunter2",
    }
    ref = salvage_of(recovered(lonely))

    ended = unjam("vault", "restore", ref, "--branch", "rescued", cwd=lonely.repo)

    assert (ended.returncode, ended.stderr) == (0, "")
    shown = {name: git("show", f"rescued:{name}", cwd=lonely.repo) for name in texts}
    assert shown == texts
    assert git_bytes("show", "rescued:windows.txt", cwd=lonely.repo) == b"one\r\ntwo\r\nthree\r\n"
    assert git("rev-parse", "rescued~1", cwd=lonely.repo) == lonely.trunk
    assert not stream.tree.exists()


def test_the_vault_restores_a_worktree_in_place_with_its_index(lonely: World) -> None:
    stream = brutalised(lonely)
    saved, index = contents(stream.tree), index_of(stream.tree)
    document = recovered(lonely)
    ref = salvage_of(document)
    undo(lonely.repo, document["run"])
    (stream.tree / "staged.txt").write_text("spoilt\n")
    (stream.tree / "dangling").unlink()
    git("reset", "--quiet", cwd=stream.tree)
    treasure = lonely.treasure()

    ended = unjam("vault", "restore", ref, "--in-place", cwd=lonely.repo)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert contents(stream.tree) == saved
    assert index_of(stream.tree) == index
    assert lonely.lost(treasure) == []


def test_a_worktree_that_is_gone_is_not_restored_in_place(lonely: World) -> None:
    brutalised(lonely)
    ref = salvage_of(recovered(lonely))

    ended = unjam("vault", "restore", ref, "--in-place", cwd=lonely.repo)

    assert ended.returncode == 3
    assert "--to or --branch" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_unsaved_work_beside_commits_is_kept_when_the_commits_land(lonely: World) -> None:
    stream = begun(lonely)
    stream.leaves({"src/later.py": "later = 1\n", "src/part_15.py": "rewritten = 1\n"})
    hidden = stream.leaves_commit_in_reflog({"src/thrown.py": "thrown = 1\n"})
    stream.leaves({"src/later.py": "later = 2\n"})
    treasure = lonely.treasure()

    document = recovered(lonely)

    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert on_trunk(lonely, "src/later.py") is None
    kept = git("rev-list", "--all", cwd=lonely.repo).splitlines()
    assert hidden in kept
    shown = git("show", f"{salvage_of(document)}:worktree/src/later.py", cwd=lonely.vault)
    assert shown == "later = 2"
    assert lonely.lost(treasure) == []


def test_a_large_ignored_file_keeps_its_worktree_in_its_place(lonely: World) -> None:
    prepare_for_brutal_work(lonely.repo)
    stream = lonely.workstream("ws-15").worktree().row("running")
    stream.leaves({"src/draft.py": "draft = 1\n", "small.ignored": "small\n"})
    large = stream.tree / "model.ignored"
    with large.open("wb") as file:
        file.truncate(51 << 20)
    treasure = lonely.treasure()

    document = recover(lonely.repo)

    assert large.stat().st_size == 51 << 20
    said = sentences(document, "remove worktree")[str(stream.tree.relative_to(stream.primary))]
    assert said.startswith("refused: it keeps its place: model.ignored")
    assert document["word"] == "partly recovered"
    assert lonely.state.status("ws-15") == "failed"
    assert lonely.lost(treasure) == []


def test_small_ignored_files_are_copied_and_their_worktree_goes(lonely: World) -> None:
    prepare_for_brutal_work(lonely.repo)
    stream = lonely.workstream("ws-15").worktree().row("running")
    stream.leaves({"notes.ignored": "dear to somebody\n"})
    treasure = lonely.treasure()

    document = recovered(lonely)

    assert not stream.tree.exists()
    shown = git("show", f"{salvage_of(document)}:worktree/notes.ignored", cwd=lonely.vault)
    assert shown == "dear to somebody"
    assert lonely.lost(treasure) == []


# Worktrees that are not what they should be


def test_a_locked_worktree_keeps_its_place_and_its_reason_is_said(lonely: World) -> None:
    stream = begun(lonely)
    git("worktree", "lock", "--reason", "on a stick", str(stream.tree), cwd=lonely.repo)
    treasure = lonely.treasure()

    document = recover(lonely.repo)

    said = sentences(document, "remove worktree")[str(stream.tree.relative_to(stream.primary))]
    assert said == "refused: it keeps its place: it is locked (on a stick)"
    assert stream.tree.is_dir()
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert lonely.state.status("ws-15") == "completed"
    assert lonely.lost(treasure) == []


def test_a_worktree_whose_directory_is_gone_is_unregistered_and_its_commits_land(
    lonely: World,
) -> None:
    stream = begun(lonely)
    hidden = stream.leaves_commit_in_reflog({"src/thrown.py": "thrown = 1\n"})
    elsewhere = lonely.root / "moved away by somebody"
    stream.tree.rename(elsewhere)
    treasure, before = lonely.treasure(), lonely.inventory()

    document = recovered(lonely)

    assert str(stream.tree) not in git("worktree", "list", "--porcelain", cwd=lonely.repo)
    assert elsewhere.is_dir()
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert hidden in git("rev-list", "--all", cwd=lonely.repo).splitlines()
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def test_a_worktree_that_is_a_link_is_not_followed(lonely: World) -> None:
    stream = begun(lonely)
    elsewhere = lonely.root / "elsewhere"
    stream.tree.rename(elsewhere)
    stream.tree.symlink_to(elsewhere)
    treasure, before = lonely.treasure(), contents(elsewhere)

    document = recover(lonely.repo)

    assert stream.tree.readlink() == elsewhere
    assert contents(elsewhere) == before
    (said,) = sentences(document, "remove worktree").values()
    assert said.startswith("refused: it keeps its place")
    assert document["word"] == "partly recovered"
    assert lonely.lost(treasure) == []


def test_a_file_that_nobody_may_read_keeps_its_worktree_in_its_place(lonely: World) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    stream = lonely.workstream("ws-15").worktree().row("running")
    stream.leaves({"secret.txt": "unreadable\n"})
    (stream.tree / "secret.txt").chmod(0)

    document = recover(lonely.repo)

    said = sentences(document, "remove worktree")[str(stream.tree.relative_to(stream.primary))]
    assert "secret.txt" in said
    assert stream.tree.is_dir()


@pytest.mark.slow
@pytest.mark.parametrize(
    "megabytes", [200, pytest.param(1024, marks=pytest.mark.thorough)], ids="{} MB".format
)
def test_a_large_file_is_kept_and_comes_back(
    new_world: Callable[..., World], tmp_path: Path, megabytes: int
) -> None:
    world = new_world(remote=False)
    world.configure(policy={"restart": "off"})
    stream = world.workstream("ws-15").worktree().row("running")
    leave_large_file(stream.tree, megabytes=megabytes)
    saved = contents(stream.tree)

    ref = salvage_of(recovered(world))

    assert not stream.tree.exists()
    ended = unjam("vault", "restore", ref, "--to", tmp_path / "back", cwd=world.repo)
    assert ended.returncode == 0
    assert contents(tmp_path / "back") == saved
