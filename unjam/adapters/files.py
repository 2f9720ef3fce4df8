"""Renames and writes that are either done for good or not at all.

Nothing here deletes but `discard`, which the vault calls when a person empties it: to make way is to rename.
"""

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from unjam.errors import PermanentError, RefusedError, TransientError

_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
_NOT_OFFERED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exists(path: Path) -> bool:
    """Tell whether something has this name, be it a link to nowhere."""
    return os.path.lexists(path)


def children(path: Path) -> list[Path]:
    """Return what is in a directory, by name; nothing when it is not one."""
    try:
        return sorted(path.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def newest(paths: Iterable[Path]) -> datetime | None:
    """Return when the last of these files changed; those that are gone do not count."""
    times = []
    for path in paths:
        with suppress(OSError):
            times.append(path.lstat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC) if times else None


def newest_below(root: Path, since: datetime) -> datetime | None:
    """Return when anything below a directory last changed; the first change after ``since`` will do.

    Every file counts, be it ignored by Git; links are not followed.
    """
    newest_time, enough, left = 0.0, since.timestamp(), [os.fspath(root)]
    while left and newest_time < enough:
        with suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                newest_time = max(newest_time, status.st_mtime)
                if stat.S_ISDIR(status.st_mode):
                    left.append(entry.path)
    return datetime.fromtimestamp(newest_time, UTC) if newest_time else None


def move(
    source: Path,
    target: Path,
    *,
    source_below: Path | None = None,
    target_below: Path | None = None,
) -> None:
    """Rename on one file system, durably, making the target's parents; moved already is fine.

    Raises RefusedError if the target is taken, or if a symbolic link leads a parent out of the
    root it must be below; PermanentError across file systems or if neither exists.
    """
    refuse_outside(source, source_below)
    refuse_outside(target, target_below)
    if not exists(source):
        if exists(target):
            return
        raise PermanentError(f"{source} is gone, and {target} is not there either")
    try:
        make_folder(target.parent, alike=True)
        refuse_outside(target, target_below)
        _rename(source, target)
        for parent in {source.parent, target.parent}:
            sync_directory(parent)
    except OSError as error:
        raise _translated(error, f"cannot move {source} to {target}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Put a whole file in place, private to the user; readers see the old one or the new one."""
    temporary = path.with_name(f".{path.name[:64]}.{os.urandom(4).hex()}.tmp")
    try:
        make_folder(path.parent)
        try:
            _write_new(temporary, content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise _translated(error, f"cannot write {path}") from error


def content(path: Path) -> bytes | None:
    """Read a whole file, following no link; None where there is none. Raises PermanentError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _translated(error, f"cannot read {path}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise PermanentError(f"cannot read {path}: it is no file")
    with os.fdopen(handle, "rb") as file:
        return file.read()


def rewrite(path: Path, before: bytes | None, after: bytes | None, mode: int) -> None:
    """Bring a file from one content to another (None: no file); it has the other already is fine.

    A file that is there keeps its permissions. Raises RefusedError where it holds neither.
    """
    now = content(path)
    if now == after:
        return
    if now != before:
        raise RefusedError(f"{path} has changed: it is not what it was when this was planned")
    temporary = path.with_name(f".{path.name[:64]}.unjam-tmp")  # a later try takes it over
    try:
        if after is None:
            path.unlink()
        else:
            make_folder(path.parent, alike=True)
            temporary.unlink(missing_ok=True)
            _write_new(temporary, after)
            temporary.chmod(mode if before is None else stat.S_IMODE(path.lstat().st_mode))
            temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise _translated(error, f"cannot write {path}") from error


def discard(path: Path, root: Path) -> None:
    """Delete for good what lies below ``root``, which it proves first; links are not followed."""
    if path.parent != root and root not in path.parents:
        raise PermanentError(f"{path} is not below {root}")
    refuse_outside(path, root)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_new(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path, *, alike: bool = False) -> None:
    """Make a directory and those above it, each made durable in the one that holds it.

    They are private to the user, or alike: as open as the directory they are made in.
    """
    if path.is_dir():
        return
    make_folder(path.parent, alike=alike)
    path.mkdir(mode=0o700, exist_ok=True)
    if alike:
        path.chmod(stat.S_IMODE(path.parent.stat().st_mode))
    sync_directory(path.parent)


def have_folder(path: Path, *, there: bool) -> None:
    """Make a directory with the permissions its owner's files get, or remove it if it is empty."""
    try:
        if there:
            path.mkdir(exist_ok=True)
        else:
            path.rmdir()
        sync_directory(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise _translated(error, f"cannot change {path}") from error


def refuse_outside(path: Path, root: Path | None) -> None:
    """Raise RefusedError if a symbolic link leads a path out of the root it must be below."""
    # The last component itself may be a link: renaming moves the link, never what it points at.
    if root is None:
        return
    parent = Path(os.path.realpath(path.parent))
    if path.name in ("", "..") or not parent.is_relative_to(os.path.realpath(root)):
        raise RefusedError(f"{path} is not below {root}")


def leads_out(path: Path, root: Path) -> bool:
    """Tell whether a symbolic link on the way leads a path out of a directory."""
    parent = Path(os.path.realpath(path.parent))
    return not parent.is_relative_to(os.path.realpath(root))


def _rename(source: Path, target: Path) -> None:
    """Rename without ever replacing anything, atomically where the system can."""
    code = _rename_noreplace(os.fsencode(source), os.fsencode(target))
    if code in _NOT_OFFERED:
        if exists(target):
            code = errno.EEXIST
        else:
            source.rename(target)
            return
    if code in (errno.EEXIST, errno.ENOTEMPTY):
        raise RefusedError(f"cannot move {source}: {target} is taken")
    if code:
        raise OSError(code, os.strerror(code), str(source))


def _rename_noreplace(source: bytes, target: bytes) -> int:
    """Call renameat2(2), which no Python wraps; returns the error number."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return errno.ENOSYS
    failed = renameat2(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE)
    return ctypes.get_errno() if failed else 0


def _translated(error: OSError, text: str) -> PermanentError | TransientError:
    if error.errno == errno.EXDEV:
        return PermanentError(f"{text}: they are on different file systems")
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EBUSY, errno.EINTR):
        return TransientError(f"{text}: {error.strerror}")
    return PermanentError(f"{text}: {error.strerror}")
