"""Unsaved work of every awkward kind, as agents leave it."""

import os
from pathlib import Path

from tests.world.shell import git


def prepare_for_brutal_work(repo: Path) -> None:
    """Commit to the trunk the files that ``leave_brutal_work`` then mistreats."""
    for name in ("staged.txt", "edited_twice.txt", "deleted.txt", "removed.txt", "renamed.txt"):
        (repo / name).write_text(f"{name}, as it was\n")
    (repo / "script.sh").write_text("#!/bin/sh\n")
    (repo / "windows.txt").write_bytes(b"one\ntwo\n")
    (repo / "target").symlink_to("src/app.py")
    (repo / ".gitattributes").write_text("windows.txt text=auto\n*.secret filter=scrub\n")
    with (repo / ".gitignore").open("a") as file:
        file.write("*.ignored\nbuild/\n")
    git("add", "--all", cwd=repo)
    git("commit", "--quiet", "-m", "Files to mistreat", cwd=repo)
    git("config", "filter.scrub.clean", "sed s/hunter2/REDACTED/", cwd=repo)
    git("config", "filter.scrub.smudge", "cat", cwd=repo)


def leave_brutal_work(tree: Path) -> None:
    """Leave unsaved work of every kind in this worktree; nothing of it is in any commit."""
    _leave_staged(tree)
    _leave_changed(tree)
    _leave_untracked(tree)
    leave_nested_repository(tree / "nested")
    (tree / "empty" / "deeper").mkdir(parents=True)


def leave_large_file(tree: Path, *, megabytes: int = 1024) -> Path:
    """Leave one untracked file of bytes that do not compress."""
    path = tree / "large.bin"
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    return path


def leave_nested_repository(path: Path) -> None:
    """Leave a repository of its own inside, with a commit and unsaved work."""
    path.mkdir()
    git("init", "--quiet", "--initial-branch=inner", cwd=path)
    (path / "inner.txt").write_text("committed inside\n")
    git("add", "--all", cwd=path)
    git("commit", "--quiet", "-m", "Inner", cwd=path)
    (path / "inner-unsaved.txt").write_text("unsaved inside\n")


def _leave_staged(tree: Path) -> None:
    (tree / "staged.txt").write_text("only staged\n")
    (tree / "edited_twice.txt").write_text("staged, then edited\n")
    (tree / "index_only.txt").write_text("in the index and nowhere else\n")
    git("add", "staged.txt", "edited_twice.txt", "index_only.txt", cwd=tree)
    (tree / "index_only.txt").unlink()
    (tree / "edited_twice.txt").write_text("edited after staging\n")
    git("rm", "--quiet", "removed.txt", cwd=tree)
    git("mv", "renamed.txt", "new name.txt", cwd=tree)


def _leave_changed(tree: Path) -> None:
    (tree / "deleted.txt").unlink()
    (tree / "script.sh").chmod(0o755)
    (tree / "target").unlink()
    (tree / "target").symlink_to("no/such/place")
    (tree / "windows.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")


def _leave_untracked(tree: Path) -> None:
    for name in (
        b"new\nline.txt",
        b"\xff\xfe not utf-8",
        b"-rf",
        b" leading space",
        b"ws-\xc3\xbc",
    ):
        (tree / os.fsdecode(name)).write_bytes(b"untracked: " + name)
    (tree / "password.secret").write_text("hunter2\n")
    (tree / "crlf.txt").write_bytes(b"dos\r\n")
    (tree / "private").write_text("0600\n")
    (tree / "private").chmod(0o600)
    (tree / "dangling").symlink_to(os.fsdecode(b"nowhere-\xff"))
    (tree / "cache.ignored").write_text("ignored, and dear to somebody\n")
    (tree / "build").mkdir()
    (tree / "build" / "artefact.o").write_bytes(bytes(range(256)))
