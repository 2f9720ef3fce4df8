"""Read Git's small files as they lie on disk: what is missing or damaged is None, never an error."""

import os
import re
from pathlib import Path

from unjam.domain.world.claims.ownership import is_windows

SMALL = 1 << 16  # bytes; no healthy file of this kind comes near
_START = 1 << 12  # bytes
HASH_SIZE = 20  # bytes of an object id
ID_LENGTH = 2 * HASH_SIZE  # written out
COMMIT = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")
NOBODY = "0" * ID_LENGTH


def read_small(path: Path | str | bytes, *, limit: int = SMALL) -> bytes | None:
    """Read a regular file; None if it is missing, unreadable, a link, or beyond the limit."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        content = os.read(handle, min(limit, os.fstat(handle).st_size) + 1)
    except OSError:
        return None
    finally:
        os.close(handle)
    return content if len(content) <= limit else None


def read_start(path: str) -> bytes | None:
    """Read the first 4 KB of a file in the fewest steps there are; None where ``read_small`` has none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        return os.read(handle, _START)
    except OSError:
        return None
    finally:
        os.close(handle)


def read_line(path: Path | str) -> str | None:
    """Read a file of one line, as text with any bytes kept."""
    content = read_small(path)
    return None if content is None else os.fsdecode(content).rstrip("\r\n")


def git_dir_named_by(dot_git: Path) -> Path | None:
    """Follow a ``.git`` to the Git directory it is or names; None if that leads nowhere."""
    if dot_git.is_dir():
        return dot_git.resolve() if (dot_git / "objects").is_dir() else None
    line = read_line(dot_git)
    if line is None or not line.startswith("gitdir: ") or "\0" in line:
        return None
    named = (dot_git.parent / line.removeprefix("gitdir: ")).resolve()
    # The common directory can be told even where the administrative directory below it is gone.
    known = named.is_dir() or (named.parent.name == "worktrees" and named.parents[1].is_dir())
    return named if known else None


def git_dir_text(dot_git: Path) -> str | None:
    """Return what a ``.git`` file names, as it is written, be it there or another system's."""
    line = read_line(dot_git)
    if line is None or not line.startswith("gitdir: ") or "\0" in line:
        return None
    return _from(dot_git.parent, line.removeprefix("gitdir: "))


def forward_text(admin: str) -> str | None:
    """Return the directory that a gitdir file names, as it is written, be it there or not."""
    line = read_line(f"{admin}/gitdir")
    if not line or "\0" in line or not line.endswith(("/.git", "\\.git")):
        return None
    return _from(Path(admin), line[: -len("/.git")])


def _from(directory: Path, written: str) -> str:
    if is_windows(written):
        return written
    return os.path.normpath(directory / written)


def backlink(admin: Path) -> Path | None:
    """Return the ``.git`` file an administrative directory belongs to, as written there."""
    found = backlink_text(str(admin))
    return Path(found) if found else None


def backlink_text(admin: str) -> str | None:
    """Do the same with texts: paths are slow to make for a thousand worktrees."""
    line = read_line(f"{admin}/gitdir")
    if not line or "\0" in line or not line.endswith("/.git"):
        return None
    return os.path.normpath(os.path.join(admin, line))  # noqa: PTH118 -- texts
