"""The reference orchestrator shows the faults it stands for, and the world's own measures hold."""

import json
import shutil
from collections.abc import Callable

from tests.world import (
    World,
    git,
    git_status,
    leave_brutal_work,
    prepare_for_brutal_work,
    wait_until,
)
from tests.world.script import commit, hang, keep_writing, leave, reach, wait_for, write

APP = "src/app.py"


def is_merged(world: World, branch: str) -> bool:
    return git_status("merge-base", "--is-ancestor", branch, "main", cwd=world.repo) == 0


def log(world: World) -> str:
    return (world.repo / "logs" / "orchestrator.log").read_text()


def test_a_merge_conflict_leaves_the_row_completed_and_the_branch_unmerged(world: World) -> None:
    world.spec("ws-03", script=[write(APP, "x = 3\n"), commit("three")])
    world.spec("ws-22", script=[write(APP, "x = 22\n"), commit("twenty-two")])
    world.commit_specs()

    ended = world.run_orchestrator().wait()

    assert ended == 0
    assert world.state.status("ws-03") == world.state.status("ws-22") == "completed"
    merged = {is_merged(world, "ws/ws-03/agent-1"), is_merged(world, "ws/ws-22/agent-2")}
    assert merged == {True, False}


def test_after_sigkill_rows_stay_running_and_an_orphan_goes_on_writing(world: World) -> None:
    world.spec("ws-03", script=[reach(world.marker("began")), keep_writing("draft.txt")])
    world.commit_specs()

    world.kill_orchestrator_when(world.marker("began").exists, "the agent to begin")

    draft = world.repo / ".worktrees" / "agent-1-ws-03" / "draft.txt"
    wait_until(draft.exists, "the orphan's file")
    size = draft.stat().st_size
    wait_until(lambda: draft.stat().st_size > size, "the orphan to write on")
    assert world.state.status("ws-03") == "running"
    assert world.agents()


def test_restarted_it_trusts_the_running_rows_and_waits_for_ever(world: World) -> None:
    world.spec("ws-03", script=[reach(world.marker("began")), hang()])
    world.commit_specs()
    world.kill_orchestrator_when(world.marker("began").exists, "the agent to begin")

    again = world.run_orchestrator("--resume")

    wait_until(lambda: log(world).count("Waiting for running workstreams") > 3, "it to wait")
    assert again.alive
    assert world.state.value("ws-03", "attempt") == 1
    assert len(world.state.tables()["execution_log"]) == 1


def test_work_that_is_merged_already_can_still_have_a_running_row(world: World) -> None:
    world.spec("ws-03", script=[write("fast.py"), commit("fast")])
    world.spec("ws-12", script=[hang()])
    world.commit_specs()

    world.kill_orchestrator_when(
        lambda: (world.repo / "fast.py").exists() and "Merged ws/ws-03" in log(world), "the merge"
    )

    assert is_merged(world, "ws/ws-03/agent-1")
    assert world.state.status("ws-03") == "running"


def test_without_a_remote_everything_is_completed_and_nothing_merged(
    new_world: Callable[..., World],
) -> None:
    world = new_world(remote=False)
    world.spec("ws-03", script=[write("three.py"), commit("three")])
    world.commit_specs()

    ended = world.run_orchestrator().wait()

    assert ended == 0
    assert world.state.status("ws-03") == "completed"
    assert not is_merged(world, "ws/ws-03/agent-1")


def test_pulling_with_a_rebase_flattens_the_earlier_merges(world: World) -> None:
    names = ("ws-01", "ws-02", "ws-03")
    for number, name in enumerate(names):
        ready = [] if not number else [wait_for(world.marker(names[number - 1]))]
        world.spec(name, script=[*ready, write(f"{name}.py", name), commit(name)])
    world.commit_specs()

    running = world.run_orchestrator()
    for name in names:
        wait_until(lambda name=name: (world.repo / f"{name}.py").exists(), name)  # type: ignore[misc]
        world.marker(name).touch()
    running.wait()

    assert {world.state.status(name) for name in names} == {"completed"}
    assert len(git("log", "--merges", "--oneline", "main", cwd=world.repo).splitlines()) == 1
    assert not is_merged(world, "ws/ws-02/agent-2")
    reflog = git("reflog", "show", "main", cwd=world.repo)
    assert all(f"merge ws/{name}/" in reflog for name in names)


def test_a_persons_edit_in_the_primary_stops_the_merge_and_not_the_row(world: World) -> None:
    world.spec("ws-03", script=[write("three.py"), commit("three")])
    world.commit_specs()
    world.primary.edit(APP, "a person was here\n")

    world.run_orchestrator().wait()

    assert world.state.status("ws-03") == "completed"
    assert not is_merged(world, "ws/ws-03/agent-1")
    assert (world.repo / APP).read_text() == "a person was here\n"


