"""Tell whether a Git operation that stopped in the middle is still as Git left it.

Only then can aborting it lose nothing that somebody did by hand.
"""

from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import COMMIT, read_line
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.snapshot import Operation, Unsaved
from unjam.domain.world.truth import Truth
from unjam.errors import UnjamError

# With nothing staged and nothing edited, these hold no work of a hand. A merge may: `-s ours`
# leaves everything as it was and is still a decision.
_EMPTY_IS_INTACT = {
    Operation.REBASE,
    Operation.AM,
    Operation.BISECT,
    Operation.CHERRY_PICK,
    Operation.REVERT,
}
_UNMERGED = "U"


def is_intact(git: Git, checkout: Checkout, common: Path, unsaved: Unsaved) -> Truth:
    """Compare files and index with the tree Git wrote down when it stopped; ``git`` has its drivers off."""
    if checkout.operation is None or unsaved.known is not Truth.YES:
        return Truth.UNKNOWN
    touched = unsaved.paths - set(unsaved.untracked)
    if not touched and checkout.operation in _EMPTY_IS_INTACT:
        return Truth.YES
    if checkout.operation is Operation.BISECT:
        return Truth.NO
    stopped_at = read_line(checkout.admin / "AUTO_MERGE")
    if stopped_at is None or not COMMIT.fullmatch(stopped_at):
        return Truth.UNKNOWN
    here = replace(
        git,
        git_dir=checkout.admin,
        work_tree=checkout.path,
        index=checkout.admin / "index",
        environment={**git.environment, "GIT_COMMON_DIR": str(common)},
    )
    try:
        same = _index_is(here, stopped_at) and _files_are(here, stopped_at)
    except UnjamError:
        return Truth.UNKNOWN
    return Truth.YES if same else Truth.NO


def _index_is(git: Git, tree: str) -> bool:
    """Tell whether everything but the conflicts is staged as Git staged it."""
    fields = git.run("diff-index", "--cached", "--raw", "--no-renames", "-z", tree).fields()
    return all(one.endswith(f" {_UNMERGED}") for one in fields[::2])


def _files_are(git: Git, tree: str) -> bool:
    """Tell whether the files are what Git wrote, conflict markers included."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="unjam-index-") as scratch:
        apart = replace(git, index=Path(scratch, "index"))
        apart.run("read-tree", tree)
        apart.run("update-index", "-q", "--refresh", accept=(0, 1))
        return not apart.run("diff-files", "--name-only", "--ignore-submodules", "-z").out
