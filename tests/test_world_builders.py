"""Every builder of the world makes what its name says; a recovery is then judged against that."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.world import Program, TimeStyle, Workstream, World, git, git_status, wait_until
from tests.world.wrecks import leave_orphan, typical_wreck


@pytest.fixture
def stream(world: World) -> Workstream:
    return world.workstream("ws-15").worktree().commits({"a.py": "a\n"}).commits({"b.py": "b\n"})


def is_ancestor(stream: Workstream) -> bool:
    return git_status("merge-base", "--is-ancestor", stream.branch, "main", cwd=stream.primary) == 0


def merging_changes_nothing(stream: Workstream) -> bool:
    merged = git("merge-tree", "--write-tree", "main", stream.branch, cwd=stream.primary)
    return merged == git("rev-parse", "main^{tree}", cwd=stream.primary)


def merges(world: World) -> int:
    return len(git("rev-list", "--merges", "main", cwd=world.repo).splitlines())


def test_landed_as_merge(world: World, stream: Workstream) -> None:
    stream.lands_as_merge()

    assert is_ancestor(stream)
    assert merges(world) == 1


def test_landed_fast_forward(world: World, stream: Workstream) -> None:
    stream.lands_fast_forward()

    assert world.trunk == stream.tip


def test_landed_flattened(world: World, stream: Workstream) -> None:
    stream.lands_flattened()

    assert not is_ancestor(stream)
    assert merges(world) == 0
    assert merging_changes_nothing(stream)
    cherries = git("cherry", "main", stream.branch, cwd=world.repo)
    assert [line[0] for line in cherries.splitlines()] == ["-", "-"]


def test_landed_as_squash(world: World, stream: Workstream) -> None:
    stream.lands_as_squash()

    assert not is_ancestor(stream)
    assert merging_changes_nothing(stream)
    cherries = git("cherry", "main", stream.branch, cwd=world.repo)
    assert [line[0] for line in cherries.splitlines()] == ["+", "+"]


def test_landed_and_reverted(world: World, stream: Workstream) -> None:
    stream.lands_as_merge().is_reverted()

    assert is_ancestor(stream)
    assert not (world.repo / "a.py").exists()


def test_the_primary_in_the_middle_of_a_conflicting_merge(world: World, stream: Workstream) -> None:
    stream.commits({"src/app.py": "theirs\n"})
    world.primary.commit("src/app.py", "ours\n")

    world.primary.mid_merge(stream.branch)

    assert git("diff", "--name-only", "--diff-filter=U", cwd=world.repo) == "src/app.py"


def test_the_primary_in_the_middle_of_a_clean_merge(world: World, stream: Workstream) -> None:
    world.primary.mid_clean_merge(stream.branch)

    assert (world.common / "MERGE_HEAD").read_text().strip() == stream.tip


def test_the_primary_in_the_middle_of_a_rebase(world: World) -> None:
    assert world.origin
    world.primary.commit("src/app.py", "ours\n")
    theirs = world.origin.moves("src/app.py", "theirs\n")
    git("fetch", "--quiet", "origin", cwd=world.repo)

    world.primary.mid_rebase(theirs)

    assert git_status("symbolic-ref", "--quiet", "HEAD", cwd=world.repo) == 1
    world.inventory()


def test_the_primary_on_an_agents_branch(world: World) -> None:
    world.primary.on_branch("ws/ws-15/agent-1")

    assert git("branch", "--show-current", cwd=world.repo) == "ws/ws-15/agent-1"


def test_a_remote_that_refuses_pushes(world: World) -> None:
    assert world.origin
    world.origin.refuses_pushes()
    before = world.origin.tip
    world.primary.commit("new.txt", "new\n")

    assert git_status("push", "origin", "main", cwd=world.repo) != 0
    assert world.origin.tip == before


def test_times_are_written_in_both_styles(world: World) -> None:
    hour = timedelta(hours=1)
    world.state.row("ws-1", "running", age=hour, style=TimeStyle.LOCAL_ISO)
    world.state.row("ws-2", "running", age=hour, style=TimeStyle.UTC)

    local = datetime.fromisoformat(str(world.state.value("ws-1", "started_at"))).astimezone()
    utc = datetime.fromisoformat(str(world.state.value("ws-2", "started_at"))).replace(tzinfo=UTC)

    assert "T" in str(world.state.value("ws-1", "started_at"))
    assert "T" not in str(world.state.value("ws-2", "started_at"))
    assert abs(local - utc) < timedelta(minutes=1)


def test_a_state_without_some_columns_takes_rows(world: World) -> None:
    world.state.create(("workstream_id", "status"), log=False)
    world.state.row("ws-1", "running")

    assert world.state.tables() == {"workstream_status": [("ws-1", "running")]}


@pytest.mark.parametrize("wreck", ["becomes_empty", "becomes_text"])
def test_a_state_that_is_none(world: World, wreck: str) -> None:
    world.state.row("ws-1", "running")

    getattr(world.state, wreck)()

    assert world.state.tables() == {}
    assert any("orchestration.db" in name for name in world.inventory())


def test_a_state_that_is_locked(world: World) -> None:
    world.state.row("ws-1", "running")

    with (
        world.state.locked(),
        sqlite3.connect(world.state.path, timeout=0) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("SELECT * FROM workstream_status").fetchall()


@pytest.mark.parametrize(
    ("files", "passes"),
    [
        ({"src/a.py": "x = 1\n"}, True),
        ({"src/a.py": "x = BROKEN\n"}, False),
        ({"src/a.py": "HALF_A\n"}, True),
        ({"src/a.py": "HALF_A\n", "src/b.py": "HALF_B\n"}, False),
    ],
)
def test_the_check_fails_on_broken_work_and_on_halves_that_meet(
    world: World, start: Callable[..., Program], files: dict[str, str], *, passes: bool
) -> None:
    for name, text in files.items():
        world.primary.edit(name, text)

    ended = start(*world.verify_command, cwd=world.repo).wait()

    assert (ended == 0) is passes


def test_the_orchestrator_that_a_recovery_starts_again_stands_still(world: World) -> None:
    typical_wreck(world)
    rows = world.state.tables()

    running = world.run_orchestrator("--resume", "--idle")

    log = world.repo / "logs" / "orchestrator.log"
    wait_until(lambda: log.exists() and log.read_text().count("Waiting") > 3, "it to wait")
    assert running.alive
    assert world.state.tables() == rows


def test_the_typical_wreck_holds_every_common_verdict(world: World) -> None:
    typical_wreck(world)

    statuses = [row[1] for row in world.state.tables()["workstream_status"]]
    assert statuses == ["running", "completed", "running", "running", "running", "pending"]
    assert len(list((world.repo / ".worktrees").iterdir())) == 5
    assert world.lost(world.treasure()) == []


def test_an_orphan_writes_until_the_world_ends(world: World) -> None:
    leave_orphan(world)
    draft = world.repo / ".worktrees" / "agent-1-ws-15" / "draft.txt"
    wait_until(draft.exists, "the orphan to write")
    assert world.agents()

    world.end_agents()

    assert world.agents() == []


def test_worlds_without_a_configuration_or_a_check(new_world: Callable[..., World]) -> None:
    bare, unchecked = new_world(configured=False), new_world(verify=False)

    assert not (bare.repo / "unjam.toml").exists()
    assert "[verify]" not in (unchecked.repo / "unjam.toml").read_text()
    unchecked.configure(verify={"command": ["true"], "timeout": "2s"})
    assert 'command = ["true"]\ntimeout = "2s"' in (unchecked.repo / "unjam.toml").read_text()
    assert git("status", "--porcelain", cwd=unchecked.repo) == ""
