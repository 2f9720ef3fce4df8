"""What is damaged and still not touched: the locked, the busy, the unclear, and what leads outside."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.flows.corruption.test_worktree_corruption import ONLY
from tests.recovering import recover
from tests.world import BREAKAGES, Program, World, at_work, git, to_the_byte, wait_until
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import Scenario
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration

Start = Callable[..., Program]


def found(world: World, scenarios: tuple[Scenario, ...] = ONLY) -> tuple[Finding, ...]:
    return diagnose(observe(open_orchestration(world.repo)), scenarios)


def left_alone(world: World) -> str:
    """Recover, expect that nothing changes, and return what is said about it."""
    before = to_the_byte(world)
    document = recover(world.repo, ONLY)
    assert to_the_byte(world) == before
    assert document["word"] != "recovered"
    return "\n".join(document["notes"])


@pytest.mark.parametrize("breakage", ["directory_gone", "dot_git_missing", "index_missing"])
def test_a_locked_worktree_is_reported_and_keeps_its_place(calm: World, breakage: str) -> None:
    one = at_work(calm)
    git("worktree", "lock", "--reason", "on a stick", str(one.tree), cwd=calm.repo)
    BREAKAGES[breakage](one, one.admin)

    said = left_alone(calm)

    assert "on a stick" in said
    (finding,) = found(calm)
    assert "it is locked: on a stick" in [evidence.fact for evidence in finding.evidence]


def test_a_healthy_lock_is_no_finding(calm: World) -> None:
    git("worktree", "lock", str(at_work(calm).tree), cwd=calm.repo)

    assert found(calm) == ()


def test_a_worktree_somebody_works_in_is_left_to_them(calm: World, start: Start) -> None:
    one = at_work(calm)
    admin = one.admin
    agent = start("sh", "-c", "sleep 60; true", "aider", cwd=one.tree)
    (admin / "index").write_bytes(b"")
    wait_until(lambda: "at work" in "".join(e.fact for f in found(calm) for e in f.evidence), "it")

    said = left_alone(calm)

    assert f"pid {agent.pid}" in said


def test_a_stray_directory_somebody_is_in_keeps_its_place(calm: World, start: Start) -> None:
    one = at_work(calm)
    calm.state.row("ws-77", "failed", agent="agent-7")
    stray = one.tree.with_name("agent-7-ws-77")
    stray.mkdir()
    person = start("sleep", "60", cwd=stray)

    said = left_alone(calm)

    assert f"pid {person.pid} is in it" in said


def test_a_worktree_that_is_a_link_is_never_followed(calm: World) -> None:
    one = at_work(calm)
    outside = calm.root / "elsewhere"
    one.tree.rename(outside)
    one.tree.symlink_to(outside)

    said = left_alone(calm)

    assert "symbolic link" in said


def test_what_people_keep_beside_the_worktrees_is_shown_and_stays(calm: World) -> None:
    one = at_work(calm)
    for breakage in ("link_to_outside", "stray_directory", "copied"):
        BREAKAGES[breakage](one, one.admin)
    git("clone", "--quiet", str(calm.repo), str(one.tree.with_name("clone")), cwd=calm.root)
    before = to_the_byte(calm)

    document = recover(calm.repo, ONLY)
    told = unjam_json("check", cwd=calm.repo)

    assert document["word"] == "nothing to do"
    assert to_the_byte(calm) == before
    names = ["a-copy", "a-link", "clone", "left-over"]
    assert [Path(one["path"]).name for one in told["not_ours"]] == names


@pytest.mark.parametrize("name", ["index.lock", "config.lock", "packed-refs.lock"])
def test_a_lock_whose_owner_lives_is_no_finding_and_is_kept(
    calm: World, start: Start, name: str
) -> None:
    editor = calm.root / "editor"
    editor.write_text("#!/bin/sh\ntouch began\nsleep 60\n")
    editor.chmod(0o755)
    at_work(calm)
    calm.primary.stage("more.txt", "1\n")
    start("git", "-c", f"core.editor={editor}", "commit", cwd=calm.repo)
    wait_until((calm.repo / "began").exists, "the editor")
    (calm.common / name).touch()

    document = recover(calm.repo, ONLY)

    assert document["word"] == "nothing to do"
    assert (calm.common / name).exists()


def test_two_worktrees_that_claim_one_directory_are_left_to_a_person(calm: World) -> None:
    one, other = at_work(calm), at_work(calm, "ws-16", "agent-2")
    (one.tree / ".git").write_text(f"gitdir: {other.admin}\n")

    said = left_alone(calm)

    assert "two worktrees claim one directory" in said


@pytest.mark.parametrize("what", ["the directories", "the .git files"])
def test_two_worktrees_in_each_others_place_are_left_to_a_person(calm: World, what: str) -> None:
    one, other = at_work(calm), at_work(calm, "ws-16", "agent-2")
    swapped = [one.tree, other.tree]
    if what == "the .git files":
        swapped = [tree / ".git" for tree in swapped]
    swapped[0].rename(calm.root / "aside")
    swapped[1].rename(swapped[0])
    (calm.root / "aside").rename(swapped[1])

    said = left_alone(calm)

    assert said.count("two worktrees claim one directory") == 2


def test_a_branch_somebody_is_about_to_begin_is_not_damage(calm: World) -> None:
    one = at_work(calm)
    git("checkout", "--quiet", "--orphan", "a-fresh-start", cwd=one.tree)

    assert found(calm) == ()


def test_beside_a_living_orchestrator_only_links_are_repaired(calm: World) -> None:
    one, other = at_work(calm), at_work(calm, "ws-16", "agent-2")
    BREAKAGES["stray_directory"](one, one.admin)
    BREAKAGES["dot_git_missing"](one, one.admin)
    BREAKAGES["directory_gone"](other, other.admin)
    program = calm.run_orchestrator("--idle")
    wait_until(lambda: any(observe(open_orchestration(calm.repo)).orchestrators()), "it to live")

    document = recover(calm.repo, ONLY)

    assert program.alive
    assert [step["step"] for step in document["plan"]] == ["salvage", "mend"]
    assert git("rev-parse", "--show-toplevel", cwd=one.tree) == str(one.tree)
    assert one.tree.with_name("left-over").is_dir()
    assert any("an orchestrator is at work" in note for note in document["notes"])


def test_a_dead_lock_is_reported_once_and_by_either_scenario_alone(calm: World) -> None:
    at_work(calm)
    calm.primary.stale_lock()

    told = [
        [f.cause for f in found(calm, ask)]
        for ask in (tuple(SCENARIOS)[:1], ONLY, (Scenario("orchestrator_crash"), *ONLY))
    ]

    assert told == [["stale lock"]] * 3


def test_the_command_line_and_its_json_tell_of_damage(calm: World) -> None:
    one = at_work(calm)
    BREAKAGES["dot_git_missing"](one, one.admin)

    told = unjam_json("check", "worktree-corruption", cwd=calm.repo)
    ended = unjam("check", "worktree_corruption", cwd=calm.repo)

    (finding,) = told["findings"]
    assert finding["scenario"] == "worktree_corruption"
    assert finding["workstreams"] == ["ws-15"]
    assert finding["subjects"] == [{"kind": "worktree", "name": ".worktrees/agent-1-ws-15"}]
    assert ended.returncode == 1
    assert ".worktrees/agent-1-ws-15: its .git file" in ended.stdout


@pytest.mark.parametrize("breakage", ["branch_garbage", "branch_missing"])
def test_what_is_found_is_not_called_unknown_besides(calm: World, breakage: str) -> None:
    one = at_work(calm)
    BREAKAGES[breakage](one, one.admin)

    seen = observe(open_orchestration(calm.repo))

    assert seen.unknown == ()
    assert len(found(calm)) == 1
