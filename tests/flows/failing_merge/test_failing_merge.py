"""Tests that fail on the trunk are explained, and what broke them is taken out, whatever way it landed."""

import sys
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from tests.command import unjam_json
from tests.flows.building import on_trunk
from tests.flows.failing_merge.failing import (
    ONLY,
    fails_on_trunk,
    freed,
    gone,
    investigated,
    landed,
    made,
    with_suite,
)
from tests.recovering import recover, sentences, undo
from tests.world import World, git
from unjam.domain.world.trials import Blame, UnitKind


@pytest.fixture
def trunk(world: World) -> World:
    """A world with a suite of tests that names them, and nothing landed yet."""
    return with_suite(world)


def blamed(world: World) -> dict[str, tuple[str, ...]]:
    """Which workstreams are proven to have broken which test."""
    found = investigated(world)
    return {
        one.test: tuple(found.units[unit - 1].workstreams[0] for unit in one.guilty)
        for one in found.cases
        if one.proven
    }


def test_what_broke_the_tests_is_reverted_pushed_and_recorded(trunk: World, tmp_path: Path) -> None:
    for number in range(1, 9):
        landed(trunk, number, "ALPHA" if number == 5 else "")
    trunk.push()

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert on_trunk(trunk, "src/part_05.py") is None
    assert on_trunk(trunk, "src/part_06.py") is not None
    assert not fails_on_trunk(trunk, tmp_path)
    assert trunk.origin is not None
    assert trunk.origin.tip == trunk.trunk
    assert str(trunk.state.value("ws-05", "error_message")).startswith("reverted in ")
    assert trunk.state.status("ws-06") == "completed"


@pytest.mark.parametrize("guilty", [1, 6], ids=["the first", "the last"])
def test_the_culprit_may_be_the_first_or_the_last(trunk: World, guilty: int) -> None:
    for number in range(1, 7):
        landed(trunk, number, "ALPHA" if number == guilty else "")

    assert blamed(trunk)["suite::alpha"] == (f"ws-{guilty:02}",)


def test_two_that_break_a_test_only_together_are_both_named(trunk: World) -> None:
    for number in range(1, 8):
        landed(trunk, number, {2: "HALF_A", 6: "HALF_B"}.get(number, ""))

    (case,) = (found := investigated(trunk)).cases

    assert case.blame is Blame.PAIR
    assert case.partner is not None
    assert found.units[case.guilty[0] - 1].workstreams == ("ws-06",)
    assert found.units[case.partner - 1].workstreams == ("ws-02",)
    assert recover(trunk.repo, ONLY)["word"] == "recovered"
    assert on_trunk(trunk, "src/part_02.py") is not None


def test_several_that_broke_several_tests_are_all_reverted(trunk: World, tmp_path: Path) -> None:
    for number in range(1, 9):
        landed(trunk, number, {3: "ALPHA", 7: "BETA"}.get(number, ""))

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert not fails_on_trunk(trunk, tmp_path)
    assert [on_trunk(trunk, f"src/part_0{one}.py") is None for one in (3, 5, 7)] == [
        True,
        False,
        True,
    ]
    assert "alpha" in str(trunk.state.value("ws-03", "error_message"))
    assert "beta" not in str(trunk.state.value("ws-03", "error_message"))


def test_a_test_that_two_broke_each_for_itself_loses_both(trunk: World, tmp_path: Path) -> None:
    for number in range(1, 8):
        landed(trunk, number, {2: "ONE", 5: "OTHER"}.get(number, ""))

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert not fails_on_trunk(trunk, tmp_path)


def test_a_flaky_test_convicts_nobody(trunk: World) -> None:
    for number in range(1, 5):
        landed(trunk, number)
    (trunk.markers / "flaky").touch()
    before = trunk.trunk

    document = freed(trunk)

    assert document["word"] == "needs a human"
    (finding,) = document["findings_after"]
    assert "suite::flaky is only flaky" in finding["summary"]
    assert trunk.trunk == before


def test_what_fails_everywhere_convicts_nobody(trunk: World) -> None:
    for number in range(1, 5):
        landed(trunk, number)
    (trunk.markers / "broken").touch()
    with (trunk.repo / ".git/info/exclude").open("a") as excluded:
        excluded.write(".env\n")
    (trunk.repo / ".env").write_text("DATABASE=x\n")
    before = trunk.trunk

    document = freed(trunk)

    assert document["word"] == "needs a human"
    (case,) = investigated(trunk).cases
    assert case.blame is Blame.ENVIRONMENT
    assert "what Git ignores nor submodules, here .env;" in case.because
    assert trunk.trunk == before


