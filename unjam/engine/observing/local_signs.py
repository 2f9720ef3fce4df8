"""What is in this clone, beside the rows: what Git has, what lies there, and which files show life."""

from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.observing.facts import GitFacts
from unjam.domain.world.snapshot import LogTail, Stray, Worktree


class Here(NamedTuple):
    """What was observed of this clone."""

    facts: GitFacts
    trees: tuple[Worktree, ...]
    strays: tuple[Stray, ...]
    logs: tuple[LogTail, ...]


def signs_of(tree: Worktree) -> list[Path]:
    """Name the files that change when anything is done in a worktree."""
    admin = [Path(tree.admin) / name for name in ("HEAD", "index", "logs/HEAD")]
    return [*admin, *(Path(tree.path) / name for name in sorted(tree.unsaved.paths))]
