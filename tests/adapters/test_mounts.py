"""File systems that other machines share, that are full, or that may not be written."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from unjam.adapters.mounts import shared_kind, why_not_writable


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("36 35 0:30 / {0} rw,relatime shared:1 - nfs4 server:/home rw", "nfs4"),
        ("36 35 0:30 / {0} rw - cifs //server/home rw", "cifs"),
        ("36 35 0:30 / {0} rw - ext4 /dev/sda1 rw", ""),
        ("36 35 0:30 / {0}/other rw - nfs server:/ rw", ""),
        ("36 35 0:30 / / rw - 9p host rw", ""),
        ("36 35 0:30", ""),
    ],
)
def test_the_innermost_mount_tells_whether_machines_share_it(
    tmp_path: Path, line: str, kind: str
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 8:1 / / rw - ext4 /dev/sda rw\n{line.format(tmp_path.resolve())}\n")

    assert shared_kind(tmp_path / "state.db", mounts) == kind


def test_a_mount_with_a_space_in_its_name_is_known(tmp_path: Path) -> None:
    place = tmp_path / "two words"
    place.mkdir()
    written = str(place.resolve()).replace(" ", "\\040")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"36 35 0:30 / {written} rw - nfs server:/ rw\n")

    assert shared_kind(place / "state.db", mounts) == "nfs"


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file on a file system that is mounted read-only; only root can have one."""
    place = tmp_path / "mounted"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "tmpfs", place], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (place / "state.db").write_bytes(b"")
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        yield place / "state.db"
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_file_system_that_is_mounted_read_only_is_told(read_only: Path) -> None:
    assert why_not_writable(read_only) == "its file system is mounted read-only"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_permissions_are_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"")
    assert why_not_writable(path) == ""
    path.chmod(0o400)
    assert "permissions" in why_not_writable(path)
