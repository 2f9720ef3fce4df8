"""Where the state is, is what is wrong: a full disk, a read-only file system, a network one."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.flows.database.holding import ONLY, files_of
from tests.recovering import recover
from tests.world import World


@pytest.fixture
def small(new_world: Callable[..., World]) -> Iterator[World]:
    """A state on a file system of its own, 4 MB large; only root can have one."""
    world = new_world()
    world.configure(policy={"restart": "off"})
    place = world.state.path.parent
    place.mkdir(parents=True, exist_ok=True)
    words: list[str | Path] = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        world.state.create()
        world.state.row("ws-01", "pending", agent=None)
        yield world
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_named_and_nothing_is_deleted_to_make_room(small: World) -> None:
    filler = small.state.path.with_name("filler")
    fill(filler)
    before = files_of(small)

    told = unjam_json("check", cwd=small.repo)
    document = recover(small.repo, ONLY)

    assert any("disk is full" in one["summary"] for one in told["findings"])
    assert document["plan"] == []
    assert any("never deleted" in one for one in document["notes"])
    assert files_of(small) == before
    filler.unlink()
    assert unjam_json("check", "database_lock", cwd=small.repo)["findings"] == []


def fill(path: Path) -> None:
    """Write until nothing more can be written."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    with suppress(OSError):
        while True:
            os.write(descriptor, bytes(4096))
    os.close(descriptor)


def test_a_read_only_file_system_is_named_and_the_state_still_read(small: World) -> None:
    place = small.state.path.parent
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)

    told = unjam_json("check", cwd=small.repo)
    document = recover(small.repo, ONLY)
    status = unjam("status", cwd=small.repo)

    (finding,) = [one for one in told["findings"] if one["scenario"] == "database_lock"]
    assert "mounted read-only" in finding["summary"]
    assert [one["id"] for one in told["workstreams"]] == ["ws-01"]
    assert document["plan"] == []
    assert status.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be")
def test_permissions_that_keep_this_user_from_writing_are_named(calm: World) -> None:
    calm.state.row("ws-01", "pending", agent=None)
    program = (
        "import os, sys; from pathlib import Path; "
        "from unjam.adapters.mounts import why_not_writable; os.setuid(65534); "
        "print(why_not_writable(Path(sys.argv[1])))"
    )
    for one in (calm.state.path, *calm.state.path.parents):
        if "pytest" in str(one):
            one.chmod(0o755)
    ended = subprocess.run(
        [sys.executable, "-c", program, calm.state.path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "permissions" in ended.stdout, ended.stderr
