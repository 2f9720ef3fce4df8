"""Two writers, two logs: one was deleted under its writer, and others have committed since."""

import os
from pathlib import Path

import pytest

from tests.command import unjam_json
from tests.flows.database.holding import COMMITTED, Start, keeper, with_log
from tests.recovering import recover
from tests.world import World

HOUR = 3600  # seconds


@pytest.mark.parametrize("how", ["closed cleanly", "still in its log", "still open"])
def test_what_others_committed_beside_a_deleted_log_is_not_overwritten(
    busy: World, start: Start, how: str
) -> None:
    with_log(busy)
    first = keeper(start, busy, "PRAGMA wal_autocheckpoint = 0", COMMITTED, name="agent.py")
    for side in ("-wal", "-shm"):
        Path(f"{busy.state.path}{side}").unlink()
    made_older(first.pid)
    other = COMMITTED.replace("ws-kept", "ws-other")
    if how == "closed cleanly":
        with busy.state.open() as state:
            state.execute(other)
    else:
        second = keeper(start, busy, other, name="second.py")
        if how == "still in its log":
            second.kill()

    told = unjam_json("check", cwd=busy.repo)
    document = recover(busy.repo)

    summaries = [one["summary"] for one in told["findings"]]
    assert any(f"pid {first.pid}" in one and "deleted files" in one for one in summaries), summaries
    assert first.alive
    assert document["word"] != "recovered"
    assert any("choose which" in one for one in document["notes"]), document["notes"]
    assert busy.state.status("ws-other") == "pending"
    (copied,) = [one["sentence"] for one in document["outcomes"] if one["step"] == "copy state"]
    assert f"-wal.deleted-{first.pid}" in copied


def made_older(pid: int) -> None:
    """As if it had committed an hour ago."""
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        if str(handle.readlink()).endswith("-wal (deleted)"):
            then = handle.stat().st_mtime - HOUR
            os.utime(handle, (then, then))