def test_a_flaky_test_beside_a_culprit_is_left_and_said(trunk: World) -> None:
    for number in range(1, 6):
        landed(trunk, number, "BETA" if number == 2 else "")
    (trunk.markers / "flaky").touch()

    document = freed(trunk)

    assert on_trunk(trunk, "src/part_02.py") is None
    assert document["word"] in ("recovered", "partly recovered")


def test_an_octopus_is_one_unit_and_goes_whole(trunk: World) -> None:
    landed(trunk, 1)
    several = [made(trunk, number, "ALPHA" if number == 3 else "") for number in (2, 3)]
    git(
        "merge",
        "--quiet",
        "--no-ff",
        "-m",
        "Merge two",
        *(one.branch for one in several),
        cwd=trunk.repo,
    )
    for one in several:
        gone(one)
    landed(trunk, 4)

    found = investigated(trunk)

    (unit,) = (one for one in found.units if one.kind is UnitKind.OCTOPUS)
    assert set(unit.workstreams) == {"ws-02", "ws-03"}
    assert recover(trunk.repo, ONLY)["word"] == "recovered"
    assert on_trunk(trunk, "src/part_02.py") is None
    assert trunk.state.status("ws-02") == "reverted"


@pytest.mark.parametrize("way", ["squash", "flattened", "fast_forward"])
def test_work_that_left_no_merge_is_found_as_one_unit(
    trunk: World, way: str, tmp_path: Path
) -> None:
    landed(trunk, 1)
    stream = made(trunk, 2).commits({"src/more.py": "more = 1\nALPHA\n"})
    stream.commits({"src/last.py": "last = 1\n"})
    if way == "squash":
        stream.lands_as_squash()
    elif way == "flattened":
        stream.lands_flattened()
    else:
        stream.lands_fast_forward()
    gone(stream)
    landed(trunk, 3)
    kind = {"squash": UnitKind.SQUASH, "flattened": UnitKind.FLATTENED}.get(way, UnitKind.FORWARD)

    found = investigated(trunk)
    document = recover(trunk.repo, ONLY)

    (unit,) = (one for one in found.units if "ws-02" in one.workstreams)
    assert unit.kind is kind
    assert document["word"] == "recovered", document
    assert [on_trunk(trunk, f"src/{one}.py") for one in ("part_02", "more", "last")] == [None] * 3
    assert on_trunk(trunk, "src/part_03.py") is not None
    assert not fails_on_trunk(trunk, tmp_path)


def test_what_is_built_on_the_culprits_lines_goes_with_it(trunk: World, tmp_path: Path) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA", "src/shared.py")
    landed(trunk, 3, "ALPHA\nmore", "src/shared.py")
    landed(trunk, 4)

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert on_trunk(trunk, "src/shared.py") is None
    assert on_trunk(trunk, "src/part_04.py") is not None
    assert not fails_on_trunk(trunk, tmp_path)


def test_what_was_ordered_to_build_on_the_culprit_goes_with_it(trunk: World) -> None:
    trunk.spec("ws-04", depends_on=["ws-02"])
    trunk.commit_specs()
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA OFFERS")
    landed(trunk, 3)
    landed(trunk, 4, "USES")

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert [on_trunk(trunk, f"src/part_0{one}.py") is None for one in (2, 3, 4)] == [
        True,
        False,
        True,
    ]
    again = str(trunk.state.value("ws-04", "error_message")).partition("once that is back: ")[2]
    git(*again.split()[1:], "-Xtheirs", cwd=trunk.repo)
    assert on_trunk(trunk, "src/part_04.py") is not None


def test_trees_that_cannot_be_tested_hide_no_culprit(trunk: World) -> None:
    for number in range(1, 9):
        text = {3: "GARBAGE", 5: "ALPHA"}.get(number, "")
        if number == 7:
            stream = made(trunk, 7).commits({"src/part_03.py": "part = 3\n"})
            gone(stream.lands_as_merge())
        else:
            landed(trunk, number, text)

    assert blamed(trunk)["suite::alpha"] == ("ws-05",)


def test_searching_touches_nothing_of_the_persons(trunk: World) -> None:
    for number in range(1, 5):
        landed(trunk, number, "ALPHA" if number == 2 else "")
    trunk.primary.edit("src/app.py", "a person's edit\n")
    before = {key: value for key, value in trunk.inventory().items() if "unjam" not in key}

    investigated(trunk)

    after = {key: value for key, value in trunk.inventory().items() if "unjam" not in key}
    assert after == before


