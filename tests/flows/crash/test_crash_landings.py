"""Work that a dead orchestrator's rows misjudge: each workstream ends as Git says it is."""

from collections.abc import Callable

import pytest

from tests.flows.building import PUSHED, begun, on_trunk, recovered
from tests.recovering import recover, sentences, undo
from tests.world import Workstream, World, git

LANDINGS: dict[str, Callable[[Workstream], Workstream]] = {
    "merge commit": Workstream.lands_as_merge,
    "flattened": Workstream.lands_flattened,
    "squash": Workstream.lands_as_squash,
    "fast-forward": Workstream.lands_fast_forward,
}


@pytest.mark.parametrize("how", LANDINGS)
def test_work_that_is_on_the_trunk_is_recorded_and_not_merged_again(calm: World, how: str) -> None:
    stream = LANDINGS[how](begun(calm))
    calm.push()
    stream.leaves({"scratch.txt": "left over\n"})
    trunk, treasure, before = calm.trunk, calm.treasure(), calm.inventory()

    document = recovered(calm)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "completed"
    assert calm.state.value("ws-15", "completed_at")
    assert calm.state.value("ws-15", "error_message") is None
    assert not stream.tree.exists()
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.inventory() == before


@pytest.mark.parametrize("how", LANDINGS)
def test_work_that_landed_and_was_never_pushed_is_pushed(calm: World, how: str) -> None:
    LANDINGS[how](begun(calm))

    recovered(calm)

    assert calm.origin is not None
    assert calm.origin.tip == calm.trunk
    assert git("rev-parse", "origin/main", cwd=calm.repo) == calm.trunk


def test_merged_work_that_was_reverted_is_recorded_as_reverted(calm: World) -> None:
    stream = begun(calm).lands_as_merge().is_reverted()
    calm.push()
    trunk, treasure, before = calm.trunk, calm.treasure(), calm.inventory()

    document = recovered(calm)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "reverted"
    assert trunk[:12] in str(calm.state.value("ws-15", "error_message"))
    assert git("rev-parse", stream.branch, cwd=calm.repo) == stream.tip
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.inventory() == before


def test_a_revert_that_was_reverted_leaves_the_work_landed(calm: World) -> None:
    begun(calm).lands_as_merge().is_reverted()
    git("revert", "--no-edit", "main", cwd=calm.repo)
    calm.push()

    recovered(calm)

    assert calm.state.status("ws-15") == "completed"
    assert on_trunk(calm, "src/part_15.py") == "part = 15"


def test_a_branch_without_commits_and_a_worktree_full_of_work_fails_with_everything_kept(
    calm: World,
) -> None:
    stream = calm.workstream("ws-15").worktree().row("running")
    stream.leaves({f"src/draft_{number}.py": f"draft = {number}\n" for number in range(200)})
    trunk, treasure, before = calm.trunk, calm.treasure(), calm.inventory()

    document = recovered(calm)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "failed"
    (kept,) = [one for one in document["vault"] if "/worktree/" in one]
    assert kept in str(calm.state.value("ws-15", "error_message"))
    saved = git("ls-tree", "-r", "--name-only", f"{kept}:worktree/src", cwd=calm.vault)
    assert {f"draft_{number}.py" for number in range(200)} <= set(saved.splitlines())
    assert not stream.tree.exists()
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.inventory() == before


def test_of_two_attempts_the_current_one_lands_and_the_other_keeps_its_branch(calm: World) -> None:
    first = begun(calm, "ws-15", "agent-1").leaves({"notes.txt": "why it failed\n"})
    second = calm.workstream("ws-15", "agent-2").worktree().row("running")
    second.commits({"src/second.py": "second = 2\n"})
    old, treasure, before = first.tip, calm.treasure(), calm.inventory(without=[".state"])

    document = recovered(calm)

    assert on_trunk(calm, "src/second.py") == "second = 2"
    assert on_trunk(calm, "src/part_15.py") is None
    assert calm.state.status("ws-15") == "completed"
    assert git("rev-parse", first.branch, cwd=calm.repo) == old
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    after = calm.inventory(without=[".state"])
    assert {key: one for key, one in after.items() if before.get(key) != one}.keys() <= PUSHED
    assert before.keys() == after.keys()


