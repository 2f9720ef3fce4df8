"""Landings that conflict: told to a person, tried once more, settled, given up, and taken back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam_json
from tests.flows.building import on_trunk
from tests.flows.conflict.conflicting import (
    BLOCKABLE,
    CONFLICTS,
    forbid,
    page,
    settle,
    settled_as_told,
    text,
)
from tests.recovering import recover, undo
from tests.world import Program, World, git, wait_until
from unjam.domain.world.identity import Scenario

ONLY = (Scenario("merge_conflict"),)


@pytest.mark.parametrize("kind", CONFLICTS)
def test_a_conflict_of_any_kind_is_told_with_both_sides_and_touches_nobodys_work(
    calm: World, kind: str, tmp_path: Path
) -> None:
    stream = CONFLICTS[kind](calm)
    calm.push()
    tip, trunk, treasure = stream.tip, calm.trunk, calm.treasure()
    before = git("status", "--porcelain", cwd=stream.tree)

    document = recover(calm.repo, ONLY)

    assert document["word"] == "partly recovered", document
    assert calm.state.status("ws-15") == "conflict"
    assert (stream.tip, calm.trunk) == (tip, trunk)
    assert git("status", "--porcelain", cwd=stream.tree) == before
    told = page(calm)
    for commit in (tip, trunk):
        assert git("show", "-s", "--format=%h", commit, cwd=calm.repo) in told
        assert git("show", "-s", "--format=%s", commit, cwd=calm.repo) in told
    assert "git -C .worktrees/agent-1-ws-15 merge main" in told
    assert "unjam recover merge_conflict" in told
    (line,) = (calm.repo / "logs/conflicts.log").read_text().splitlines()
    assert f"ws-15 {stream.branch}@{tip[:12]} conflicts with main" in line
    assert calm.lost(treasure) == []
    assert settled_as_told(calm, tmp_path) == []


def test_the_page_names_the_lines_of_both_sides(calm: World) -> None:
    text(calm)

    recover(calm.repo, ONLY)

    assert "`main` has line 6, the branch has line 6" in page(calm)


@pytest.mark.parametrize("kind", CONFLICTS)
def test_telling_a_conflict_is_taken_back_to_the_byte(lonely: World, kind: str) -> None:
    CONFLICTS[kind](lonely)
    before = lonely.inventory()
    document = recover(lonely.repo, ONLY)
    assert lonely.inventory() != before

    undone = undo(lonely.repo, document["run"])

    assert undone["word"] == "undone"
    assert lonely.inventory() == before


def test_a_conflict_that_was_told_waits_for_a_person_and_is_not_tried_again(calm: World) -> None:
    text(calm)
    recover(calm.repo, ONLY)
    before = calm.inventory(without=["logs"])  # the second time, a person is called in there

    document = recover(calm.repo)

    assert document["word"] == "needs a human"
    assert document["plan"] == []
    assert any("reports/conflict_ws-15.md" in note for note in document["notes"])
    assert calm.inventory(without=["logs"]) == before
    assert len((calm.repo / "logs/conflicts.log").read_text().splitlines()) == 1


def chain(world: World) -> None:
    """ws-16 depends on ws-15, which conflicts; ws-17 on ws-16; ws-18 on nothing."""
    world.state.path.unlink(missing_ok=True)
    world.state.create(BLOCKABLE)
    world.spec("ws-15")
    world.spec("ws-16", depends_on=["ws-15"])
    world.spec("ws-17", depends_on=["ws-16"])
    world.spec("ws-18")
    world.commit_specs()
    for name in ("ws-16", "ws-17", "ws-18"):
        world.state.row(name, "pending", agent=None)


def test_everything_that_depends_on_it_is_blocked_by_it(calm: World) -> None:
    chain(calm)
    text(calm)

    recover(calm.repo, ONLY)

    rows = {name: calm.state.status(name) for name in ("ws-15", "ws-16", "ws-17", "ws-18")}
    assert rows == {"ws-15": "conflict", "ws-16": "blocked", "ws-17": "blocked", "ws-18": "pending"}
    assert calm.state.value("ws-16", "blocked_by") == "ws-15"
    assert calm.state.value("ws-17", "blocked_by") == "ws-15"
    assert "ws-16" in page(calm)


def test_a_conflict_settled_on_the_branch_lands_and_lets_go_on_what_waited(calm: World) -> None:
    chain(calm)
    stream = text(calm)
    recover(calm.repo, ONLY)
    settle(stream)
    tip, treasure = stream.tip, calm.treasure()

    document = recover(calm.repo, ONLY)

    assert document["word"] == "recovered", document
    assert on_trunk(calm, "src/app.py") == "settled = 1"
    rows = {name: calm.state.status(name) for name in ("ws-15", "ws-16", "ws-17")}
    assert rows == {"ws-15": "completed", "ws-16": "pending", "ws-17": "pending"}
    assert calm.state.value("ws-16", "blocked_by") is None
    assert calm.state.value("ws-15", "error_message") is None
    assert git("merge-base", "--is-ancestor", tip, "main", cwd=calm.repo) == ""
    assert not stream.tree.exists()
    assert calm.lost(treasure) == []


def test_where_no_row_may_say_conflict_one_waits_for_a_person_all_the_same(calm: World) -> None:
    chain(calm)
    forbid(calm, "conflict", "blocked")
    stream = text(calm)
    recover(calm.repo, ONLY)

    waiting = recover(calm.repo)

    assert stream.tree.exists()
    assert [one["verdicts"] for one in waiting["findings_after"]] == [{"ws-15": "conflict"}]
    settle(stream)
    assert recover(calm.repo, ONLY)["word"] == "recovered"
    rows = {name: calm.state.status(name) for name in ("ws-15", "ws-16", "ws-17")}
    assert rows == {"ws-15": "completed", "ws-16": "pending", "ws-17": "pending"}


def test_where_nothing_may_land_a_conflict_is_recorded_and_keeps_its_place(calm: World) -> None:
    chain(calm)
    stream = text(calm)
    calm.configure(policy={"restart": "off", "land": "off"})
    said = [recover(calm.repo), recover(calm.repo)]

    rows = {name: calm.state.status(name) for name in ("ws-15", "ws-16", "ws-17")}
    assert rows == {"ws-15": "conflict", "ws-16": "blocked", "ws-17": "blocked"}
    assert stream.tree.exists()
    assert {one["outcome"] for each in said for one in each["outcomes"]} <= {"done", "already done"}
    recover(calm.repo, ONLY)
    assert calm.state.status("ws-16") == "blocked"


def test_a_conflict_settled_on_the_trunk_completes_the_row_and_lets_go_on_what_waited(
    calm: World,
) -> None:
    chain(calm)
    stream = text(calm)
    recover(calm.repo, ONLY)
    settle(stream)
    git("merge", "--quiet", "--no-ff", "--no-edit", stream.branch, cwd=calm.repo)
    trunk, treasure = calm.trunk, calm.treasure()

    document = recover(calm.repo, ONLY)

    assert document["word"] == "recovered", document
    assert calm.trunk == trunk
    rows = {name: calm.state.status(name) for name in ("ws-15", "ws-16", "ws-17")}
    assert rows == {"ws-15": "completed", "ws-16": "pending", "ws-17": "pending"}
    assert calm.origin is not None
    assert calm.origin.tip == trunk
    assert calm.lost(treasure) == []


def test_finishing_a_settled_conflict_is_taken_back_to_the_byte(lonely: World) -> None:
    chain(lonely)
    stream = text(lonely)
    recover(lonely.repo, ONLY)
    settle(stream)
    before = lonely.inventory()
    document = recover(lonely.repo, ONLY)
    assert lonely.inventory() != before

    undo(lonely.repo, document["run"])

    assert lonely.inventory() == before


def test_what_was_settled_and_does_not_verify_stays_off_the_trunk(calm: World) -> None:
    stream = text(calm)
    recover(calm.repo, ONLY)
    settle(stream, "BROKEN = 1\n")
    trunk = calm.trunk

    recover(calm.repo, ONLY)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "failed"
    assert stream.tree.exists() or calm.state.value("ws-15", "error_message")


def test_what_was_blocked_with_its_work_done_lands_behind_what_it_waited_for(
    calm: World,
) -> None:
    chain(calm)
    stream = text(calm)
    after = calm.workstream("ws-16", "agent-2").worktree().row("running")
    after.commits({"src/part_16.py": "part = 16\n"})
    recover(calm.repo)
    assert calm.state.status("ws-16") == "blocked"
    settle(stream)

    document = recover(calm.repo, ONLY)

    assert document["word"] == "recovered", document
    assert calm.state.status("ws-16") == "completed"
    assert on_trunk(calm, "src/part_16.py") == "part = 16"


def test_a_page_that_somebody_else_wrote_is_left_alone(calm: World) -> None:
    text(calm)
    mine = calm.primary.edit("reports/conflict_ws-15.md", "my own notes\n")

    recover(calm.repo, ONLY)

    assert mine.read_text() == "my own notes\n"
    assert calm.state.status("ws-15") == "conflict"


def test_a_page_is_never_written_through_a_link(calm: World) -> None:
    text(calm)
    outside = calm.root / "outside"
    outside.mkdir()
    (calm.repo / "reports").symlink_to(outside)

    recover(calm.repo, ONLY)

    assert list(outside.iterdir()) == []
    assert calm.state.status("ws-15") == "conflict"


def test_a_conflict_that_changed_is_told_anew(calm: World) -> None:
    stream = text(calm)
    recover(calm.repo, ONLY)
    first = page(calm)
    stream.commits({"src/app.py": "something = 'else'\n"})

    recover(calm.repo, ONLY)

    assert page(calm) != first
    assert stream.tip[:12] in page(calm)
    assert len((calm.repo / "logs/conflicts.log").read_text().splitlines()) == 2


@pytest.mark.usefixtures("prefect_server")
def test_what_is_given_up_is_kept_whole_and_comes_back_to_the_byte(lonely: World) -> None:
    chain(lonely)
    stream = text(lonely)
    stream.leaves({"draft.txt": "never committed\n"})
    recover(lonely.repo, ONLY)
    tip, treasure, before = stream.tip, lonely.treasure(), lonely.inventory()

    ended = unjam_json("recover", "merge_conflict", "--discard", "ws-15", "--yes", cwd=lonely.repo)

    assert ended["word"] == "recovered", ended
    assert lonely.state.status("ws-15") == "discarded"
    assert lonely.state.status("ws-16") == "blocked"
    assert git("branch", "--list", stream.branch, cwd=lonely.repo) == ""
    kept = str(lonely.state.value("ws-15", "error_message")).partition("kept as ")[2]
    assert git("rev-parse", kept.split(";")[0], cwd=lonely.repo) == tip
    assert not stream.tree.exists()
    assert lonely.lost(treasure) == []
    undo(lonely.repo, ended["run"])
    assert lonely.inventory() == before


@pytest.mark.usefixtures("prefect_server")
def test_one_call_takes_a_crash_with_a_conflict_all_the_way(calm: World) -> None:
    chain(calm)
    stream = text(calm)
    calm.state.row("ws-15", "running")
    calm.push()

    document = unjam_json("recover", "--yes", cwd=calm.repo)

    assert document["word"] in ("partly recovered", "needs a human")
    rows = {name: calm.state.status(name) for name in ("ws-15", "ws-16", "ws-17", "ws-18")}
    assert rows == {"ws-15": "conflict", "ws-16": "blocked", "ws-17": "blocked", "ws-18": "pending"}
    assert stream.branch in page(calm)


def test_a_check_predicts_conflicts_of_work_in_progress_and_changes_nothing(calm: World) -> None:
    stream = text(calm)
    calm.state.row("ws-15", "pending")
    objects = sorted(path for path in (calm.common / "objects").rglob("*"))
    before = calm.inventory()

    document = unjam_json("check", "merge_conflict", cwd=calm.repo)

    (found,) = document["predicted_conflicts"]
    assert (found["branch"], found["paths"]) == (stream.branch, ["src/app.py"])
    assert document["findings"] == []
    assert document["branches_not_merged"] == 0
    assert calm.inventory() == before
    assert sorted(path for path in (calm.common / "objects").rglob("*")) == objects


def test_conflicts_are_counted_by_workstream_file_and_pair_of_files(calm: World) -> None:
    stream = calm.workstream("ws-15").worktree().row("completed")
    stream.commits({"src/app.py": "branch = 1\n", "notes.txt": "branch\n"})
    calm.primary.commit("src/app.py", "trunk = 1\n")
    calm.primary.commit("notes.txt", "trunk\n")
    recover(calm.repo, ONLY)
    recover(calm.repo, ONLY)

    found = unjam_json("check", "merge_conflict", cwd=calm.repo)["conflict_statistics"]

    assert found == {
        "conflicts": 1,
        "by_workstream": [["ws-15", 1]],
        "by_file": [["notes.txt", 1], ["src/app.py", 1]],
        "by_pair": [["notes.txt", "src/app.py", 1]],
    }


def test_an_agent_that_still_works_on_it_is_left_alone(
    calm: World, start: Callable[..., Program]
) -> None:
    stream = text(calm)
    calm.state.row("ws-15", "conflict")
    agent = start("bash", "-c", "exec -a claude sleep 600", cwd=stream.tree)
    wait_until(lambda: "claude" in agent_command(agent), "the agent to be called one")

    document = recover(calm.repo, ONLY)

    assert agent.alive
    assert document["plan"] == []
    assert any("an agent works in it" in note for note in document["notes"])
    assert stream.tree.is_dir()


def agent_command(agent: Program) -> str:
    """What it is called now."""
    return Path(f"/proc/{agent.pid}/cmdline").read_text()
