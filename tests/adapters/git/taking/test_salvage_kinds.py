"""Nested repositories, odd names, links, modes and special files are saved as they are."""

import os
import socket
from contextlib import chdir
from pathlib import Path

import pytest

from tests.adapters.git.taking.salvaging import Repository, restored, without_link
from tests.world.brutal import leave_nested_repository
from tests.world.inventory import git_bytes
from tests.world.shell import git_status
from unjam.adapters.git.restoring.restore import list_files
from unjam.adapters.git.taking.salvage import Source, salvage, signature
from unjam.errors import RefusedError


def test_nested_repositories_of_every_kind_come_back(plain: Repository) -> None:
    tree = plain.tree
    leave_nested_repository(tree / "lib")
    leave_nested_repository(tree / "lib/deeper")
    (tree / "unborn").mkdir()
    plain.git("init", "--quiet", cwd=tree / "unborn")
    (tree / "unborn/work.txt").write_text("never committed\n")
    plain.git("worktree", "add", "--quiet", "-b", "inner", str(tree / "inner-worktree"))
    (tree / "inner-worktree/edit.txt").write_text("in a worktree in a worktree\n")
    before = without_link(tree)

    saved = plain.save()

    assert restored(plain, saved) == before
    out = plain.path.parent / "out"
    assert plain.git("log", "--format=%s", cwd=out / "lib/deeper") == "Inner"
    assert git_status("fsck", "--strict", cwd=plain.path) == 0


def test_a_submodule_is_saved_with_its_commits(plain: Repository, tmp_path: Path) -> None:
    library = Repository(tmp_path / "library", brutal=False)
    plain.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "sub",
        cwd=plain.tree,
    )  # fmt: skip
    plain.commit("With a submodule", cwd=plain.tree)
    (plain.tree / "sub/new.txt").write_text("only here\n")
    unpushed = plain.commit("Unpushed", cwd=plain.tree / "sub")
    (plain.tree / "sub/unsaved.txt").write_text("not even committed\n")

    saved = plain.save()

    held = {one.path for one in list_files(plain.common, saved.commit)}
    assert f"modules/sub/objects/{unpushed[:2]}/{unpushed[2:]}" in held
    assert plain.shown(saved, "nested/0/worktree/unsaved.txt") == b"not even committed\n"
    link = git_bytes("ls-tree", saved.commit + ":worktree", "sub", cwd=plain.vault)
    assert link.startswith(b"160000 commit ")


def test_the_primary_is_saved_without_its_agents_and_without_what_all_share(
    repo: Repository,
) -> None:
    (repo.path / "mine.txt").write_text("a person's\n")

    saved = repo.save(repo.primary)

    held = {(one.area, one.path) for one in list_files(repo.common, saved.commit)}
    assert ("worktree", "mine.txt") in held
    assert ("admin", "HEAD") in held
    assert ("admin", "logs/HEAD") in held
    assert not any(path.startswith(".worktrees/") for _, path in held)
    assert not any(path.startswith(("objects/", "refs/heads", "config")) for _, path in held)


def test_the_primary_is_known_by_any_of_its_names(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(tmp_path)
    alias = tmp_path / "alias/repo"

    saved = repo.save(Source(alias, alias / ".git"))

    held = {(one.area, one.path) for one in list_files(repo.common, saved.commit)}
    assert ("worktree", "src/app.py") in held
    assert not any(path.startswith((".worktrees/", "objects/")) for _, path in held)
    assert signature(Source(alias, alias / ".git")) == saved.signature


def test_names_no_tree_may_hold_come_back_too(plain: Repository) -> None:
    tree = plain.tree
    for name in (".GIT", "git~1", ".git ", ".g\u200cit", ".git::$INDEX_ALLOCATION", "a\\.git"):
        (tree / "odd").mkdir(exist_ok=True)
        (tree / "odd" / name).write_text(name)
    (tree / "Sub").mkdir()
    (tree / "Sub/.Git").mkdir()
    (tree / "Sub/.Git/config").write_text("not a repository\n")
    (tree / ".gitmodules").symlink_to("/etc/passwd")
    before = without_link(tree)

    saved = plain.save()

    assert restored(plain, saved) == before
    assert git_status("fsck", "--strict", cwd=plain.path) == 0


def test_links_are_saved_and_never_followed(plain: Repository, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "secret.txt").write_text("not yours\n")
    (plain.tree / "folder").symlink_to(secret)
    (plain.tree / "file").symlink_to(secret / "secret.txt")
    (plain.tree / "loop").symlink_to("loop")

    saved = plain.save()

    listing = {one.path: one for one in list_files(plain.common, saved.commit)}
    assert listing["folder"].mode is None
    assert "folder/secret.txt" not in listing
    assert plain.shown(saved, "worktree/folder") == os.fsencode(secret)


def test_a_worktree_that_is_a_link_is_refused(plain: Repository, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(plain.tree)

    with pytest.raises(RefusedError, match="symbolic link"):
        salvage(plain.common, Source(link, plain.admin))


def test_modes_that_git_does_not_keep_come_back(plain: Repository) -> None:
    modes = {"secret": 0o600, "readonly": 0o444, "setuid": 0o4755, "group": 0o664, "none": 0o000}
    for name, mode in modes.items():
        (plain.tree / name).write_text(name)
        (plain.tree / name).chmod(mode)
    (plain.tree / "closed/inner").mkdir(parents=True)
    (plain.tree / "closed/inner/file").write_text("x")
    (plain.tree / "closed").chmod(0o550)

    saved = plain.save()

    assert restored(plain, saved) == without_link(plain.tree)


def test_special_files_are_named_and_do_not_stop_it(plain: Repository) -> None:
    os.mkfifo(plain.tree / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        with chdir(plain.tree):  # its name is too long from elsewhere
            listener.bind("socket")
        saved = plain.save()

    assert saved.special == ("fifo", "socket")
    assert saved.complete


def test_what_cannot_be_read_is_named(plain: Repository) -> None:
    descriptor = os.open(plain.tree, os.O_RDONLY)
    for _ in range(30):  # deeper than a path can be named
        os.mkdir("d" * 200, dir_fd=descriptor)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)

    saved = plain.save()

    assert len(saved.unreadable) == 1
    assert not saved.complete
