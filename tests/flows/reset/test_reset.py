"""The emergency: everything stops, everything is saved, the work begins anew, and undo brings it all back."""

import hashlib
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.recovering import sentences, undo
from tests.resetting import reset
from tests.terminal import terminal
from tests.world import (
    Program,
    World,
    git,
    leave_brutal_work,
    prepare_for_brutal_work,
    typical_wreck,
    wait_until,
)
from tests.world.script import commit, keep_writing, reach, write
from unjam.errors import RefusedError


def wreck(world: World) -> World:
    """Work of every kind, logs, a state with a WAL, a stray, and a primary that was left astray."""
    world.configure(policy={"restart": "off"})
    prepare_for_brutal_work(world.repo)
    typical_wreck(world)
    leave_brutal_work(world.workstream("ws-04", "agent-4").tree)
    world.workstream("ws-03", "agent-3").leaves_commit_in_reflog({"thrown.txt": "thrown away\n"})
    conflicting = world.workstream("ws-09", "agent-9").worktree().row("conflict")
    conflicting.commits({"src/app.py": "theirs = 1\n"})
    world.primary.commit("src/app.py", "ours = 1\n")
    world.primary.mid_merge(conflicting.branch)
    world.primary.edit("mine.txt", "untracked, a person's\n")
    world.primary.stale_lock("refs/heads/main.lock").write_bytes(b"half a ref")
    world.state.row("ws-88", "failed", agent="agent-8")
    world.state.row("ws-89", " IN_progress\n", agent="agent-8")
    stray = world.repo / ".worktrees" / "agent-8-ws-88"
    stray.mkdir()
    (stray / "draft.py").write_text("a stray's\n")
    leave_logs(world.repo / "logs")
    leave_wal(world.state.path)
    return world


def leave_logs(folder: Path) -> None:
    (folder / "old").mkdir(parents=True)
    (folder / "agent-4.log").write_text("began\nis writing\n")
    (folder / "old" / "trace.bin").write_bytes(bytes(range(256)))


def leave_wal(path: Path) -> None:
    """Commit rows into the WAL and be gone without a checkpoint, as a killed writer is."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(
        "INSERT INTO workstream_status (workstream_id, status) VALUES ('w', 'pending')"
    )
    database.commit()
    copies = {one: one.read_bytes() for one in path.parent.glob("*.db*")}
    database.close()
    for one, content in copies.items():
        one.write_bytes(content)


def exact(world: World) -> dict[str, str]:
    """The bytes that an inventory takes as read: the state's files, the logs and the reflogs."""
    roots = (world.state.path.parent, world.repo / "logs", world.common / "logs" / "refs" / "heads")
    files = (path for root in roots for path in sorted(root.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(world.repo)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not path.name.endswith("-shm")  # SQLite's, made anew by any reader
    }


@pytest.fixture
def wrecked(new_world: Callable[..., World]) -> World:
    """A wreck without a remote: what is undone there is undone to the last byte."""
    return wreck(new_world(remote=False))


def test_reset_then_undo_restores_refs_rows_worktrees_files_and_logs_byte_for_byte(
    wrecked: World,
) -> None:
    treasure, bytes_before = wrecked.treasure(), exact(wrecked)
    before = wrecked.inventory()

    document = reset(wrecked.repo)

    assert document["word"] == "recovered", document["outcomes"]
    assert wrecked.lost(treasure) == []
    assert undo(wrecked.repo, document["run"])["word"] == "undone"
    assert exact(wrecked) == bytes_before
    assert wrecked.inventory() == before
    assert git("fsck", "--no-dangling", cwd=wrecked.repo) == ""
    assert wrecked.lost(treasure) == []


def test_after_a_reset_there_is_the_trunk_an_empty_state_and_nothing_else(wrecked: World) -> None:
    trunk = wrecked.trunk
    columns = wrecked.state.tables()["workstream_status"][0]

    document = reset(wrecked.repo)

    assert document["word"] == "recovered", document["outcomes"]
    assert wrecked.trunk == trunk
    assert git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=wrecked.repo).split() == [
        "refs/heads/main"
    ]
    assert git("worktree", "list", "--porcelain", cwd=wrecked.repo).count("worktree ") == 1
    assert list((wrecked.repo / ".worktrees").iterdir()) == []
    assert list((wrecked.repo / "logs").iterdir()) == []
    assert wrecked.state.tables()["workstream_status"] == []
    assert not wrecked.state.tables()["execution_log"]
    wrecked.state.row("ws-01", "pending", agent=None)  # its tables are those that were
    assert len(wrecked.state.tables()["workstream_status"][0]) == len(columns)
    assert git("branch", "--show-current", cwd=wrecked.repo) == "main"
    assert (wrecked.repo / "mine.txt").read_text() == "untracked, a person's\n"
    assert unjam_json("check", cwd=wrecked.repo)["healthy"]
    assert reset(wrecked.repo)["word"] == "recovered"  # the row that was just written
    assert reset(wrecked.repo)["word"] == "nothing to do"


