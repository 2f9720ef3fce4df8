"""One workstream of a world: its spec, branch, worktree and row, in whatever state of disorder."""

from datetime import timedelta
from pathlib import Path

from tests.world.shell import git
from tests.world.state import StateFile, TimeStyle, Value


class Workstream:
    """Built step by step; every step is one thing that happens to a workstream in life."""

    def __init__(self, primary: Path, state: StateFile, name: str, agent: str) -> None:
        self.primary = primary
        self.state = state
        self.name = name
        self.agent = agent
        self.branch = f"ws/{name}/{agent}"
        self.tree = primary / ".worktrees" / f"{agent}-{name}"

    @property
    def admin(self) -> Path:
        """The worktree's admin directory, below the common directory."""
        return Path(git("rev-parse", "--absolute-git-dir", cwd=self.tree))

    @property
    def tip(self) -> str:
        """The commit its branch is at."""
        return git("rev-parse", f"refs/heads/{self.branch}", cwd=self.primary)

    def worktree(self) -> "Workstream":
        """Branch off the trunk into a worktree, as the orchestrator does."""
        made = ("-b", self.branch, str(self.tree), "main")
        git("worktree", "add", "--quiet", *made, cwd=self.primary)
        return self

    def commits(self, files: dict[str, str], message: str = "") -> "Workstream":
        """Let the agent commit these files."""
        self.leaves(files)
        git("add", "--all", cwd=self.tree)
        git("commit", "--quiet", "-m", message or f"{self.name}: {', '.join(files)}", cwd=self.tree)
        return self

    def leaves(self, files: dict[str, str]) -> "Workstream":
        """Let the agent write these files and commit nothing."""
        for name, text in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self

    def leaves_commit_in_reflog(self, files: dict[str, str]) -> str:
        """Let the agent commit and reset: the commit, which only its reflog reaches."""
        self.commits(files, "thrown away")
        commit = self.tip
        git("reset", "--quiet", "--hard", "HEAD~1", cwd=self.tree)
        return commit

    def row(
        self,
        status: str,
        *,
        age: timedelta = timedelta(minutes=5),
        style: TimeStyle = TimeStyle.LOCAL_ISO,
        **values: Value,
    ) -> "Workstream":
        """Write what the orchestrator believes of it."""
        self.state.row(self.name, status, agent=self.agent, age=age, style=style, **values)
        return self

    def lands_as_merge(self) -> "Workstream":
        """Merge it as the orchestrator does."""
        merge = ("--no-ff", "-m", f"Merge {self.branch}", self.branch)
        git("merge", "--quiet", *merge, cwd=self.primary)
        return self

    def lands_fast_forward(self) -> "Workstream":
        """Move the trunk to its tip."""
        git("merge", "--quiet", "--ff-only", self.branch, cwd=self.primary)
        return self

    def lands_flattened(self) -> "Workstream":
        """Merge it, then have ``pull --rebase`` of a moved remote take the merge commit away."""
        self.lands_as_merge()
        base = git("rev-parse", "main~1", cwd=self.primary)
        tree = git("rev-parse", f"{base}^{{tree}}", cwd=self.primary)
        moved = git("commit-tree", tree, "-p", base, "-m", "the remote moved", cwd=self.primary)
        git("rebase", "--quiet", moved, cwd=self.primary)
        return self

    def lands_as_squash(self) -> "Workstream":
        """Bring all its changes into the trunk as one commit that names nobody."""
        git("merge", "--quiet", "--squash", self.branch, cwd=self.primary)
        git("commit", "--quiet", "-m", "Work of today", cwd=self.primary)
        return self

    def is_reverted(self) -> "Workstream":
        """Take its merge, the last commit of the trunk, back out."""
        git("revert", "--no-edit", "-m", "1", "main", cwd=self.primary)
        return self
