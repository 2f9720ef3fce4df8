"""Who of this machine works for another clone of a repository, or has its state open from there."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from unjam.adapters.processes.locks.open_files import openers_of, persons_of
from unjam.adapters.processes.table import QuickTable, Sketch

_MARK = ".git"


def at_work_beyond(places: Mapping[str, str], primary: Path, state: str) -> dict[str, str]:
    """Find processes in directories of these names, outside of this clone.

    ``places`` names the directory that an agent would have, and whose it is; the answer is by the
    latter. Another project may have agents of the same names: whoever has a state of his own, at the
    place ``state`` in his checkout, works by that. A process of a container tells other names of
    directories, and the last one is the same.
    """
    here = f"{os.path.realpath(primary)}/"
    found: dict[str, str] = {}
    for sketch in QuickTable().sketches:
        for path in _paths(sketch):
            names = places.keys() & set(Path(path).parts)
            if not names or f"{path}/".startswith(here) or _has_its_own(Path(path), state):
                continue
            for name in names:
                told = f"pid {sketch.pid} works in {path}, which is called as its worktree would be"
                found.setdefault(places[name], told)
    return found


def openers_beyond(files: Iterable[Path], common: Path) -> str:
    """Say who has one of these files open from another repository; empty where nobody is seen."""
    pids = {one.pid for one in openers_of(map(os.path.realpath, files))}
    for pid, person in sorted(persons_of(pids).items()) if pids else ():
        clone = _primary_of(Path(person.entry.cwd)) if person.entry.cwd else None
        if clone and not person.is_ours and clone / _MARK != common.resolve():
            return f"pid {pid}, of the clone {clone}, has the state open"
    return ""


def _paths(sketch: Sketch) -> list[str]:
    words = (word.partition("=")[2] or word for word in sketch.command)
    told = [os.path.normpath(one) for one in words if one.startswith(os.sep)]
    return [sketch.cwd, *told] if sketch.cwd else told


def _has_its_own(path: Path, state: str) -> bool:
    clone = _primary_of(path) if state and not Path(state).is_absolute() else None
    if clone is None:
        return False
    own = (clone / state).resolve()
    return own.is_file() and own.is_relative_to(clone)


def _primary_of(path: Path) -> Path | None:
    """Climb to the primary checkout of the repository that a directory is in; None if in none."""
    for folder in (path, *path.parents):
        mark = folder / _MARK
        if mark.is_dir():
            return folder.resolve()
        if mark.is_file():
            try:
                admin = mark.read_text("utf-8", "surrogateescape").removeprefix("gitdir: ").strip()
            except OSError:
                return None
            inside = (folder / admin).resolve().parts
            return Path(*inside[: inside.index(_MARK)]) if _MARK in inside else None
    return None