def test_a_revert_that_a_persons_edit_is_in_the_way_of_is_parked(trunk: World) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA")
    (trunk.repo / "src" / "part_02.py").write_text("a person's edit\n")
    before = trunk.trunk

    document = freed(trunk)

    assert document["word"] == "needs a human"
    assert trunk.trunk == before
    assert (trunk.repo / "src" / "part_02.py").read_text() == "a person's edit\n"
    assert trunk.state.status("ws-02") == "completed"


def test_undone_everything_is_as_it_was(tmp_path: Path) -> None:
    trunk = with_suite(World(tmp_path / "lonely", remote=False))
    spec = trunk.spec("ws-03")
    trunk.commit_specs()
    ordered = spec.read_bytes()
    for number in range(1, 5):
        landed(trunk, number, "ALPHA" if number == 3 else "")
    investigated(trunk)
    tip, branch = trunk.trunk, git("rev-parse", "ws/ws-03/agent-3", cwd=trunk.repo)
    rows = trunk.state.tables()["workstream_status"]
    document = recover(trunk.repo, ONLY)
    assert document["word"] == "recovered"

    assert spec.read_bytes() != ordered

    assert undo(trunk.repo, document["run"])["word"] == "undone"

    assert spec.read_bytes() == ordered
    assert trunk.trunk == tip
    assert git("rev-parse", "ws/ws-03/agent-3", cwd=trunk.repo) == branch
    assert trunk.state.tables()["workstream_status"] == rows
    trunk.close()


def test_nothing_is_lost(trunk: World) -> None:
    for number in range(1, 6):
        landed(trunk, number, {2: "ALPHA", 4: "BETA"}.get(number, ""))
    trunk.primary.edit("src/app.py", "a person's edit\n")
    treasure = trunk.treasure()

    freed(trunk)

    assert trunk.lost(treasure) == []


def test_nothing_is_reverted_beside_an_orchestrator_at_work(trunk: World) -> None:
    trunk.spec("ws-90", script=[["wait", str(trunk.marker("never"))]])
    trunk.commit_specs()
    landed(trunk, 1, "ALPHA")
    investigated(trunk)
    program = trunk.run_orchestrator("--idle")

    document = recover(trunk.repo, ONLY)

    assert sentences(document, "revert") == {}
    assert any("orchestrator is at work" in note for note in document["notes"])
    program.kill()


def test_a_check_runs_no_tests_unless_it_is_asked_to(trunk: World) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA")
    counter = trunk.markers / "count"

    assert unjam_json("check", cwd=trunk.repo)["healthy"]
    assert not counter.exists()
    document = unjam_json("check", "failing_merge", cwd=trunk.repo)
    assert counter.exists()

    (finding,) = document["findings"]
    assert finding["workstreams"] == ["ws-02"]
    runs = counter.read_text()
    assert unjam_json("check", cwd=trunk.repo)["findings"] == [finding]
    assert counter.read_text() == runs


PYTESTS = """\
import pathlib
def test_steady(): assert True
def test_part(): assert not list(pathlib.Path("src").glob("bad*"))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_with_pytest_from_the_command_line_through_prefect(world: World) -> None:
    world.configure(
        verify={"command": [sys.executable, "-m", "pytest", "-q", "tests"]},
        policy={"restart": "off"},
    )
    world.state.create()
    (world.repo / "tests").mkdir()
    (world.repo / "tests" / "test_it.py").write_text(PYTESTS)
    git("add", "tests", cwd=world.repo)
    git("commit", "--quiet", "-m", "Test", cwd=world.repo)
    for number in range(1, 5):
        landed(world, number, path="src/bad.py" if number == 2 else "")
    world.push()

    document = unjam_json("recover", "failing-merge", "--yes", cwd=world.repo)

    assert document["word"] == "recovered", document
    assert document["flow_run"]["name"].startswith("failing_merge")
    assert on_trunk(world, "src/bad.py") is None
    assert "tests/test_it.py::test_part" in str(document["plan"][0]["reason"])
    assert unjam_json("check", cwd=world.repo)["healthy"]
    mine = ArtifactFilterFlowRunId(any_=[UUID(document["flow_run"]["id"])])
    with get_client(sync_client=True) as client:
        made = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=mine))
    keys = " ".join(sorted(str(one.key) for one in made))
    assert "unjam-culprit-search-" in keys
    assert "unjam-culprit-trials-" in keys
