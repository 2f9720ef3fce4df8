"""A lock of Git is stale only when nobody alive can own it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.adapters.programs import WAIT, Bench, Terminal, is_alive, wait_for_end
from tests.world import Program
from tests.world.shell import git, wait_until
from unjam.adapters.processes.locks import git_locks
from unjam.adapters.processes.locks.git_locks import judge_locks, locker_lives, owners_of
from unjam.domain.world.snapshot import Lock
from unjam.domain.world.truth import Truth

LONG_AGO = time.time() - 24 * 3600


class Scene:
    """A repository with one worktree."""

    def __init__(self, root: Path) -> None:
        self.repo, self.tree = root / "project", root / "trees" / "one"
        self.common = self.repo / ".git"
        git("init", "--quiet", str(self.repo), cwd=root)
        git("commit", "--quiet", "--allow-empty", "-m", "Start", cwd=self.repo)
        git("worktree", "add", "--quiet", str(self.tree), cwd=self.repo)

    def judge(self, path: Path, worktree: str = "", since: float | None = None) -> Lock:
        if since is None:
            since = path.stat().st_mtime
        lock = Lock(path, worktree, datetime.fromtimestamp(since, UTC), Truth.UNKNOWN, "")
        return judge_locks([lock], self.common, {"": self.repo, "one": self.tree})[0]

    def leave(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    @property
    def index_lock(self) -> Path:
        return self.common / "index.lock"

    @property
    def worktree_lock(self) -> Path:
        return self.common / "worktrees" / "one" / "index.lock"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def bench(tmp_path: Path, start: Callable[..., Program]) -> Bench:
    return Bench(tmp_path / "bench", start)


@pytest.fixture
def terminal(scene: Scene) -> Iterator[Terminal]:
    made = Terminal(scene.repo)
    yield made
    made.close()


def commit_in_an_editor(bench: Bench, cwd: Path) -> Program:
    editor = f"{sys.executable} {bench.script('tell(chr(101))' + WAIT, 'editor.py')}"
    (cwd / "file").write_text("x")
    git("add", "file", cwd=cwd)
    # Its own copy of the index: a commit of everything holds the lock while the editor is open.
    program = bench.run_command("git", "commit", "-a", cwd=cwd, env={"GIT_EDITOR": editor})
    bench.heard("e")
    return program


def test_a_commit_that_waits_in_its_editor_owns_its_lock(scene: Scene, bench: Bench) -> None:
    commit = commit_in_an_editor(bench, scene.tree)
    assert scene.worktree_lock.exists()
    assert owners_of(scene.worktree_lock) == ()

    said = scene.judge(scene.worktree_lock, "one")

    assert said.stale is Truth.NO
    assert f"pid {commit.pid} (git commit" in said.because


def test_the_lock_of_a_killed_commit_is_stale(scene: Scene, bench: Bench) -> None:
    commit = commit_in_an_editor(bench, scene.tree)
    commit.kill()
    (editor,) = bench.heard("e").split()
    os.kill(int(editor), signal.SIGKILL)
    wait_for_end(int(editor))

    assert scene.judge(scene.worktree_lock, "one").stale is Truth.YES


def test_git_in_a_worktree_may_own_a_shared_lock(scene: Scene, bench: Bench) -> None:
    commit_in_an_editor(bench, scene.tree)
    shared = scene.leave(scene.common / "packed-refs.lock")
    ref = scene.leave(scene.common / "refs" / "heads" / "main.lock")

    assert scene.judge(shared).stale is Truth.NO
    assert scene.judge(ref).stale is Truth.NO
    assert scene.judge(scene.leave(scene.index_lock)).stale is Truth.UNKNOWN


def test_git_that_was_sent_here_from_elsewhere_may_own_a_lock(scene: Scene, tmp_path: Path) -> None:
    steering = {"GIT_DIR": str(scene.common), "GIT_WORK_TREE": str(tmp_path)}
    command = ["git", "cat-file", "--batch"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **steering}, stdin=pipe):
        lock = scene.leave(scene.index_lock)
        wait_until(lambda: scene.judge(lock).stale is Truth.UNKNOWN, "it to be seen")

    assert scene.judge(lock).stale is Truth.YES


def test_git_of_another_repository_owns_no_lock_of_ours(scene: Scene, tmp_path: Path) -> None:
    git("init", "--quiet", "other", cwd=tmp_path)
    command = ["git", "cat-file", "--batch"]
    with subprocess.Popen(command, cwd=tmp_path / "other", stdin=subprocess.PIPE) as other:
        wait_until(lambda: is_alive(other.pid), "the other Git")

        assert scene.judge(scene.leave(scene.index_lock)).stale is Truth.YES


def test_an_agent_that_is_older_than_the_lock_may_own_it(scene: Scene, bench: Bench) -> None:
    agent = bench.run("tell('ready')" + WAIT, cwd=scene.tree)
    bench.heard("ready")
    lock = scene.leave(scene.worktree_lock)

    said = scene.judge(lock, "one")

    assert said.stale is Truth.UNKNOWN
    assert f"pid {agent.pid} (" in said.because
    assert scene.judge(lock, "one", since=LONG_AGO).stale is Truth.YES
    assert scene.judge(scene.leave(scene.index_lock)).stale is Truth.YES


def test_a_person_who_sits_in_the_repository_owns_no_lock(scene: Scene, terminal: Terminal) -> None:
    assert is_alive(terminal.pid)

    assert scene.judge(scene.leave(scene.index_lock)).stale is Truth.YES


def test_what_the_person_runs_there_may_own_one(
    scene: Scene, bench: Bench, terminal: Terminal
) -> None:
    script = bench.script("tell('child')" + WAIT)
    terminal.type(f"{sys.executable} {script}")
    bench.heard("child")

    assert scene.judge(scene.leave(scene.index_lock)).stale is Truth.UNKNOWN


def test_an_open_file_names_its_owner(scene: Scene, bench: Bench) -> None:
    lock = scene.leave(scene.index_lock)
    owner = bench.run(f"held = open({str(lock)!r})\ntell('ready')" + WAIT, cwd=Path("/"))
    bench.heard("ready")

    assert [one.pid for one in owners_of(lock)] == [owner.pid]


def test_a_lock_that_another_machine_may_own_is_never_stale(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    mounts = [
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
        f"40 22 0:30 / {scene.repo} rw,relatime shared:1 - nfs4 server:/export rw",
    ]
    (proc / "self" / "mountinfo").write_text("\n".join(mounts) + "\n")
    lock = scene.leave(scene.index_lock)
    assert scene.judge(lock).stale is Truth.YES

    monkeypatch.setattr(git_locks, "PROC", proc)

    assert scene.judge(lock).stale is Truth.UNKNOWN
    assert "other machines" in scene.judge(lock).because


def locked_by(scene: Scene, reason: str) -> Path:
    git("worktree", "lock", "--reason", reason, str(scene.tree), cwd=scene.repo)
    return scene.common / "worktrees" / "one" / "locked"


def ended() -> int:
    with subprocess.Popen(["true"]) as child:
        return child.pid


def test_a_worktree_locked_by_a_process_that_lives_is_held(scene: Scene) -> None:
    reason = f"claude agent agent-1 (pid {os.getpid()})"

    assert locker_lives(reason, locked_by(scene, reason)) is Truth.YES


def test_a_worktree_locked_by_a_process_that_died_is_not_held(scene: Scene) -> None:
    reason = f"claude agent agent-1 (pid {ended()} start Fri Jun 19 21:37:40 2026)"

    assert locker_lives(reason, locked_by(scene, reason)) is Truth.NO


def test_a_process_that_was_started_after_the_lock_did_not_set_it(scene: Scene) -> None:
    reason = f"PID={os.getpid()}"
    file = locked_by(scene, reason)
    os.utime(file, (LONG_AGO, LONG_AGO))

    assert locker_lives(reason, file) is Truth.NO


@pytest.mark.parametrize("reason", ["on a stick", "rapid 7", "pid 1 of pid 99999999"])
def test_a_lock_whose_reason_names_no_one_process_tells_nothing(scene: Scene, reason: str) -> None:
    assert locker_lives(reason, locked_by(scene, reason)) is Truth.UNKNOWN
