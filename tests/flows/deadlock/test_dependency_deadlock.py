"""A deadlock on a real orchestration: found, cut on the trunk, recorded, started again, taken back."""

import json
import sys
import uuid
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from tests.command import unjam, unjam_json
from tests.recovering import recover, sentences, undo
from tests.world import HOSTILE_IDS, World, git, wait_until
from tests.world.orchestration import AIDER, ORCHESTRATOR
from tests.world.state import COLUMNS
from unjam.adapters.machine import key
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import prepare
from unjam.engine.running.session import Terms, session
from unjam.errors import RefusedError

ONLY = (Scenario("dependency_deadlock"),)
ALL_COLUMNS = (*COLUMNS, "blocked_by", "notes", "updated_at")
ODD_LAYOUT = '\ufeff{"id":"ws-02" ,\r\n\t"depends_on" : [ "ws-01",\r\n\t\t"ws-03" ],\r\n  "ratio": 1.50, "ü": "\\u00fc"}'


def deadlock(world: World) -> None:
    """ws-01 is done; ws-02 and ws-03 wait for each other, ws-04 for both, and their rows are blocked."""
    world.state.path.unlink(missing_ok=True)
    world.state.create(ALL_COLUMNS)
    world.spec("ws-01")
    world.spec("ws-02", depends_on=["ws-01"])
    world.spec("ws-03", depends_on=["ws-02"])
    world.spec("ws-04", depends_on=["ws-03"])
    world.commit_specs()
    place(world, "ws-02").write_text(ODD_LAYOUT, newline="")
    world.commit_specs()
    world.state.row("ws-01", "completed")
    world.state.row("ws-02", "blocked", agent=None, blocked_by="ws-03", error_message="it waits")
    world.state.row("ws-04", "blocked", agent=None, blocked_by="ws-03", notes="Ada knows")


def place(world: World, name: str) -> Path:
    return world.repo / "workstreams" / f"{name}.json"


def depends_on(world: World, name: str) -> list[str]:
    """What the trunk says it depends on."""
    found = git("show", f"main:workstreams/{name}.json", cwd=world.repo)
    depends: list[str] = json.loads(found.removeprefix("\ufeff"))["depends_on"]
    return depends


def test_the_newest_entry_of_the_cycle_leaves_the_trunk_and_nothing_else_changes(
    calm: World,
) -> None:
    deadlock(calm)
    treasure, before = calm.treasure(), calm.trunk
    calm.primary.edit("src/app.py", "a person's edit\n")

    document = recover(calm.repo)

    assert document["word"] == "recovered", document
    assert depends_on(calm, "ws-02") == ["ws-01"]
    after = place(calm, "ws-02").read_bytes().decode()
    assert after == ODD_LAYOUT.replace(',\r\n\t\t"ws-03"', "")
    changed = git("diff", "--name-only", before, "main", cwd=calm.repo)
    assert changed == "workstreams/ws-02.json"
    assert (calm.repo / "src/app.py").read_text() == "a person's edit\n"
    (reason,) = [one["reason"] for one in document["plan"] if one["step"] == "edit spec"]
    assert "after every other of the cycle" in reason
    assert calm.origin is not None
    assert calm.origin.tip == calm.trunk
    assert calm.lost(treasure) == []


def test_rows_that_were_blocked_wait_as_their_specs_say_and_keep_what_was_noted(
    calm: World,
) -> None:
    deadlock(calm)

    recover(calm.repo)

    assert {f"ws-0{n}": calm.state.status(f"ws-0{n}") for n in (1, 2, 3, 4)} == {
        "ws-01": "completed",
        "ws-02": "pending",
        "ws-03": None,
        "ws-04": "pending",
    }
    assert calm.state.value("ws-02", "blocked_by") is None
    assert calm.state.value("ws-02", "error_message") is None
    assert calm.state.value("ws-04", "notes") == "Ada knows"


