"""Use a salvage: where it came from, and its files as a branch."""

from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.restoring.given_back import give_back
from unjam.adapters.git.taking import manifest, store
from unjam.adapters.git.taking.manifest import Manifest
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, UsageError


def manifest_of(common: Path, commit: CommitId) -> Manifest:
    """Read what a salvage says of itself; raises UsageError where it is none."""
    name = f"{commit}:{manifest.NAME.decode()}"
    found = store.reader(common).run("cat-file", "blob", name, accept=None)
    if found.status:
        raise UsageError(f"{commit} is kept as it was; it is no salvage of a checkout")
    return Manifest.from_json(found.out)


def source_of_salvage(common: Path, commit: CommitId) -> tuple[Path, Path]:
    """Return the checkout a salvage was taken from, and its admin directory."""
    facts = manifest_of(common, commit)
    if facts.admin is None:
        raise PermanentError(f"{facts.worktree} had no admin directory: restore it with --to")
    return Path(facts.worktree), Path(facts.admin)


def holds_work(common: Path, commit: CommitId, trunk: CommitId) -> bool:
    """Tell whether a salvage, or a commit that was kept, holds anything that the trunk does not.

    Where that cannot be told it does.
    """
    git = store.reader(common)
    try:
        tip = manifest_of(common, commit).tip
    except UsageError:
        return not _is_in(git, commit, trunk)
    if tip is None or not _is_in(git, CommitId(tip), trunk):
        return True
    files = git.run("rev-parse", f"{commit}:worktree", f"{tip}^{{tree}}", accept=None)
    parents = git.run("rev-list", "--parents", "-n", "1", commit, accept=None).text.split()[1:]
    same = len(set(files.text.split())) == 1 and files.status == 0
    return not same or any(not _is_in(git, CommitId(one), trunk) for one in parents)


def _is_in(git: Git, commit: CommitId, trunk: CommitId) -> bool:
    asked = ("merge-base", "--is-ancestor", commit, trunk)
    return git.run(*asked, accept=None).status == 0


def branch_commit(common: Path, commit: CommitId, message: str) -> CommitId:
    """Commit the files of a salvage on top of the commit they were checked out from.

    With that they are in the repository: a branch is for everybody.
    """
    facts = manifest_of(common, commit)
    asked = ("rev-parse", "--verify", "--end-of-options", f"{commit}:worktree")
    tree = store.reader(common).run(*asked).text
    give_back(common, [tree])
    parent = ("-p", facts.tip) if facts.tip else ()
    return CommitId(Git(common).run("commit-tree", tree, *parent, "-m", message).text)
