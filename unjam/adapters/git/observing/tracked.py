"""What Git makes of a directory of the primary, and of a person who commits there."""

import os
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.user_config import effective_settings


def tracked_below(common: Path, primary: Path, folder: Path) -> frozenset[str]:
    """Name the entries of a directory that are tracked or hold what is; none outside the primary."""
    if not folder.is_relative_to(primary) or folder == primary:
        return frozenset()
    inside = folder.relative_to(primary)
    listing = Git(common, primary).run("ls-files", "-z", "--", f":(literal){inside}")
    depth = len(inside.parts)
    paths = (Path(one).parts for one in listing.fields())
    return frozenset(parts[depth] for parts in paths if len(parts) > depth)


def is_ignored(common: Path, primary: Path, folder: Path) -> bool:
    """Tell whether Git would ignore what is made in a directory of the primary."""
    inside = f"{folder.relative_to(primary)}/x"
    git = Git(common, primary)
    asked = git.run("check-ignore", "--no-index", "-q", "--", inside, accept=None)
    return asked.status == 0


def has_identity(common: Path) -> bool:
    """Tell whether Git knows by whom a commit is made here, as a person's own Git would."""
    named = effective_settings(Git(common), r"^user\.(name|email)$")
    environment = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"} <= os.environ.keys()
    keys = {one.partition("=")[0] for one in named if one.partition("=")[2]}
    return environment or {"user.name", "user.email"} <= keys


def has_path(common: Path, revision: str, path: str) -> bool:
    """Tell whether a commit has a file or a directory."""
    return Git(common).run("cat-file", "-e", f"{revision}:{path}", accept=None).status == 0
