"""Who of this machine works for another clone of a repository, or has its state open from there."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from unjam.adapters.processes.locks import openers_of
from unjam.adapters.processes.table import QuickTable, Sketch

_MARK = ".git"


def at_work_beyond(places: Mapping[str, str], roots: Iterable[Path]) -> dict[str, str]:
    """Find processes in directories of these names, outside of these places.

    ``places`` names the directory that an agent would have, and whose it is; the answer is by the
    latter. A process of a container tells its own names of directories, and the last part is the same.
    """
    here = tuple(f"{os.path.realpath(one)}/" for one in roots)
    found: dict[str, str] = {}
    for sketch in QuickTable().sketches:
        for path in _paths(sketch):
            if not f"{path}/".startswith(here):
                for name in places.keys() & set(Path(path).parts):
                    found.setdefault(places[name], f"pid {sketch.pid} works for it in {path}")
    return found


def openers_beyond(files: Iterable[Path], common: Path) -> str:
    """Say who has one of these files open from another repository; empty where nobody is seen."""
    for pid in sorted({one.pid for one in openers_of(map(str, files))}):
        where = _cwd(pid)
        if where and (clone := _clone_of(Path(where), common)):
            return f"pid {pid}, of the clone {clone}, has the state open"
    return ""


def _paths(sketch: Sketch) -> list[str]:
    words = (word.partition("=")[2] or word for word in sketch.command)
    told = [os.path.normpath(one) for one in words if one.startswith(os.sep)]
    return [sketch.cwd, *told] if sketch.cwd else told


def _cwd(pid: int) -> str:
    return next((one.cwd or "" for one in QuickTable().sketches if one.pid == pid), "")


def _clone_of(path: Path, common: Path) -> Path | None:
    """Climb to the repository that a directory is in; None if it is this one, or in none."""
    own = os.path.realpath(common)
    for folder in (path, *path.parents):
        mark = folder / _MARK
        if mark.is_dir():
            return None if os.path.realpath(mark) == own else folder
        if mark.is_file():
            try:
                admin = mark.read_text("utf-8", "surrogateescape").removeprefix("gitdir: ").strip()
            except OSError:
                return folder
            inside = os.path.realpath(folder / admin)
            return None if inside.startswith(f"{own}/") else folder
    return None
