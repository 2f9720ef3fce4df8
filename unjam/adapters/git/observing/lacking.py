"""What the primary checkout holds and a fresh checkout of the trunk would lack."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePath

from unjam.adapters.git.command import Git
from unjam.domain.world.identity import CommitId
from unjam.errors import UnjamError

# Nothing needs them: whatever makes them makes them anew.
_LEFT_OVER = (
    *("__pycache__", "*.pyc", ".*_cache", ".hypothesis", ".tox", ".nox", ".coverage*", "htmlcov"),
    *(".DS_Store", ".idea", ".vscode", "*.swp", "*~", "*.log", ".worktrees"),
)
_SUBMODULE = "160000"


def lacking(
    common: Path, primary: Path, tip: CommitId, but: Iterable[PurePath] = ()
) -> tuple[str, ...]:
    """Name what is untracked or ignored, and submodules; nothing where the primary cannot be read.

    A directory of which nothing is tracked is named as a whole, with a slash at its end.
    """
    git = Git(common, primary)
    try:
        listed = git.run("ls-files", "-z", "--others", "--directory", "--no-empty-directory")
        tree = git.run("ls-tree", "-r", "-z", tip)
    except UnjamError:
        return ()
    aside = {one.relative_to(primary) for one in but if one.is_relative_to(primary)}
    others = (one for one in listed.fields() if not _is_left_over(PurePath(one), aside))
    return (*others, *_submodules(primary, tree.fields()))


def _is_left_over(path: PurePath, aside: set[PurePath]) -> bool:
    at_side = any(path == one or one in path.parents or path in one.parents for one in aside)
    return at_side or any(fnmatch(name, one) for name in path.parts for one in _LEFT_OVER)


def _submodules(primary: Path, entries: Iterable[str]) -> Iterator[str]:
    for one in entries:
        told, _, path = one.partition("\t")
        if told.startswith(_SUBMODULE) and (primary / path / ".git").exists():
            yield f"{path}/"