def test_undo_brings_specs_rows_and_refs_back_byte_for_byte(lonely: World) -> None:
    deadlock(lonely)
    before = lonely.inventory()

    document = recover(lonely.repo)
    undone = undo(lonely.repo, document["run"])

    assert undone["word"] == "undone"
    assert lonely.inventory() == before


def two_edits(world: World) -> None:
    """Two workstreams wait for one another, and a third, whose row is blocked, for what does not exist."""
    deadlock(world)
    world.spec("ws-05", depends_on=["ws-99"])
    world.commit_specs()
    world.state.row("ws-05", "blocked", agent=None)


def test_several_edits_of_one_run_are_taken_back_one_after_the_other(lonely: World) -> None:
    two_edits(lonely)
    before = lonely.inventory()

    document = recover(lonely.repo, ONLY)
    assert len(sentences(document, "edit spec")) == 2
    assert lonely.state.status("ws-05") == "pending"
    undo(lonely.repo, document["run"])

    assert lonely.inventory() == before


def test_an_edit_in_the_way_of_the_older_of_two_refuses_the_whole_undo(lonely: World) -> None:
    two_edits(lonely)
    document = recover(lonely.repo, ONLY)
    first = next(iter(sentences(document, "edit spec"))).partition(" ")[0]
    place(lonely, first).write_text("mine\n")
    left = lonely.inventory()

    with pytest.raises(RefusedError, match="in the way"):
        undo(lonely.repo, document["run"])

    assert lonely.inventory() == left


def test_the_orchestrator_starts_again_and_has_work(world: World) -> None:
    resume = [sys.executable, str(ORCHESTRATOR), "--agent", str(AIDER), "--resume"]
    world.configure(orchestration={"resume": resume})
    world.state.create()
    world.spec("ws-01", depends_on=["ws-02"])
    world.spec("ws-02", depends_on=["ws-01"])
    world.commit_specs()

    document = recover(world.repo)

    assert sentences(document, "restart")["the orchestrator"].startswith("done: ")
    wait_until(
        lambda: {world.state.status(f"ws-0{n}") for n in (1, 2)} == {"completed"},
        "both workstreams to complete",
    )


def test_beside_an_orchestrator_that_sleeps_it_is_found_and_refused_with_the_way_on(
    calm: World,
) -> None:
    deadlock(calm)
    calm.spec("ws-02", depends_on=["ws-03"])  # the orchestrator stumbles over a byte order mark
    calm.commit_specs()
    program = calm.run_orchestrator("--resume")
    wait_until(lambda: "Waiting for running" in program.output.read_text(), "it to sleep")
    before = calm.inventory(without=["logs", ".state"])

    seen = unjam_json("check", "dependency_deadlock", cwd=calm.repo)
    refused = unjam("recover", "dependency_deadlock", "--yes", cwd=calm.repo)

    assert [one["severity"] for one in seen["findings"]] == ["error"]
    assert refused.returncode == 3
    assert f"kill {program.pid}" in refused.stderr
    assert calm.inventory(without=["logs", ".state"]) == before
    program.kill()
    assert recover(calm.repo)["word"] == "recovered"


@pytest.mark.parametrize("staged", [False, True])
def test_a_spec_with_uncommitted_edits_is_left_to_its_author(calm: World, staged: bool) -> None:
    deadlock(calm)
    edited = ODD_LAYOUT.replace("1.50", "1.75")
    place(calm, "ws-02").write_text(edited, newline="")
    if staged:
        git("add", "workstreams", cwd=calm.repo)
    trunk = calm.trunk

    document = recover(calm.repo)

    (said,) = sentences(document, "edit spec").values()
    assert said.startswith("refused: workstreams/ws-02.json has uncommitted edits; take ws-03 out")
    assert document["word"] == "partly recovered"
    assert calm.trunk == trunk
    assert place(calm, "ws-02").read_bytes().decode() == edited
    assert "already done" in sentences(document, "push")["origin main"]


