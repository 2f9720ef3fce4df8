"""What a salvage costs, against what a person would type: `stash -u` and pop, `add -A` and commit.

    python benchmarks/salvage.py --files 100000 --megabytes 1024 --rounds 5

Both sides alternate in one run on one machine; what counts is the ratio of the medians.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from unjam.adapters.git.taking.salvage import Source, read_back, salvage

_PERSON = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_PER_DIRECTORY = 1_000


class Bench:
    """One repository with one worktree, made anew."""

    def __init__(self, path: Path, files: int) -> None:
        self.repo, self.tree = path / "repo", path / "agent"
        self.repo.mkdir(parents=True)
        self.git("init", "--quiet", cwd=self.repo)
        for number in range(files):
            file = self.repo / f"d{number // _PER_DIRECTORY}" / f"f{number}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"print({number})\n" * 8)
        self.git("add", "--all", cwd=self.repo)
        self.git("commit", "--quiet", "--message", "Files", cwd=self.repo)
        self.git("repack", "-adq", cwd=self.repo)
        self.git("worktree", "add", "--quiet", "-b", "agent", str(self.tree), cwd=self.repo)

    @property
    def common(self) -> Path:
        """Its Git directory."""
        return self.repo / ".git"

    @property
    def source(self) -> Source:
        """Its worktree, as the salvager names it."""
        return Source(self.tree, self.common / "worktrees/agent")

    def git(self, *arguments: str, cwd: Path | None = None) -> None:
        """Run a Git command as a person does."""
        environment = os.environ | _PERSON
        command = ("git", *arguments)
        subprocess.run(
            command, cwd=cwd or self.tree, env=environment, check=True, capture_output=True
        )

    def edit(self, number: int) -> None:
        """Change ten files and add ten."""
        for one in range(10):
            with (self.tree / f"d0/f{one}.py").open("a") as file:
                file.write(f"edit {number}\n")
            (self.tree / f"untracked-{one}").write_text(f"{number}\n")

    def large(self, megabytes: int) -> None:
        """Leave a file that does not compress."""
        with (self.tree / "large.bin").open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1 << 20))

    def save(self) -> None:
        """Save the worktree."""
        salvage(self.common, self.source)

    def prove(self) -> None:
        """Read the same salvage back."""
        read_back(self.common, salvage(self.common, self.source), self.source)

    def stash(self) -> None:
        """Do what a person does to save many files."""
        self.git("stash", "--quiet", "-u")
        self.git("stash", "pop", "--quiet")

    def commit(self) -> None:
        """Do what a person does to save a large file."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Everything")


def took(act: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def many_files(files: int, rounds: int) -> None:
    """One worktree with many files, ten of them edited and ten untracked."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), files)
        ours, again, theirs = [], [], []
        for number in range(rounds):
            bench.edit(number)
            ours.append(took(bench.save))
            again.append(took(bench.prove))
            theirs.append(took(bench.stash))
    report(f"{files} files, against stash -u and pop", ours, theirs)
    report(f"{files} files, saved and read back", again, theirs)


def large_file(megabytes: int, rounds: int) -> None:
    """One untracked file that does not compress."""
    ours, again, theirs = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder, "one"), 10)
            bench.large(megabytes)
            ours.append(took(bench.save))
            again.append(ours[-1] + took(bench.prove))
            bench = Bench(Path(folder, "two"), 10)
            bench.large(megabytes)
            theirs.append(took(bench.commit))
    report(f"{megabytes} MB untracked, against add -A and commit", ours, theirs)
    report(f"{megabytes} MB untracked, saved and read back", again, theirs)


def report(what: str, ours: list[float], theirs: list[float]) -> None:
    """Print medians and how many times as fast we are."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{what}: {mine:.3f} s against {other:.3f} s, {other / mine:.2f} times as fast")


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    if wanted.files:
        many_files(wanted.files, wanted.rounds)
    if wanted.megabytes:
        large_file(wanted.megabytes, wanted.rounds)


if __name__ == "__main__":
    main()
