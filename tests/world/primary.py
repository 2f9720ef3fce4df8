"""The primary checkout in the states a crash, or a person, leaves it in."""

from pathlib import Path

from tests.world.shell import git, git_status


class Primary:
    """The checkout the orchestrator ran in and a person works in."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def common(self) -> Path:
        """The Git common directory."""
        return self.path / ".git"

    def on_branch(self, branch: str) -> None:
        """Left between the orchestrator's two checkouts; a new branch starts at the trunk."""
        exists = git_status("rev-parse", "--verify", f"refs/heads/{branch}", cwd=self.path) == 0
        git("checkout", "--quiet", *(() if exists else ("-b",)), branch, cwd=self.path)

    def detached(self) -> None:
        """On no branch."""
        git("checkout", "--quiet", "--detach", cwd=self.path)

    def mid_merge(self, branch: str) -> None:
        """In the middle of merging this branch into the trunk, which conflicts."""
        merge = ("merge", "--no-ff", "-m", f"Merge {branch}", branch)
        assert git_status(*merge, cwd=self.path) == 1, "the merge had to conflict"
        assert (self.common / "MERGE_HEAD").exists()

    def mid_clean_merge(self, branch: str) -> None:
        """Killed between a merge without conflicts and its commit."""
        git("merge", "--quiet", "--no-ff", "--no-commit", branch, cwd=self.path)

    def mid_rebase(self, onto: str) -> None:
        """In the middle of rebasing the trunk onto this commit, which conflicts."""
        assert git_status("rebase", onto, cwd=self.path) == 1, "the rebase had to conflict"
        assert (self.common / "rebase-merge").is_dir()

    def mid_cherry_pick(self, commit: str) -> None:
        """In the middle of taking over this commit, which conflicts."""
        assert git_status("cherry-pick", commit, cwd=self.path) == 1, "it had to conflict"

    def stale_lock(self, name: str = "index.lock") -> Path:
        """A lock file nobody holds, as a killed Git leaves it."""
        path = self.common / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    def edit(self, name: str, text: str) -> Path:
        """A person's change, not committed."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def stage(self, name: str, text: str) -> Path:
        """A person's change, staged and not committed."""
        path = self.edit(name, text)
        git("add", "--", name, cwd=self.path)
        return path

    def commit(self, name: str, text: str, message: str = "A person's commit") -> str:
        """A person's commit on whatever is checked out."""
        self.stage(name, text)
        git("commit", "--quiet", "-m", message, cwd=self.path)
        return git("rev-parse", "HEAD", cwd=self.path)
