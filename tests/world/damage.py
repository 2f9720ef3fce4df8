"""What goes wrong with worktrees, done for real to one of them: each a function of its workstream."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.world.shell import git
from tests.world.workstream import Workstream

Breakage = Callable[[Workstream, Path], None]
"""Breaks a workstream's worktree; the path is its admin directory, which may be asked for no more."""


def _directory_gone(one: Workstream, _admin: Path) -> None:
    shutil.rmtree(one.tree)


def _dot_git_missing(one: Workstream, _admin: Path) -> None:
    (one.tree / ".git").unlink()


def _dot_git_empty(one: Workstream, _admin: Path) -> None:
    (one.tree / ".git").write_bytes(b"")


def _dot_git_garbage(one: Workstream, _admin: Path) -> None:
    (one.tree / ".git").write_bytes(b"\0\xff\xfegarbage\0")


def _dot_git_of_the_primary(one: Workstream, _admin: Path) -> None:
    (one.tree / ".git").write_text(f"gitdir: {one.primary}/.git\n")


def _repository_inside(one: Workstream, _admin: Path) -> None:
    (one.tree / ".git").unlink()
    git("init", "--quiet", cwd=one.tree)
    (one.tree / "inner.txt").write_text("committed where it did not belong\n")
    git("add", "inner.txt", cwd=one.tree)
    git("commit", "--quiet", "-m", "into the wrong repository", cwd=one.tree)


def _moved(one: Workstream, _admin: Path) -> None:
    one.tree.rename(one.tree.with_name("renamed-by-hand"))


def _admin_gone(_one: Workstream, admin: Path) -> None:
    shutil.rmtree(admin)


def _gitdir_missing(_one: Workstream, admin: Path) -> None:
    (admin / "gitdir").unlink()


def _gitdir_garbage(_one: Workstream, admin: Path) -> None:
    (admin / "gitdir").write_bytes(bytes(40))


def _commondir_missing(_one: Workstream, admin: Path) -> None:
    (admin / "commondir").unlink()


def _commondir_empty(_one: Workstream, admin: Path) -> None:
    (admin / "commondir").write_bytes(b"")


def _head_missing(_one: Workstream, admin: Path) -> None:
    (admin / "HEAD").unlink()


def _head_empty(_one: Workstream, admin: Path) -> None:
    (admin / "HEAD").write_bytes(b"")


def _head_null(_one: Workstream, admin: Path) -> None:
    (admin / "HEAD").write_bytes(bytes(41))


def _index_missing(_one: Workstream, admin: Path) -> None:
    (admin / "index").unlink()


def _index_empty(_one: Workstream, admin: Path) -> None:
    (admin / "index").write_bytes(b"")


def _index_cut(_one: Workstream, admin: Path) -> None:
    content = (admin / "index").read_bytes()
    (admin / "index").write_bytes(content[: len(content) // 2])


def _index_one_bit(_one: Workstream, admin: Path) -> None:
    content = bytearray((admin / "index").read_bytes())
    content[len(content) // 2] ^= 1
    (admin / "index").write_bytes(content)


def _index_is_a_directory(_one: Workstream, admin: Path) -> None:
    (admin / "index").unlink()
    (admin / "index").mkdir()


def _head_is_a_link(one: Workstream, admin: Path) -> None:
    (admin / "HEAD").unlink()
    (admin / "HEAD").symlink_to(f"refs/heads/{one.branch}")


def _admin_is_a_file(_one: Workstream, admin: Path) -> None:
    shutil.rmtree(admin)
    admin.write_text("not a directory\n")


def _branch_names_a_file(one: Workstream, _admin: Path) -> None:
    blob = git("rev-parse", "main:src/app.py", cwd=one.primary)
    (one.primary / ".git/refs/heads" / one.branch).write_text(f"{blob}\n")


def _branch_is_a_directory(one: Workstream, _admin: Path) -> None:
    (one.primary / ".git/refs/heads" / one.branch).unlink()
    (one.primary / ".git/refs/heads" / one.branch).mkdir()


def _branch_missing(one: Workstream, _admin: Path) -> None:
    (one.primary / ".git/refs/heads" / one.branch).unlink()


def _branch_garbage(one: Workstream, _admin: Path) -> None:
    (one.primary / ".git/refs/heads" / one.branch).write_bytes(b"\0garbage")


def _bare(one: Workstream, _admin: Path) -> None:
    config = one.primary / ".git/config"
    config.write_text(config.read_text().replace("bare = false", "bare = true"))


def _registered_twice(_one: Workstream, admin: Path) -> None:
    shutil.copytree(admin, admin.with_name(f"{admin.name}1"))


def _stray_directory(one: Workstream, _admin: Path) -> None:
    left = one.tree.with_name("left-over")
    left.mkdir()
    (left / "notes.txt").write_text("nobody committed this\n")


def _copied(one: Workstream, _admin: Path) -> None:
    shutil.copytree(one.tree, one.tree.with_name("a-copy"), symlinks=True)


def _link_to_outside(one: Workstream, _admin: Path) -> None:
    outside = one.primary.parent / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("not yours\n")
    one.tree.with_name("a-link").symlink_to(outside)


def _index_lock(_one: Workstream, admin: Path) -> None:
    whole = (admin / "index").read_bytes() if (admin / "index").exists() else b""
    (admin / "index.lock").write_bytes(whole)


def _head_lock(_one: Workstream, admin: Path) -> None:
    (admin / "HEAD.lock").touch()


def _ref_lock(one: Workstream, _admin: Path) -> None:
    lock = one.primary / ".git/refs/heads" / f"{one.branch}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()


def _packed_refs_lock(one: Workstream, _admin: Path) -> None:
    (one.primary / ".git/packed-refs.lock").touch()


def _config_lock(one: Workstream, _admin: Path) -> None:
    (one.primary / ".git/config.lock").touch()


def _never_finished(_one: Workstream, admin: Path) -> None:
    (admin / "locked").write_text("initializing")
    (admin / "HEAD").write_text(f"{'0' * 40}\n")
    (admin / "index").unlink(missing_ok=True)


BREAKAGES: Mapping[str, Breakage] = {
    one.__name__.removeprefix("_"): one
    for one in (
        _directory_gone,
        _dot_git_missing,
        _dot_git_empty,
        _dot_git_garbage,
        _dot_git_of_the_primary,
        _repository_inside,
        _moved,
        _admin_gone,
        _gitdir_missing,
        _gitdir_garbage,
        _commondir_missing,
        _commondir_empty,
        _head_missing,
        _head_empty,
        _head_null,
        _index_missing,
        _index_empty,
        _index_cut,
        _index_one_bit,
        _index_is_a_directory,
        _head_is_a_link,
        _admin_is_a_file,
        _branch_missing,
        _branch_names_a_file,
        _branch_is_a_directory,
        _branch_garbage,
        _bare,
        _registered_twice,
        _stray_directory,
        _copied,
        _link_to_outside,
        _index_lock,
        _head_lock,
        _ref_lock,
        _packed_refs_lock,
        _config_lock,
        _never_finished,
    )
}


def spoil(repo: Path, oid: str, content: bytes | None = b"") -> Path:
    """Leave of a loose object what a power cut leaves; None removes its file."""
    path = repo / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
        os.utime(path)
    return path