def test_a_spec_that_git_does_not_have_is_edited_where_it_is_and_taken_back(lonely: World) -> None:
    for name, other in (("ws-01", "ws-02"), ("ws-02", "ws-01")):
        lonely.spec(name, depends_on=[other])
    before, trunk = lonely.inventory(), lonely.trunk

    document = recover(lonely.repo, ONLY)

    assert document["word"] == "recovered"
    assert lonely.trunk == trunk
    assert "which is not in Git" in next(iter(sentences(document, "edit spec").values()))
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def test_a_spec_that_is_a_link_is_not_edited_through_it(calm: World) -> None:
    calm.spec("ws-01", depends_on=["ws-01"], file_name="real")
    real = place(calm, "real").rename(calm.repo / "workstreams" / "real.txt")
    place(calm, "ws-01").symlink_to("real.txt")
    calm.commit_specs()
    content = real.read_bytes()

    document = recover(calm.repo, ONLY)

    (said,) = sentences(document, "edit spec").values()
    assert "is no regular file in main" in said
    assert real.read_bytes() == content


def test_a_trunk_that_moved_between_plan_and_step_is_built_upon(calm: World) -> None:
    deadlock(calm)

    def moves() -> None:
        calm.primary.commit("src/new.py", "new = 1\n")

    document = with_a_change_in_between(calm, moves)

    assert depends_on(calm, "ws-02") == ["ws-01"]
    assert git("show", "main:src/new.py", cwd=calm.repo) == "new = 1"
    assert all(one.startswith("done") for one in document)


def test_a_spec_that_changed_between_plan_and_step_is_refused(calm: World) -> None:
    deadlock(calm)

    def moves() -> None:
        calm.spec("ws-02", depends_on=["ws-03", "ws-04"])
        calm.commit_specs()

    document = with_a_change_in_between(calm, moves)

    assert document == ["refused: the facts have changed since the plan was made: spec of ws-02"]
    assert depends_on(calm, "ws-02") == ["ws-03", "ws-04"]


def with_a_change_in_between(world: World, change: Callable[[], None]) -> list[str]:
    """Plan, let the world change, then carry out the edits; what came of them."""
    from unjam.domain.steps.plan import EditSpec
    from unjam.engine.acts.carry_out import carry_out

    with session(open_orchestration(world.repo), Terms("t"), Permission(everything=True)) as run:
        plan = prepare(run.look(), run.policy, Request(ONLY)).plan
        change()
        edits = [step for step in plan.steps if isinstance(step, EditSpec)]
        outcomes = [one for step in edits for one in carry_out(run, step)]
    return [f"{one.word}: {one.sentence}" for one in outcomes]


def test_rows_of_a_crash_are_put_right_first_and_both_come_into_one_plan(calm: World) -> None:
    calm.spec("ws-01")
    calm.spec("ws-02", depends_on=["ws-03"])
    calm.spec("ws-03", depends_on=["ws-02"])
    calm.commit_specs()
    stream = calm.workstream("ws-01").worktree().row("running")
    stream.commits({"src/one.py": "one = 1\n"})
    treasure = calm.treasure()

    document = recover(calm.repo)

    assert document["word"] == "recovered", document
    steps = [one["step"] for one in document["plan"]]
    assert steps.index("land") < steps.index("edit spec") < steps.index("push")
    assert calm.state.status("ws-01") == "completed"
    assert calm.origin is not None
    assert calm.origin.tip == calm.trunk
    assert calm.lost(treasure) == []


def test_the_starved_the_duplicate_and_the_unreadable_are_told_and_left_to_a_person(
    calm: World,
) -> None:
    calm.spec("ws-01", depends_on=["ws-99"])
    calm.spec("ws-01", file_name="ws-01-copy")
    place(calm, "ws-99").write_text("{not json")
    calm.commit_specs()
    before = calm.inventory()

    seen = unjam_json("check", "dependency_deadlock", cwd=calm.repo)
    document = recover(calm.repo, ONLY)

    assert {one["summary"].partition(":")[0] for one in seen["findings"]} == {
        "ws-01 depends on ws-99, which nothing that can be read is called",
        "workstreams/ws-01-copy.json is a duplicate",
        "workstreams/ws-99.json cannot be read",
    }
    assert document["word"] == "needs a human"
    assert any("give one of the two another id" in note for note in document["notes"])
    assert calm.inventory() == before


