"""Where in the vault a run puts what it takes out of the way."""

from pathlib import Path

from unjam.adapters import disk, files
from unjam.adapters.state.dump import copy_database
from unjam.engine.acts.recovery import Recovery
from unjam.engine.keeping.vault import BESIDE, folder_of, quoted


def trash_for(run: "Recovery", path: Path) -> Path:
    """Name where a worktree is moved to."""
    return place_for(run, path, "worktrees")


def place_for(run: "Recovery", path: Path, kind: str) -> Path:
    """Name where something is moved to: in the vault, or beside it when that is another disk."""
    name = quoted(path.name)
    if disk.device_of(path.parent) == disk.device_of(run.orchestration.common):
        return folder_of(run.orchestration, run.run) / kind / name
    return path.parent / BESIDE / run.run / name


def place_for_made(run: "Recovery", path: Path) -> Path:
    """Name where something is made before it is renamed to its place, on the same file system."""
    here = disk.device_of(path.parent) == disk.device_of(run.orchestration.common)
    home = run.orchestration.home if here else path.parent / BESIDE
    return home / "made" / run.run / quoted(path.name)


def lock_place(run: "Recovery", lock: Path) -> Path:
    """Name where a lock file is moved to."""
    common = run.orchestration.common
    inside = lock.relative_to(common) if lock.is_relative_to(common) else lock
    return folder_of(run.orchestration, run.run) / "locks" / inside.as_posix().replace("/", "%2f")


def shared_place(run: "Recovery", path: Path) -> Path:
    """Name where a damaged file is moved to that all checkouts share."""
    inside = path.relative_to(run.orchestration.common)
    return folder_of(run.orchestration, run.run) / "shared" / inside


def reflog_place(run: "Recovery", ref: str) -> Path:
    """Name where the reflog of a branch is moved to."""
    return folder_of(run.orchestration, run.run) / "reflogs" / ref.replace("/", "%2f")


def keep_state(run: "Recovery") -> None:
    """Copy the state database into the vault, once in a run, before its first row is written."""
    target = folder_of(run.orchestration, run.run) / "state.db"
    files.make_folder(target.parent)
    copy_database(run.orchestration.state, target)
