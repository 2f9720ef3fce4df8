"""Name what the primary has and a fresh checkout has not: what Git ignores, and submodules."""

from collections.abc import Collection
from pathlib import Path

from unjam.adapters.git.command import Git

_REMADE = frozenset(
    {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".DS_Store"}
)
_GITLINK = "160000 "


def not_in_a_fresh_checkout(
    common: Path, primary: Path, apart: Collection[Path]
) -> tuple[str, ...]:
    """Name ignored paths of the primary, whole directories as one, and submodules that are checked out there.

    ``apart`` is what belongs to no test: where an orchestrator keeps its own. Caches that tools make anew
    are left out, too.
    """
    git = Git(common, primary)
    asked = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
    found = [one for one in git.run("ls-files", *asked).fields() if not _is_remade(one)]
    ignored = [one for one in found if not any(_meets(primary / one, own) for own in apart)]
    staged = git.run("ls-files", "--stage", "-z").fields()
    links = [one.partition("\t")[2] for one in staged if one.startswith(_GITLINK)]
    return (*ignored, *(one for one in links if (primary / one / ".git").exists()))


def _is_remade(path: str) -> bool:
    return not _REMADE.isdisjoint(Path(path).parts) or path.endswith(".pyc")


def _meets(path: Path, own: Path) -> bool:
    return path.is_relative_to(own) or own.is_relative_to(path)
