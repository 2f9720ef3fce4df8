"""Carry what Git does not have from the primary into a trial's checkout, as copies."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from unjam.errors import PermanentError, RefusedError


def carry_over(primary: Path, target: Path, paths: Iterable[str]) -> None:
    """Copy files and directories, links as links; what the commit itself has is never written over.

    Raises RefusedError for what is not there, or lies behind a link.
    """
    for one in paths:
        source = primary / one
        if source.parent.resolve() != primary.resolve() / Path(one).parent:
            raise RefusedError(f"verify.carry: {one} lies behind a link")
        if not source.exists() and not source.is_symlink():
            raise RefusedError(f"verify.carry: there is no {one} in {primary}")
        try:
            _copy(source, target / one)
        except (OSError, shutil.Error) as error:
            raise PermanentError(f"verify.carry: {one} cannot be copied: {error}") from error


def _copy(source: Path, target: Path) -> None:
    """Copy one thing, and nothing of a Git directory in it: its links would name the person's own."""
    if source.is_dir() and not source.is_symlink():
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            return
        target.mkdir(parents=True, exist_ok=True)
        for one in source.iterdir():
            if one.name != ".git":
                _copy(one, target / one.name)
    elif (source.is_symlink() or source.is_file()) and not (target.exists() or target.is_symlink()):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
