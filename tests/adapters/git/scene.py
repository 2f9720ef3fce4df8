"""A small repository to write to, and traps that tell when its own code was run."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.world.inventory import entries, git_bytes
from tests.world.shell import git, git_status
from unjam.domain.steps.change import MoveCheckout, Position
from unjam.domain.world.identity import CommitId

MAIN = "refs/heads/main"
HOOKS = (
    "reference-transaction",
    "post-checkout",
    "post-merge",
    "post-commit",
    "post-index-change",
    "post-rewrite",
    "pre-push",
    "pre-rebase",
    "pre-auto-gc",
)


class Scene:
    """A repository with a first commit on main."""

    def __init__(self, path: Path, files: Mapping[str, str | bytes | None] | None = None) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit(files or {"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n"})

    @property
    def common(self) -> Path:
        """Its Git directory."""
        return self.path / ".git"

    def git(self, *arguments: str) -> str:
        """Run a Git command that must succeed."""
        return git(*arguments, cwd=self.path)

    def allowed(self, *arguments: str) -> bool:
        """Run a Git command that may fail."""
        return git_status(*arguments, cwd=self.path) == 0

    def write(self, files: Mapping[str, str | bytes | None], below: Path | None = None) -> None:
        """Write files, without telling Git; None removes one."""
        for name, content in files.items():
            place = (below or self.path) / name
            if content is None:
                place.unlink()
                if place.parent != (below or self.path) and not any(place.parent.iterdir()):
                    place.parent.rmdir()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "change") -> CommitId:
        """Commit files on the current branch."""
        self.write(files)
        self.git("add", "--all", "--", *files)
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.at("HEAD")

    def ahead(self, files: Mapping[str, str | bytes | None], name: str = "next") -> CommitId:
        """Commit files on a new branch and come back to where we were."""
        back = self.git("rev-parse", "--abbrev-ref", "HEAD")
        self.git("switch", "--quiet", "--create", name)
        commit = self.commit(files, name)
        self.git("switch", "--quiet", back)
        return commit

    def at(self, name: str) -> CommitId:
        """Resolve a name."""
        return CommitId(self.git("rev-parse", "--verify", name))

    def copy(self, name: str) -> "Scene":
        """Make an independent copy beside it, as it stands."""
        other = object.__new__(Scene)
        other.path = self.path.with_name(name)
        shutil.copytree(self.path, other.path, symlinks=True)
        other.first = self.first
        return other

    def look(self) -> dict[str, str]:
        """Give everything a person would notice: files, index, status, HEAD, refs."""
        found = {f"file {name}": what for name, what in entries(self.path, without={".git"})}
        for command in ("ls-files --stage -t -z", "status --porcelain=v1 -z --ignored"):
            found[command] = os.fsdecode(git_bytes(*command.split(), cwd=self.path))
        found["HEAD"] = (self.common / "HEAD").read_text()
        found["refs"] = self.git("for-each-ref", "--format=%(refname) %(objectname)")
        return found

    def forward(self, new: CommitId, old: CommitId | None = None) -> MoveCheckout:
        """Order a fast-forward of main here."""
        start, end = Position(MAIN, old or self.at("HEAD")), Position(MAIN, new)
        return MoveCheckout(self.path, self.common, start, end)


def back(change: MoveCheckout) -> MoveCheckout:
    """Turn a move around."""
    return MoveCheckout(change.path, change.admin, change.new, change.old)


def arm(repo: Path, canaries: Path) -> Path:
    """Plant hooks, filters, drivers and monitors that leave a file when they run."""
    canaries.mkdir()
    trap = canaries.with_name("trap.sh")
    trap.write_text(f'#!/bin/sh\ntouch "{canaries}/$1"\ncat 2>/dev/null\nexit 0\n')
    trap.chmod(0o755)
    hooks = repo / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        hook = hooks / name
        hook.write_text(f'#!/bin/sh\ntouch "{canaries}/hook-{name}"\n')
        hook.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "credential.helper",
        "gpg.program",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "merge.evil.driver",
    ):
        git("config", key, f"{trap} {key}", cwd=repo)
    git("config", "commit.gpgSign", "true", cwd=repo)
    return canaries


def fired(canaries: Path) -> list[str]:
    """Name the traps that were sprung."""
    return sorted(one.name for one in canaries.iterdir())


def stage_then_edit(scene: Scene) -> None:
    scene.write({"b.txt": "staged\n"})
    scene.git("add", "b.txt")
    scene.write({"b.txt": "staged, then edited\n"})


def leave_edits_elsewhere(scene: Scene) -> None:
    stage_then_edit(scene)
    scene.write({"c.txt": "edited\n", "new/untracked.txt": "untracked\n", "staged.txt": "s\n"})
    scene.git("add", "staged.txt")
