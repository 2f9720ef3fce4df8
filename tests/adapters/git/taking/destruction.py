"""What takes unsaved work away, and the way it is brought back."""

import os
import shutil
from collections.abc import Callable

from tests.adapters.git.taking.salvaging import Repository
from tests.world.shell import git_status
from unjam.adapters.git.restoring.restore import restore_in_place
from unjam.adapters.git.taking.salvage import Salvaged, Source

Act = Callable[[Repository], object]


def undo(repo: Repository, saved: Salvaged, source: Source) -> None:
    """Do as the engine does: the branch by compare-and-swap, then everything else."""
    head = repo.shown(saved, "admin/HEAD").decode().strip()
    if head.startswith("ref: "):
        repo.git("update-ref", "--no-deref", head[5:], saved.tip or "")
    aside = repo.path.parent / "aside"
    assert source.admin is not None
    restore_in_place(repo.common, saved.commit, source.worktree, source.admin, aside)


def run(*arguments: str) -> Act:
    return lambda repo: git_status(*arguments, cwd=repo.tree)


def in_primary(*arguments: str) -> Act:
    return lambda repo: git_status(*arguments, cwd=repo.path)


def all_of(*acts: Act) -> Act:
    return lambda repo: [act(repo) for act in acts]


def drop_for_good(repo: Repository) -> None:
    repo.git("worktree", "remove", "--force", "--force", str(repo.tree))
    repo.git("branch", "-D", "ws/one/agent")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")


def delete_tree(repo: Repository) -> None:
    shutil.rmtree(repo.tree)
    repo.git("worktree", "prune")


def empty_index(repo: Repository) -> None:
    (repo.admin / "index").write_bytes(b"")


def replace_by_repository(repo: Repository) -> None:
    (repo.tree / ".git").unlink()
    repo.git("init", "--quiet", cwd=repo.tree)


def swap_kinds(repo: Repository) -> None:
    """Files where directories were, directories where files were, links to elsewhere."""
    shutil.rmtree(repo.tree / "src")
    (repo.tree / "src").write_text("a file now\n")
    (repo.tree / "staged.txt").unlink()
    (repo.tree / "staged.txt/deep").mkdir(parents=True)
    (repo.tree / "staged.txt/deep/file").write_text("x")
    shutil.rmtree(repo.tree / "build")
    (repo.tree / "build").symlink_to(repo.path.parent)
    os.mkfifo(repo.tree / "fifo")


DESTRUCTIVE: dict[str, Act] = {
    "reset --hard": run("reset", "--hard"),
    "clean -ffdx": run("clean", "-ffdx"),
    "checkout -f": run("checkout", "-f"),
    "worktree remove --force, branch -D, gc": drop_for_good,
    "rm -rf, prune": delete_tree,
    "admin directory removed": lambda repo: shutil.rmtree(repo.admin),
    "stash --all": run("stash", "--all"),
    "add and commit": all_of(run("add", "--all"), run("commit", "--quiet", "-m", "All")),
    "reset and clean": all_of(run("reset", "--hard", "HEAD~1"), run("clean", "-ffdx")),
    "checkout of another commit": all_of(run("stash"), run("checkout", "--detach", "HEAD~1")),
    "empty index": empty_index,
    "init in it": replace_by_repository,
    "kinds swapped": swap_kinds,
    "nothing": lambda _: None,
}
