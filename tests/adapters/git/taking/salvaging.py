"""Worktrees to save and bring back, and what is compared before and after."""

import os
from pathlib import Path

from tests.world.brutal import leave_brutal_work, prepare_for_brutal_work
from tests.world.inventory import entries, git_bytes
from tests.world.shell import git
from unjam.adapters.git.restoring.restore import restore_to
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.salvage import IgnoredLimits, Salvaged, Source, read_back, salvage
from unjam.adapters.git.vault.pins import move_private
from unjam.domain.steps.change import MoveRef
from unjam.domain.world.identity import CommitId

MEGABYTE = 1 << 20
REF = "refs/unjam/test/worktree/agent"


class Repository:
    """A repository with one linked worktree, `agent`, on a branch of its own."""

    def __init__(self, path: Path, *, brutal: bool = True) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        (path / "src").mkdir()
        (path / "src/app.py").write_text("print('app')\n")
        (path / ".gitignore").write_text(".worktrees/\n")
        self.commit("First")
        if brutal:
            prepare_for_brutal_work(path)
        self.tree = path / ".worktrees/agent"
        self.git("worktree", "add", "--quiet", "-b", "ws/one/agent", str(self.tree))
        if brutal:
            leave_brutal_work(self.tree)

    @property
    def common(self) -> Path:
        return self.path / ".git"

    @property
    def admin(self) -> Path:
        return self.common / "worktrees/agent"

    @property
    def vault(self) -> Path:
        return store.place(self.common)

    @property
    def kept(self) -> CommitId | None:
        return store.resolve(self.common, REF)

    @property
    def source(self) -> Source:
        return Source(self.tree, self.admin)

    @property
    def primary(self) -> Source:
        return Source(self.path, self.common)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        return git(*arguments, cwd=cwd or self.path)

    def commit(self, message: str, *, cwd: Path | None = None) -> str:
        self.git("add", "--all", cwd=cwd)
        self.git("commit", "--quiet", "--allow-empty", "-m", message, cwd=cwd)
        return self.git("rev-parse", "HEAD", cwd=cwd)

    def save(self, source: Source | None = None, limits: IgnoredLimits | None = None) -> Salvaged:
        """Save as the engine does: write, read back, name."""
        source = source or self.source
        saved = salvage(self.common, source, limits or IgnoredLimits())
        read_back(self.common, saved, source)
        move_private(self.common, MoveRef(REF, self.kept, saved.commit), "kept")
        return saved

    def shown(self, saved: Salvaged, path: str) -> bytes:
        """What a path of the salvage holds, as Git itself reads it."""
        return git_bytes("cat-file", "blob", f"{saved.commit}:{path}", cwd=self.vault)


def files(root: Path) -> dict[str, str]:
    """Every file, link and directory below a root, to the byte and the mode."""
    return dict(entries(root))


def condition(tree: Path) -> dict[str, object]:
    """What a worktree is: its bytes, index, HEAD, status and operation in progress."""
    without = {".git", ".worktrees"} if (tree / ".git").is_dir() else set()
    admin = Path(os.fsdecode(git_bytes("rev-parse", "--absolute-git-dir", cwd=tree).rstrip()))
    state = ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "CHERRY_PICK_HEAD", "REVERT_HEAD")
    return {
        "files": dict(entries(tree, without=without)),
        "index": git_bytes("ls-files", "--stage", "-v", "-z", cwd=tree),
        "HEAD": (admin / "HEAD").read_bytes(),
        "tip": git_bytes("rev-parse", "HEAD", cwd=tree),
        "status": git_bytes("status", "--porcelain=v2", "-z", "--ignored", cwd=tree),
        "state": {one: (admin / one).read_bytes() for one in state if (admin / one).exists()},
        "rebase": files(admin / "rebase-merge"),
    }


def restored(repo: Repository, saved: Salvaged, name: str = "out") -> dict[str, str]:
    target = repo.path.parent / name
    restore_to(repo.common, saved.commit, target)
    return files(target)


def without_link(tree: Path) -> dict[str, str]:
    """The worktree without the file that links it to its admin directory."""
    return {name: what for name, what in files(tree).items() if name != ".git"}