def test_a_landed_first_attempt_does_not_stand_for_the_second(calm: World) -> None:
    begun(calm, "ws-15", "agent-1").lands_as_merge()
    calm.push()
    second = calm.workstream("ws-15", "agent-2").worktree().row("running")
    second.leaves({"src/second.py": "second = 2\n"})
    treasure = calm.treasure()

    recovered(calm)

    assert calm.state.status("ws-15") == "failed"
    assert calm.lost(treasure) == []


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_branch_of_empty_commits_alone_holds_nobody_up(calm: World, status: str) -> None:
    stream = calm.workstream("ws-15").worktree().row(status)
    git("commit", "--quiet", "--allow-empty", "-m", "begin", cwd=stream.tree)
    stream.leaves({"draft.txt": "a draft\n"})
    treasure, trunk = calm.treasure(), calm.trunk

    document = recovered(calm)

    assert calm.trunk == trunk  # there is nothing to land
    assert calm.state.status("ws-15") == "failed"
    saved = f"refs/unjam/{document['run']}/worktree/agent-1-ws-15:worktree/draft.txt"
    assert git("cat-file", "blob", saved, cwd=calm.vault) == "a draft"
    assert recover(calm.repo)["word"] == "nothing to do"
    assert calm.lost(treasure) == []


@pytest.mark.parametrize(("status", "then"), [("running", "failed"), ("completed", "completed")])
def test_commits_that_change_nothing_are_no_work(calm: World, status: str, then: str) -> None:
    stream = calm.workstream("ws-15").worktree().row(status)
    git("commit", "--quiet", "--allow-empty", "-m", "begin", cwd=stream.tree)
    git("commit", "--quiet", "--allow-empty", "-m", "go on", cwd=stream.tree)
    treasure, before, trunk = calm.treasure(), calm.inventory(), calm.trunk

    document = recovered(calm)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == then
    assert not stream.tree.exists()
    assert recover(calm.repo)["word"] == "nothing to do"
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    assert calm.inventory() == before


def test_commits_that_change_nothing_but_were_merged_have_landed(calm: World) -> None:
    stream = calm.workstream("ws-15").worktree().row("running")
    git("commit", "--quiet", "--allow-empty", "-m", "begin", cwd=stream.tree)
    git("merge", "--quiet", "--no-ff", "-m", "Merge it", stream.branch, cwd=calm.repo)
    calm.push()

    recovered(calm)

    assert calm.state.status("ws-15") == "completed"


def test_completed_work_without_a_remote_lands(new_world: Callable[..., World]) -> None:
    world = new_world(remote=False)
    world.configure(policy={"restart": "off"})
    begun(world).row("completed")
    treasure, before = world.treasure(), world.inventory()

    document = recovered(world)

    assert on_trunk(world, "src/part_15.py") == "part = 15"
    assert world.state.status("ws-15") == "completed"
    assert sentences(document, "push") == {}
    assert world.lost(treasure) == []
    undo(world.repo, document["run"])
    assert world.inventory() == before


def test_a_conflict_marks_the_row_and_touches_neither_branch_nor_worktree(calm: World) -> None:
    stream = calm.workstream("ws-15").worktree().row("completed")
    stream.commits({"src/app.py": "theirs = 1\n"}).leaves({"half.txt": "half done\n"})
    calm.primary.commit("src/app.py", "ours = 1\n")
    calm.push()
    trunk, tip, treasure = calm.trunk, stream.tip, calm.treasure()
    before = calm.inventory(without=[".state"])
    rows = calm.state.tables()

    document = recover(calm.repo)

    assert document["word"] == "partly recovered"
    assert calm.state.status("ws-15") == "conflict"
    assert "src/app.py" in str(calm.state.value("ws-15", "error_message"))
    assert (calm.trunk, stream.tip) == (trunk, tip)
    told = (".state", "reports", "logs")
    now = {key: one for key, one in calm.inventory(without=told).items() if "row" not in key}
    assert now == {key: one for key, one in before.items() if "row" not in key}
    assert calm.lost(treasure) == []
    assert recover(calm.repo)["word"] == "needs a human"
    undo(calm.repo, document["run"])
    assert calm.state.tables() == rows
    assert not (calm.repo / "reports").exists()


def test_a_worktree_whose_row_is_not_settled_keeps_its_place_and_says_why(calm: World) -> None:
    calm.configure(policy={"land": "off"})
    stream = begun(calm)

    document = recover(calm.repo)

    (said,) = sentences(document, "remove worktree").values()
    assert said == (
        "refused: it keeps its place, since record ws-15 was not done: "
        "its landing did not take place, so there is nothing to record"
    )
    assert stream.tree.is_dir()


def test_committed_conflict_markers_never_reach_the_trunk(calm: World) -> None:
    marked = "<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> ws\n"
    stream = calm.workstream("ws-15").worktree().row("completed")
    stream.commits({"notes.md": marked})
    trunk = calm.trunk

    recover(calm.repo)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "conflict"
    assert "notes.md" in str(calm.state.value("ws-15", "error_message"))
    assert stream.tree.is_dir()


