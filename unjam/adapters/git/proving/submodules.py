"""Find what a branch names of a submodule and nobody else could check out: its commit is only here."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import git_dir_named_by
from unjam.domain.world.identity import CommitId

_GITLINK = "160000"


class OnlyHere(NamedTuple):
    """A submodule's commit that no remote of it is known to have, and the checkout that has it."""

    path: str
    commit: str
    checkout: Path


def only_here(
    common: Path, sides: tuple[CommitId, CommitId], primary: Path, trees: Iterable[Path]
) -> Iterator[OnlyHere]:
    """Give what (base, tip) would bring to the trunk and the primary's own submodule does not hold.

    A commit that no checkout here has either was not made here: nothing is said of it.
    """
    places = [one for one in trees if one != primary]
    for path, commit in _gitlinks(Git(common), sides) if places else ():
        if _holds(primary / path, commit):
            continue
        found = next((one for one in places if _holds(one / path, commit)), None)
        if found is not None and not _was_pushed(found / path, commit):
            yield OnlyHere(path, commit, found / path)


def _gitlinks(git: Git, sides: tuple[CommitId, CommitId]) -> Iterator[tuple[str, str]]:
    """Name the submodules that a tip changed since it left the base, and their commits."""
    base = git.run("merge-base", *sides, accept=None).text or sides[0]
    asked = git.run("diff-tree", "-r", "-z", "--no-renames", base, sides[1]).fields()
    for about, path in zip(asked[::2], asked[1::2], strict=True):
        _, mode, _, commit, _ = about.split(" ")
        if mode == _GITLINK:
            yield path, commit


def _holds(checkout: Path, commit: str) -> bool:
    git_dir = git_dir_named_by(checkout / ".git")
    asked = ("cat-file", "-e", f"{commit}^{{commit}}")
    return git_dir is not None and Git(git_dir).run(*asked, accept=None).status == 0


def _was_pushed(checkout: Path, commit: str) -> bool:
    git_dir = git_dir_named_by(checkout / ".git")
    asked = ("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes")
    return git_dir is not None and bool(Git(git_dir).run(*asked, accept=None).text)