def test_hostile_names_are_cut_like_any_other(calm: World) -> None:
    for number, name in enumerate(one for one in HOSTILE_IDS if one):
        calm.spec(name, depends_on=[name, "ws-1"], file_name=f"ws-{number}")
    calm.spec("ws-1", file_name="ws-one")
    calm.commit_specs()
    around = sorted([*calm.root.iterdir(), *calm.root.parent.iterdir()])

    document = recover(calm.repo, ONLY)

    assert document["word"] == "recovered", document["findings_after"]
    for path in (calm.repo / "workstreams").glob("ws-[0-9]*.json"):
        assert json.loads(path.read_text())["depends_on"] == ["ws-1"]
    assert sorted([*calm.root.iterdir(), *calm.root.parent.iterdir()]) == around


def test_nothing_is_started_again_only_to_sleep(world: World) -> None:
    world.configure(policy={"spec": "off"})
    world.spec("ws-01", depends_on=["ws-02"])
    world.spec("ws-02", depends_on=["ws-01"])
    world.commit_specs()
    stream = world.workstream("ws-03").worktree().row("running")
    stream.commits({"src/three.py": "three = 3\n"})

    document = recover(world.repo)

    assert world.state.status("ws-03") == "completed"
    said = sentences(document, "restart")["the orchestrator"]
    assert (
        said == "refused: it would sleep for ever: ws-01 → ws-02 → ws-01: each waits for the next"
    )


def test_a_second_recovery_has_nothing_to_do(calm: World) -> None:
    deadlock(calm)
    recover(calm.repo)
    before = calm.inventory(without=[".git/unjam"])

    again = recover(calm.repo)

    assert again["word"] == "nothing to do"
    assert calm.inventory(without=[".git/unjam"]) == before


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_flow_recovers_and_shows_the_picture_in_prefect(calm: World) -> None:
    deadlock(calm)

    document = unjam_json("recover", "dependency_deadlock", "--yes", cwd=calm.repo)

    assert document["word"] == "recovered"
    assert unjam_json("check", cwd=calm.repo)["healthy"]
    kept = [Path(one) for one in document["vault"] if one.endswith(".svg")]
    with get_client(sync_client=True) as client:
        run = uuid.UUID(document["flow_run"]["id"])
        mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        artifacts = {one.key: one for one in client.read_artifacts(artifact_filter=mine)}
    shown = str(artifacts[key("dependencies", calm.repo)].data).partition("base64,")[2]
    assert b64decode(shown) == kept[0].read_bytes()
    assert b'class="cut"' in b64decode(shown)


def test_a_check_draws_who_waits_for_whom_where_it_is_told_to(calm: World) -> None:
    deadlock(calm)
    target = calm.root / "graph.svg"

    status = unjam("check", "--picture", target, cwd=calm.repo).returncode

    assert status == 1
    assert b'class="cut"' in target.read_bytes()
    recover(calm.repo)
    nothing = unjam("check", "--picture", target, cwd=calm.repo)
    assert nothing.returncode == 2
    assert "nothing waits in vain" in nothing.stderr


def test_edits_and_reopened_rows_are_asked_for(calm: World) -> None:
    deadlock(calm)
    before = calm.inventory()

    document = unjam_json("recover", "dependency_deadlock", "--dry-run", cwd=calm.repo)

    asked = {one["step"]: one["approval"] for one in document["plan"]}
    assert asked["edit spec"] == asked["reopen"] == "ask"
    assert calm.inventory() == before
