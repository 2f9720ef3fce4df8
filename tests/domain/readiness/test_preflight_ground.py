"""What is said before a run of what it stands on: the state, the disk, the tools, the remote."""

from dataclasses import replace

import pytest

from tests.domain.build import NOW, REPO, TRUNK, row
from tests.domain.readiness.ready import PLACE, TOOLS, ground, lines, world
from unjam.domain.readiness.preflight import INODES, preflight
from unjam.domain.readiness.prerequisites import Prerequisites, RemoteStanding, StateFile
from unjam.domain.world.elsewhere import Sharing
from unjam.domain.world.naming import Template
from unjam.domain.world.snapshot import (
    Lock,
    Remote,
    Snapshot,
    State,
)
from unjam.domain.world.truth import Truth

NAMED = Template("ws/{workstream}/{agent}")
CLOSED = State("state.db", Truth.UNKNOWN, because="it is locked")
NONE = State("", Truth.NO)
ELSEWHERE = replace(row("ws-9"), machine="other")
HERE = Sharing(because="a state on a server", machine=frozenset({"host"}), nursery=REPO)
HELD = Lock(REPO / ".git/index.lock", "", NOW, Truth.NO, "pid 9 has it open")
CASES: dict[str, list[tuple[Snapshot, Prerequisites, list[str]]]] = {
    "state": [
        (world(row("ws-1")), ground(), ["ok: opens; 1 row"]),
        (
            world(state=CLOSED),
            ground(),
            ["cannot tell: it does not open: it is locked [unjam recover database_lock]"],
        ),
        (world(state=NONE), ground(), ["ok: there is none yet: the orchestrator makes it"]),
    ],
    "state is sound": [
        (world(row("ws-1")), ground(), []),
        (
            world(),
            ground(state=StateFile("wal", Truth.NO, "page 3 is torn")),
            ["failed: page 3 is torn [unjam recover database_lock]"],
        ),
        (
            world(),
            ground(state=StateFile("wal", Truth.UNKNOWN, "it is locked")),
            ["failed: it is locked [unjam recover database_lock]"],
        ),
        (world(state=NONE), ground(state=StateFile("wal", Truth.NO, "page 3 is torn")), []),
    ],
    "state in WAL mode": [
        (
            world(),
            ground(),
            ["ok: WAL; a busy_timeout is of each connection: the orchestrator has to set its own"],
        ),
        (world(), ground(state=None), []),
        (
            world(),
            ground(state=StateFile("rollback", Truth.YES)),
            [
                "warning: it is in rollback mode: a reader stops every writer [sqlite3 state.db 'PRAGMA journal_mode=WAL']"
            ],
        ),
        (
            world(),
            ground(state=StateFile("", Truth.YES)),
            [
                "warning: it is in an unknown mode: a reader stops every writer [sqlite3 state.db 'PRAGMA journal_mode=WAL']"
            ],
        ),
    ],
    "state on a local disk": [
        (world(), ground(), []),
        (
            world(),
            ground(state=StateFile("wal", Truth.YES, shared="nfs")),
            ["failed: nfs: locks prove little there"],
        ),
    ],
    "space": [
        (world(), ground(), ["ok: 10.0 GB free"]),
        (
            world(),
            ground(place=replace(PLACE, free=None)),
            ["cannot tell: what is free cannot be told"],
        ),
        (
            world(),
            ground(place=replace(PLACE, free=10**9 - 1)),
            ["failed: 1.0 GB free; limits.free_disk asks for 1.0 GB"],
        ),
        (world(), ground(place=replace(PLACE, free=10**9)), ["ok: 1.0 GB free"]),
    ],
    "room for files": [
        (world(), ground(), []),
        (world(), ground(place=replace(PLACE, inodes=None)), []),
        (world(), ground(place=replace(PLACE, inodes=INODES)), []),
        (
            world(),
            ground(place=replace(PLACE, inodes=INODES - 1)),
            ["failed: 99999 more files can be made"],
        ),
    ],
    "directory of worktrees": [
        (world(), ground(), ["ok: .worktrees can be used"]),
        (
            world(),
            ground(place=replace(PLACE, not_writable="no permission", volatile="tmpfs")),
            ["failed: .worktrees: no permission"],
        ),
        (
            world(),
            ground(place=replace(PLACE, volatile="tmpfs", shared="nfs")),
            ["failed: .worktrees is on tmpfs: unsaved work is gone after a restart"],
        ),
        (
            world(),
            ground(place=replace(PLACE, shared="nfs", ignored=Truth.NO)),
            ["warning: .worktrees is on nfs: other machines may write to it"],
        ),
        (
            world(),
            ground(place=replace(PLACE, ignored=Truth.NO)),
            [
                "warning: .worktrees is not ignored: the primary would never look clean [echo /.worktrees/ >> .git/info/exclude]"
            ],
        ),
        (
            world(),
            ground(place=replace(PLACE, ignored=Truth.UNKNOWN)),
            ["ok: .worktrees can be used"],
        ),
    ],
    "verify command": [
        (world(), ground(), ["ok: /bin/pytest"]),
        (
            world(),
            ground(tools=replace(TOOLS, verify=("pytest", None))),
            ["failed: pytest is not found [verify.command in unjam.toml]"],
        ),
        (
            world(),
            ground(tools=replace(TOOLS, verify_because="python has no module pytest")),
            ["failed: python has no module pytest [verify.command in unjam.toml]"],
        ),
    ],
    "resume command": [
        (world(), ground(), ["ok: /bin/resume"]),
        (
            world(),
            ground(tools=replace(TOOLS, resume=None)),
            ["warning: none is configured: unjam cannot start it again"],
        ),
        (
            world(),
            ground(tools=replace(TOOLS, resume=("resume", None))),
            ["failed: resume is not found"],
        ),
    ],
    "agents": [
        (world(), ground(), ["ok: aider"]),
        (
            world(),
            ground(tools=replace(TOOLS, agents=())),
            ["warning: none of orchestration.agents is on the path"],
        ),
    ],
    "identity": [
        (world(), ground(), []),
        (
            world(),
            ground(tools=replace(TOOLS, identity=False)),
            [
                "failed: Git does not know who commits [git config user.name NAME; git config user.email ADDRESS]"
            ],
        ),
    ],
    "remote": [
        (world(), ground(), ["ok: reachable, and has main as it is here"]),
        (
            world(),
            ground(remote=RemoteStanding.NONE),
            ["warning: there is none: what lands stays here alone"],
        ),
        (
            world(),
            ground(remote=RemoteStanding.BEHIND),
            ["warning: it lacks commits of main that are here [git push origin main]"],
        ),
        (
            world(remote=Remote("hub", TRUNK, 1, 0)),
            ground(remote=RemoteStanding.BEHIND),
            ["warning: it lacks commits of main that are here [git push hub main]"],
        ),
        (
            world(),
            ground(remote=RemoteStanding.AHEAD),
            ["failed: its main is ahead: merges would be pulled and rebased [git pull]"],
        ),
        (
            world(),
            ground(remote=RemoteStanding.APART),
            ["failed: its main is apart: merges would be pulled and rebased [git pull]"],
        ),
        (world(), ground(remote=RemoteStanding.UNREACHABLE), ["failed: it does not answer"]),
    ],
}
EACH = [(name, *case) for name, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(("name", "seen", "stands", "said"), EACH)
def test_what_is_said_of_each_thing_is_what_was_seen(
    name: str, seen: Snapshot, stands: Prerequisites, said: list[str]
) -> None:
    assert lines(preflight(seen, stands, NAMED), name) == said
