"""A person sees the plan and decides, class by class; policy decides what is asked at all."""

import re

import pytest

from tests.command import unjam, unjam_json
from tests.flows.building import begun, on_trunk
from tests.recovering import recover, sentences
from tests.terminal import Terminal, terminal
from tests.world import World, typical_wreck
from unjam.adapters import lease

ASKED = ("land", "push", "restart")


def answer(screen: Terminal, **answers: str) -> None:
    """Answer every question as it comes."""
    for number, (step_class, line) in enumerate(answers.items(), start=1):
        screen.wait_for("[y/N]", times=number)
        assert f"{step_class}: " in screen.said.splitlines()[-1]
        screen.type(line)


@pytest.mark.example("orchestrator_crash")
@pytest.mark.parametrize("no", ["n", "", "maybe"])
def test_denying_everything_changes_nothing(world: World, no: str) -> None:
    typical_wreck(world)
    before = world.inventory()

    with terminal("recover", cwd=world.repo) as screen:
        answer(screen, land=no, push=no, restart=no)
        status = screen.end()

    assert status == 3
    assert screen.said.splitlines()[-1] == "unjam: approval denied; nothing was changed"
    assert world.inventory() == before
    assert unjam_json("history", cwd=world.repo)["runs"] == []


def test_ctrl_c_at_a_question_changes_nothing(world: World) -> None:
    typical_wreck(world)
    before = world.inventory()

    with terminal("recover", cwd=world.repo) as screen:
        screen.wait_for("[y/N]")
        screen.interrupt()
        status = screen.end()

    assert status == 130
    assert "Traceback" not in screen.said
    assert world.inventory() == before


def test_hanging_up_at_a_question_is_no(world: World) -> None:
    typical_wreck(world)
    before = world.inventory()

    with terminal("recover", cwd=world.repo) as screen:
        screen.wait_for("[y/N]")

    assert world.inventory() == before


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_whoever_was_faster_is_named_once_in_one_line(world: World) -> None:
    typical_wreck(world)

    with terminal("recover", cwd=world.repo) as screen:
        screen.wait_for("[y/N]")
        with lease.take(world.common, "20261122T150000Z-abcd"):
            answer(screen, land="y", push="y", restart="y")
            status = screen.end()

    assert status == 3
    assert screen.said.count("20261122T150000Z-abcd") == 1, screen.said
    last = screen.said.splitlines()[-1]
    assert last.startswith("unjam: another recovery (run 20261122T150000Z-abcd")


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_what_is_denied_stays_and_the_rest_is_done(world: World) -> None:
    typical_wreck(world)
    treasure = world.treasure()

    with terminal("recover", cwd=world.repo) as screen:
        answer(screen, land="y", push="yes", restart="n")
        status = screen.end()

    assert status == 1
    assert "partly recovered" in screen.said
    assert on_trunk(world, "src/part_3.py") == "part = 3"
    assert world.origin is not None
    assert world.origin.tip == world.trunk
    assert world.agents() == []
    assert re.search(r"refused +restart the orchestrator\n +it was not approved", screen.said)
    assert "to take it back:  unjam undo " in screen.said
    assert world.lost(treasure) == []


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_an_agent_that_commits_while_the_person_reads_makes_it_another_plan(world: World) -> None:
    typical_wreck(world)
    world.configure(policy={"restart": "off"})
    treasure = world.treasure()

    with terminal("recover", cwd=world.repo) as screen:
        answer(screen, land="y")
        world.workstream("ws-03", "agent-3").commits({"src/late.py": "late = 1\n"})
        before = world.inventory()
        screen.wait_for("[y/N]", times=2)
        screen.type("y")
        status = screen.end()

    assert status == 3
    assert "the facts have changed: the plan is now" in screen.said
    assert world.inventory() == before
    assert world.lost(treasure) == []


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_plan_that_was_seen_is_the_plan_that_is_carried_out(world: World) -> None:
    world.configure(policy={"restart": "off"})
    begun(world)
    seen = unjam_json("recover", "--dry-run", cwd=world.repo)
    assert seen["word"] == "planned"

    document = unjam_json("recover", "--plan", seen["digest"], cwd=world.repo)

    assert document["word"] == "recovered"
    assert document["plan"] == seen["plan"]
    assert document["digest"] == seen["digest"]


def test_a_plan_that_was_seen_is_refused_when_nothing_is_left_of_it(world: World) -> None:
    before = world.inventory()

    ended = unjam("recover", "--plan", "deadbeef", cwd=world.repo)

    assert ended.returncode == 3
    assert ended.stderr == "unjam: the plan has changed: there is nothing to do now\n"
    assert world.inventory() == before


@pytest.mark.example("orchestrator_crash")
def test_a_class_that_is_off_is_left_out_and_said(world: World) -> None:
    world.configure(policy={"land": "off", "restart": "off"})
    begun(world)
    trunk, treasure = world.trunk, world.treasure()

    document = recover(world.repo)

    assert world.trunk == trunk
    assert "land" not in {one["step"] for one in document["plan"]}
    assert any("policy.land is off" in one for one in document["notes"])
    assert world.state.status("ws-15") == "running"
    assert document["word"] != "recovered"
    assert world.lost(treasure) == []


@pytest.mark.example("orchestrator_crash")
def test_the_environment_overrides_the_policy_of_the_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(policy={"land": "off", "restart": "off"})
    begun(world)
    monkeypatch.setenv("UNJAM_POLICY__LAND", "auto")

    plan = unjam_json("recover", "--dry-run", cwd=world.repo)["plan"]
    document = recover(world.repo)

    assert {one["step"]: one["approval"] for one in plan}["land"] == "auto"
    assert [one[:4] for one in sentences(document, "land").values()] == ["done"]
    assert document["word"] == "recovered"


@pytest.mark.example("orchestrator_crash")
def test_when_nothing_is_asked_no_terminal_is_needed_to_see_the_plan(world: World) -> None:
    typical_wreck(world)

    ended = unjam("recover", "--dry-run", cwd=world.repo)

    assert ended.returncode == 1
    for step_class in ASKED:
        assert re.search(rf"^{step_class} \(ask\) ", ended.stdout, re.MULTILINE)
    assert str(world.repo) not in ended.stdout.split("restart (ask)")[0]
