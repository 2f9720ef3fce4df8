"""Whom a state may serve beside this clone, by where it is; the file itself is not opened."""

import os
from pathlib import Path

from unjam.adapters.state.location import file_of


def why_shared(location: str, primary: Path, common: Path) -> str:
    """Say what shows that others may use the state too; empty where it lies in this clone alone."""
    path = file_of(location)
    if path is None:
        return "the state is on a server, which may serve other machines"
    real = Path(os.path.realpath(path))
    roots = [Path(os.path.realpath(one)) for one in (primary, common)]
    root = next((one for one in roots if real.is_relative_to(one)), None)
    if root is None:
        return "the state's file lies outside of this repository, and may serve other clones"
    if root == roots[0] and _is_in_another(real.parent, root, roots[1]):
        return "the state's file lies in a repository of its own"
    return _by_its_file(real, root)


def _by_its_file(real: Path, root: Path) -> str:
    try:
        found = real.stat()
    except OSError:
        return ""
    if found.st_nlink > 1:
        return "the state's file has a second name, by which another clone may use it"
    # Of directories only: an overlay gives each file the number of the layer it lies in.
    if real.parent.stat().st_dev != root.stat().st_dev:
        return "the state's file is on a file system of its own, which others may have mounted"
    return ""


def _is_in_another(folder: Path, root: Path, common: Path) -> bool:
    while folder not in (root, common) and folder.is_relative_to(root):
        if (folder / ".git").exists():
            return True
        folder = folder.parent
    return False
