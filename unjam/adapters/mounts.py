"""Which kind of file system a path is on, and whether it can be written."""

import os
from contextlib import suppress
from pathlib import Path

# Other machines may work on the same files; a lock of SQLite's or Git's there proves little.
SHARED = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "virtiofs",
        "ceph",
        "glusterfs",
        "afs",
        "vboxsf",
        "drvfs",
        "lustre",
        "gpfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.smbnetfs",
        "fuse.gvfsd-fuse",
    ]
)
_VOLATILE = frozenset(("tmpfs", "ramfs", "devtmpfs"))
_MOUNTS = Path("/proc/self/mountinfo")


def shared_kind(path: Path, mounts: Path = _MOUNTS) -> str:
    """Name the kind of file system of a path if machines share it; empty where they do not.

    A sandbox may have its very root from a host: that is this machine's own all the same.
    """
    best, kind = _mount(path, mounts)
    return kind if kind in SHARED and best != "/" else ""


def volatile_kind(path: Path, mounts: Path = _MOUNTS) -> str:
    """Name the kind of file system of a path if it is gone after a restart; empty if it stays."""
    return kind if (kind := _mount(path, mounts)[1]) in _VOLATILE else ""


def _mount(path: Path, mounts: Path) -> tuple[str, str]:
    """Return where the file system of a path is mounted, and its kind."""
    best, kind, where = "", "", f"{os.path.realpath(path)}/"
    with suppress(OSError, IndexError):
        for line in mounts.read_text("utf-8", "surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            mount = before.split()[4]
            if "\\" in mount:  # a space, say, is written by its number
                mount = mount.encode().decode("unicode_escape")
            if where.startswith(f"{mount.rstrip('/')}/") and len(mount) >= len(best):
                best, kind = mount, after.split()[0]
    return best, kind


def why_not_writable(path: Path) -> str:
    """Say why a file, or its directory, may not be written; empty if it may."""
    with suppress(OSError):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return "its file system is mounted read-only"
    if not os.access(path, os.W_OK):
        return "its permissions do not let this user write it"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return "its directory may not be written by this user, and SQLite makes files there"
    return ""


def why_nothing_can_be_made_in(folder: Path) -> str:
    """Say why no directory can be made in one that is there; empty if it can."""
    with suppress(OSError):
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return "its file system is mounted read-only"
    if not folder.is_dir():
        return "it is no directory"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "its permissions do not let this user write it"
    return ""