def test_a_conflicting_remote_leaves_the_primary_mid_rebase_and_kills_it(world: World) -> None:
    world.spec("ws-02", script=[write(APP, "x = 2\n"), commit("two")])
    world.spec("ws-03", script=[write("three.py"), commit("three")], depends_on=["ws-02"])
    world.spec("ws-12", depends_on=["ws-03"])
    world.commit_specs()
    assert world.origin
    running = world.run_orchestrator()
    wait_until(lambda: (world.repo / APP).read_text() == "x = 2\n", "the first merge")
    world.origin.moves(APP, "x = 99\n")

    ended = running.wait()

    assert ended != 0
    assert "KeyError: 'stderr'" in running.output.read_text()
    assert (world.common / "rebase-merge").is_dir()
    assert world.state.status("ws-03") == "completed"
    assert world.state.status("ws-12") == "running"


def test_a_failing_agent_is_tried_for_ever_and_its_unsaved_file_destroyed(world: World) -> None:
    world.spec("ws-03", script=[write("precious.txt"), leave(1)])
    world.commit_specs()

    def tried() -> int:
        return sum(row[4] == "started" for row in world.state.tables().get("execution_log", []))

    world.kill_orchestrator_when(lambda: world.state.path.exists() and tried() > 3, "four attempts")

    assert world.state.value("ws-03", "attempt") == 1
    assert not list(world.repo.glob(".worktrees/*/precious.txt"))


def test_nothing_is_found_lost_where_nothing_happened(world: World) -> None:
    prepare_for_brutal_work(world.repo)
    stream = world.workstream("ws-15").worktree().commits({"a.py": "a\n"}).row("running")
    thrown_away = stream.leaves_commit_in_reflog({"gone.py": "only the reflog knows\n"})
    leave_brutal_work(stream.tree)

    before, treasure = world.inventory(), world.treasure()

    assert world.inventory() == before
    assert world.lost(treasure) == []
    assert thrown_away in treasure.commits


def test_every_kind_of_loss_is_found(world: World) -> None:
    prepare_for_brutal_work(world.repo)
    stream = world.workstream("ws-15").worktree().commits({"a.py": "a\n"}).row("running")
    commit_gone = stream.leaves_commit_in_reflog({"gone.py": "only the reflog knows\n"})
    leave_brutal_work(stream.tree)
    treasure = world.treasure()

    git("worktree", "remove", "--force", "--force", str(stream.tree), cwd=world.repo)
    git("branch", "-D", stream.branch, cwd=world.repo)
    with world.state.open() as database:
        database.execute("DELETE FROM workstream_status")
    lost = "\n".join(world.lost(treasure))

    assert f"commit {commit_gone}" in lost
    for name in (
        "password.secret",
        "new\nline.txt",
        "cache.ignored",
        "inner-unsaved.txt",
        "dangling",
    ):
        assert f"/{name}" in lost, name
    assert "index of index_only.txt" in lost
    assert "row ('ws-15', 'running'" in lost


def test_what_the_vault_and_the_journal_keep_is_not_lost(world: World) -> None:
    prepare_for_brutal_work(world.repo)
    stream = world.workstream("ws-15").worktree().row("running", error_message="kept in a copy")
    world.workstream("ws-16").row("running", error_message="kept in the journal")
    leave_brutal_work(stream.tree)
    treasure = world.treasure()
    vault, journal = world.common / "unjam" / "vault", world.common / "unjam" / "journal"
    for directory in (vault, journal):
        directory.mkdir(parents=True)

    shutil.copytree(stream.tree, vault / "tree", symlinks=True)
    shutil.copytree(stream.admin, vault / "admin")
    index_only = git("rev-parse", ":index_only.txt", ":edited_twice.txt", cwd=stream.tree)
    for number, blob in enumerate(index_only.split()):
        git("update-ref", f"refs/unjam/run/{number}", blob, cwd=world.repo)
    git("worktree", "remove", "--force", "--force", str(stream.tree), cwd=world.repo)
    shutil.copy(world.state.path, vault / "state.db")
    (row,) = [one for one in world.state.tables()["workstream_status"] if one[0] == "ws-16"]
    (journal / "run.jsonl").write_text(json.dumps({"before": row}) + "\n")
    with world.state.open() as database:
        database.execute("DELETE FROM workstream_status")
    assert world.lost(treasure) == []

    (vault / "state.db").unlink()
    assert [one.split("'")[1] for one in world.lost(treasure) if "_status" in one] == ["ws-15"]


def test_an_inventory_sees_one_changed_bit(world: World) -> None:
    stream = world.workstream("ws-15").worktree().leaves({"a.py": "a\n"})
    before = world.inventory()

    (stream.tree / "a.py").chmod(0o600)

    assert world.inventory() != before