def test_the_bundle_holds_every_branch_that_is_removed(wrecked: World, tmp_path: Path) -> None:
    tip = wrecked.workstream("ws-03", "agent-3").tip

    document = reset(wrecked.repo)

    (bundle,) = (wrecked.common / "unjam" / "vault" / document["run"]).glob("*.bundle")
    fresh = tmp_path / "fresh"
    git("clone", "--quiet", str(wrecked.repo), str(fresh), cwd=tmp_path)
    git("fetch", "--quiet", str(bundle), "refs/heads/ws/*:refs/heads/ws/*", cwd=fresh)
    assert git("rev-parse", "ws/ws-03/agent-3", cwd=fresh) == tip


def test_a_living_orchestrator_and_its_agents_are_stopped_first(world: World) -> None:
    world.configure(policy={"restart": "off"})
    began = world.marker("began")
    script = [write("src/feature.py"), commit("feature"), reach(began), keep_writing("draft.txt")]
    world.spec("ws-15", script=script)
    world.commit_specs()
    orchestrator = world.run_orchestrator()
    wait_until(began.exists, "the agent to have begun")

    document = reset(world.repo)

    assert document["word"] == "recovered", document["outcomes"]
    assert not orchestrator.alive
    assert world.agents() == []
    assert len(sentences(document, "stop")) >= 1
    kept = git("for-each-ref", "--format=%(refname)", "refs/unjam", cwd=world.vault)
    assert f"refs/unjam/{document['run']}/worktree/" in kept
    assert world.state.tables()["workstream_status"] == []


def test_an_undo_is_refused_once_an_orchestrator_has_begun_anew(wrecked: World) -> None:
    document = reset(wrecked.repo)
    wrecked.state.row("ws-77", "pending", agent=None)
    rows = wrecked.state.tables()

    with pytest.raises(RefusedError, match=r"orchestration\.db"):
        undo(wrecked.repo, document["run"])

    assert wrecked.state.tables() == rows


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_an_undo_never_puts_the_old_database_beside_another_ones_journal(
    wrecked: World, suffix: str
) -> None:
    wrecked.state.tables()
    document = reset(wrecked.repo)
    beside = Path(f"{wrecked.state.path}{suffix}")
    beside.write_bytes(b"of the new one")

    with pytest.raises(RefusedError, match=suffix):
        undo(wrecked.repo, document["run"])

    assert beside.read_bytes() == b"of the new one"


HOLDER = """\
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1])
database.execute("SELECT 1 FROM workstream_status").fetchone()
print("open", flush=True)
time.sleep(600)
"""


def test_whoever_has_the_state_open_keeps_it_where_it_is(
    wrecked: World, start: Callable[..., Program]
) -> None:
    inode = wrecked.state.path.stat().st_ino
    holder = start(sys.executable, "-c", HOLDER, wrecked.state.path, cwd=wrecked.root)
    wait_until(lambda: "open" in holder.output.read_text(), "it to be open")

    document = reset(wrecked.repo)

    assert document["word"] == "partly recovered"
    (said,) = sentences(document, "empty state").values()
    assert said.startswith("refused")
    assert f"pid {holder.pid}" in said
    assert wrecked.state.path.stat().st_ino == inode


def test_a_worktree_a_person_made_elsewhere_and_a_tracked_log_stay(
    wrecked: World, tmp_path: Path
) -> None:
    (wrecked.common / "refs/heads/main.lock").unlink()
    git("merge", "--abort", cwd=wrecked.repo)
    mine = tmp_path / "mine"
    git("worktree", "add", "--quiet", "-b", "mine", str(mine), "main", cwd=wrecked.repo)
    tracked = wrecked.repo / "logs" / ".gitkeep"
    tracked.touch()
    git("add", "--force", "--", "logs/.gitkeep", cwd=wrecked.repo)
    git("commit", "--quiet", "-m", "Keep the logs", cwd=wrecked.repo)

    document = reset(wrecked.repo)

    assert document["word"] == "recovered", document["outcomes"]
    assert (mine / "src" / "app.py").is_file()
    assert git("branch", "--show-current", cwd=mine) == "mine"
    assert list((wrecked.repo / "logs").iterdir()) == [tracked]