def test_what_depends_on_a_conflicting_one_is_blocked_and_not_blamed(calm: World) -> None:
    calm.spec("ws-01")
    calm.spec("ws-02", depends_on=["ws-01"])
    calm.spec("ws-03")
    calm.commit_specs()
    calm.workstream("ws-01").worktree().row("completed").commits({"src/app.py": "theirs = 1\n"})
    dependent = begun(calm, "ws-02", "agent-2").row("completed")
    begun(calm, "ws-03", "agent-3")
    calm.primary.commit("src/app.py", "ours = 1\n")
    calm.push()
    treasure = calm.treasure()

    document = recover(calm.repo)

    statuses = {name: calm.state.status(name) for name in ("ws-01", "ws-02", "ws-03")}
    assert statuses == {"ws-01": "conflict", "ws-02": "blocked", "ws-03": "completed"}
    assert "ws-01" in str(calm.state.value("ws-02", "error_message"))
    assert on_trunk(calm, "src/part_02.py") is None
    assert on_trunk(calm, "src/part_03.py") == "part = 03"
    assert dependent.tree.is_dir()
    assert document["word"] == "partly recovered"
    assert calm.lost(treasure) == []


def test_what_depends_on_a_conflict_of_an_earlier_run_is_blocked_as_well(calm: World) -> None:
    calm.spec("ws-01")
    calm.spec("ws-02", depends_on=["ws-01"])
    calm.commit_specs()
    first = calm.workstream("ws-01").worktree().row("conflict")
    first.commits({"src/app.py": "theirs = 1\n"})
    begun(calm, "ws-02", "agent-2")
    calm.primary.commit("src/app.py", "ours = 1\n")

    recover(calm.repo)

    assert calm.state.status("ws-02") == "blocked"
    assert calm.state.status("ws-01") == "conflict"
    assert on_trunk(calm, "src/part_02.py") is None


def test_of_a_batch_that_fails_only_the_culprit_stays_out(calm: World) -> None:
    for number in range(1, 6):
        begun(calm, f"ws-0{number}", f"agent-{number}")
    calm.workstream("ws-03", "agent-3").commits({"src/broken.py": "BROKEN = 1\n"})
    treasure, before = calm.treasure(), calm.inventory()

    document = recover(calm.repo)

    statuses = [calm.state.status(f"ws-0{number}") for number in range(1, 6)]
    assert statuses == ["completed", "completed", "failed", "completed", "completed"]
    assert "verify" in str(calm.state.value("ws-03", "error_message"))
    assert on_trunk(calm, "src/broken.py") is None
    assert on_trunk(calm, "src/part_03.py") is None
    assert all(on_trunk(calm, f"src/part_0{number}.py") for number in (1, 2, 4, 5))
    assert calm.workstream("ws-03", "agent-3").tip
    assert calm.origin is not None
    assert calm.origin.tip == calm.trunk
    assert calm.lost(treasure) == []
    undo(calm.repo, document["run"])
    after = calm.inventory()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == PUSHED


def test_two_halves_that_do_not_go_together_land_one_of_them(calm: World) -> None:
    for number, half in enumerate(("A", "B"), 1):
        stream = calm.workstream(f"ws-0{number}", f"agent-{number}").worktree().row("running")
        stream.commits({f"src/half_{half}.py": f"HALF_{half} = 1\n"})

    recover(calm.repo)

    assert calm.state.status("ws-01") == "completed"
    assert calm.state.status("ws-02") == "failed"
    assert on_trunk(calm, "src/half_A.py") == "HALF_A = 1"
    assert on_trunk(calm, "src/half_B.py") is None


def test_landings_follow_what_they_depend_on_and_not_their_names(calm: World) -> None:
    calm.spec("ws-01", depends_on=["ws-02"])
    calm.spec("ws-02")
    calm.commit_specs()
    begun(calm, "ws-01", "agent-1")
    begun(calm, "ws-02", "agent-2")

    recovered(calm)

    merges = git("log", "--first-parent", "--merges", "--format=%s", "main", cwd=calm.repo)
    assert merges.splitlines() == ["Merge ws/ws-01/agent-1", "Merge ws/ws-02/agent-2"]


def test_a_trunk_that_does_not_pass_blames_nobody(calm: World) -> None:
    calm.primary.commit("src/broken.py", "BROKEN = 1\n")
    calm.push()
    stream = begun(calm)
    trunk = calm.trunk

    document = recover(calm.repo)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "running"
    assert stream.tree.is_dir()
    assert "the trunk itself does not pass" in sentences(document, "land")[stream.branch]
