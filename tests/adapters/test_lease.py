"""One recovery at a time, and a dead one holds nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world import Program
from tests.world.shell import wait_until
from unjam.adapters import lease
from unjam.errors import PermanentError, RefusedError

ROOT = Path(__file__).parents[2]
RUN = "20261122T150000Z-3f2a"
OTHER = "20261122T150001Z-0000"
HOLD = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from unjam.adapters import lease
with lease.take(Path(sys.argv[1]), {OTHER!r}):
    Path(sys.argv[2]).touch()
    time.sleep(600)
"""
RACE = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from unjam.adapters import lease
from unjam.errors import RefusedError
while not Path(sys.argv[2]).exists():
    pass
try:
    with lease.take(Path(sys.argv[1]), {OTHER!r}):
        print("won", flush=True)
        sys.stdin.read()
except RefusedError:
    print("refused", flush=True)
"""


@pytest.fixture
def common(tmp_path: Path) -> Path:
    path = tmp_path / "common"
    path.mkdir()
    return path


def refused(common: Path) -> str:
    with pytest.raises(RefusedError) as caught, lease.take(common, RUN):
        pass
    return str(caught.value)


def test_a_held_lease_refuses_and_names_its_holder(common: Path) -> None:
    with lease.take(common, OTHER) as held:
        said = refused(common)

    assert f"another recovery (run {OTHER}, pid {os.getpid()} on {held.holder.host}" in said
    assert "is at work" in said


def test_a_lease_that_was_given_back_can_be_taken(common: Path) -> None:
    with lease.take(common, OTHER):
        pass

    with lease.take(common, RUN) as held:
        assert held.holder.run == RUN


def test_an_error_gives_it_back(common: Path) -> None:
    with pytest.raises(ZeroDivisionError), lease.take(common, OTHER):
        raise ZeroDivisionError

    with lease.take(common, RUN):
        pass


def test_another_thread_is_refused_too(common: Path) -> None:
    said: list[str] = []
    with lease.take(common, OTHER):
        thread = threading.Thread(target=lambda: said.append(refused(common)))
        thread.start()
        thread.join()

    assert "is at work" in said[0]


def test_the_lease_of_a_killed_process_is_free(
    common: Path, tmp_path: Path, start: Callable[..., Program]
) -> None:
    marker = tmp_path / "held"
    other = start(sys.executable, "-c", HOLD, common, marker, cwd=tmp_path)
    wait_until(marker.exists, "the other to hold the lease")
    assert f"pid {other.pid}" in refused(common)

    os.kill(other.pid, signal.SIGKILL)
    other.process.wait()

    with lease.take(common, RUN):
        assert lease.holder(common) is not None


def test_children_do_not_inherit_it(common: Path) -> None:
    with lease.take(common, OTHER):
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )

    with lease.take(common, RUN):
        pass
    child.communicate(b"\n")


def test_of_ten_that_race_exactly_one_wins(common: Path, tmp_path: Path) -> None:
    gun = tmp_path / "gun"
    command = [sys.executable, "-c", RACE, str(common), str(gun)]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(10)]

    gun.touch()
    said = [one.stdout.readline().strip() for one in racers if one.stdout]
    for one in racers:
        one.communicate()

    assert sorted(said) == ["refused"] * 9 + ["won"]


def test_looking_tells_the_holder_and_takes_nothing(common: Path) -> None:
    assert lease.holder(common) is None
    assert not (common / "unjam").exists()
    with lease.take(common, RUN) as held:
        assert lease.holder(common) == held.holder
    assert lease.holder(common) is None


def test_those_who_look_do_not_make_a_taker_fail(common: Path) -> None:
    with lease.take(common, RUN):
        pass
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            lease.holder(common)

    watchers = [threading.Thread(target=look) for _ in range(3)]
    for one in watchers:
        one.start()
    try:
        for _ in range(50):
            with lease.take(common, RUN):
                pass
    finally:
        over.set()
        for one in watchers:
            one.join()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff", b"{", b"[]", b'{"pid": "x"}', b"[" * 4000, json.dumps({"run": 1}).encode()],
)
def test_garbage_in_it_neither_blocks_nor_breaks(common: Path, content: bytes) -> None:
    path = common / "unjam" / "lease"
    path.parent.mkdir()
    path.write_bytes(content)

    assert lease.holder(common) is None
    with lease.take(common, RUN):
        path.write_bytes(content)
        assert lease.holder(common) == lease.LeaseHolder()
        assert "another recovery (run ?, pid ? on ?, since ?)" in refused(common)


def test_what_an_agent_wrote_there_cannot_steer_a_terminal(common: Path) -> None:
    with lease.take(common, RUN) as held:
        told = {"host": "h", "boot": "b", "pid": 1, "since": "s", "run": "\x1b[2J" + "x" * 500}
        held.path.write_text(json.dumps(told))

        said = refused(common)

    assert "\x1b" not in said
    assert len(said) < 300


def test_a_replaced_file_is_not_mistaken_for_the_lease(common: Path) -> None:
    path = common / "unjam" / "lease"
    with lease.take(common, OTHER):
        path.unlink()

        with lease.take(common, RUN):
            assert json.loads(path.read_text())["run"] == RUN


def test_a_link_in_its_place_is_not_followed(common: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (common / "unjam").mkdir()
    (common / "unjam" / "lease").symlink_to(victim)

    with pytest.raises(PermanentError, match="cannot open the lease"), lease.take(common, RUN):
        pass
    assert victim.read_text() == "precious"