def test_the_empty_state_keeps_the_mode_of_the_old_one(wrecked: World) -> None:
    reset(wrecked.repo)

    with wrecked.state.open() as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("becomes", ["becomes_text", "becomes_empty", "becomes_foreign"])
def test_a_state_that_is_no_state_goes_into_the_vault_too(lonely: World, becomes: str) -> None:
    getattr(lonely.state, becomes)()
    before, content = lonely.inventory(), lonely.state.path.read_bytes()

    document = reset(lonely.repo)

    assert document["word"] == "recovered", document["outcomes"]
    assert not lonely.state.path.exists()
    assert undo(lonely.repo, document["run"])["word"] == "undone"
    assert lonely.state.path.read_bytes() == content
    assert lonely.inventory() == before


def test_what_the_vault_cannot_take_keeps_its_place_with_its_branch(lonely: World) -> None:
    (lonely.repo / ".git" / "info" / "exclude").write_text("*.bin\n")
    stream = lonely.workstream("ws-15").worktree().row("running")
    large = stream.tree / "large.bin"
    with large.open("wb") as file:
        file.truncate(60_000_000)  # ignored, and larger than what is copied
    before = lonely.inventory()

    document = reset(lonely.repo)

    assert document["word"] == "partly recovered"
    (said,) = sentences(document, "remove worktree").values()
    assert "large.bin" in said
    assert large.exists()
    assert git("rev-parse", stream.branch, cwd=lonely.repo) == lonely.trunk
    assert undo(lonely.repo, document["run"])["word"] == "undone"
    assert lonely.inventory() == before


@pytest.mark.parametrize(
    "arguments",
    [("--yes",), ("--yes", "--name", "another"), ("--name", "project"), ()],
    ids=["no name", "another name", "nobody to ask", "nothing"],
)
def test_nothing_is_reset_unless_its_name_is_typed(
    wrecked: World, arguments: tuple[str, ...]
) -> None:
    before = wrecked.inventory()

    ended = unjam("reset", *arguments, cwd=wrecked.repo)

    assert ended.returncode == 3, ended.stderr
    assert "project" in ended.stderr
    assert wrecked.inventory() == before


def test_on_a_terminal_the_name_is_asked_for_and_anything_else_is_no(wrecked: World) -> None:
    before = wrecked.inventory()

    with terminal("reset", cwd=wrecked.repo) as screen:
        screen.wait_for("name")
        screen.type("projekt")
        status = screen.end()

    assert status == 3
    assert wrecked.inventory() == before


def test_a_preview_shows_all_of_it_and_changes_nothing(wrecked: World) -> None:
    before = wrecked.inventory()

    document = unjam_json("reset", "--dry-run", cwd=wrecked.repo)
    stale = unjam("reset", "--plan", "0" * 16, "--name", "project", cwd=wrecked.repo)

    assert document["word"] == "planned"
    verbs = [one["step"] for one in document["plan"]]
    assert verbs.index("salvage") < verbs.index("bundle") < verbs.index("empty state")
    assert verbs.index("empty state") < verbs.index("remove worktree")
    assert verbs.index("remove worktree") < verbs.index("remove branch")
    assert any("main stays" in note for note in document["notes"])
    assert stale.returncode == 3
    assert wrecked.inventory() == before


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_person_resets_what_he_saw_and_takes_it_back(wrecked: World) -> None:
    before = wrecked.inventory()
    seen = unjam_json("reset", "--dry-run", cwd=wrecked.repo)

    done = unjam_json("reset", "--plan", seen["digest"], "--name", "project", cwd=wrecked.repo)

    assert done["word"] == "recovered", done
    assert done["flow_run"]["name"] == f"reset project on {os.uname().nodename}"
    assert unjam("check", cwd=wrecked.repo).returncode == 0
    undone = unjam("undo", done["run"], "--yes", cwd=wrecked.repo)
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert wrecked.inventory() == before
