"""What breaks the tests is found where pytest itself, asked for single tests, would mislead."""

import sys

import pytest

from tests.flows.failing_merge.failing import gone, investigated, landed
from tests.world import World, git
from unjam.domain.world.trials import Blame

# The suite passes as long as no test before the last one leaves something behind.
LEFT = "import os\ndef test_leaves(): os.environ['LEFT_BEHIND'] = '1'\n"
FINDS = "import os\ndef test_finds_nothing(): assert 'LEFT_BEHIND' not in os.environ\n"
PARTS = """\
import pathlib
def test_parts(): assert not list(pathlib.Path(__file__).parents[1].glob("src/bad*"))
"""


@pytest.fixture
def tested(world: World) -> World:
    world.configure(
        verify={"command": [sys.executable, "-m", "pytest", "-q", "-x"], "workers": 2},
        policy={"restart": "off"},
    )
    world.state.create()
    (world.repo / "tests").mkdir()
    return world


def starting_with(world: World, **tests: str) -> None:
    for name, text in tests.items():
        (world.repo / "tests" / f"test_{name}.py").write_text(text)
    git("add", "tests", cwd=world.repo)
    git("commit", "--quiet", "-m", "Test", cwd=world.repo)
    investigated(world)  # on record from here on: it passes


def test_a_test_that_fails_only_among_the_others_is_not_taken_for_flaky(tested: World) -> None:
    starting_with(tested, z=FINDS)
    landed(tested, 1, path="tests/test_1.py")
    landed(tested, 2, LEFT, "tests/test_2.py")

    (case,) = investigated(tested).cases

    assert case.blame is Blame.BROKEN
    assert (case.guilty, case.proven) == ((2,), True)
    assert "By itself it passes" in case.output


def test_a_configuration_that_came_later_is_not_blamed_for_what_was_broken_before(
    tested: World,
) -> None:
    starting_with(tested, parts=PARTS)
    landed(tested, 1, path="src/bad.py")
    configures = tested.workstream("ws-02", "agent-2").worktree().row("completed")
    gone(configures.commits({"pytest.ini": "[pytest]\n"}).lands_as_merge())

    (case,) = investigated(tested).cases

    assert (case.test, case.guilty) == ("tests/test_parts.py::test_parts", (1,))


def test_of_a_test_that_never_passed_it_is_said_that_the_work_may_be_innocent(
    tested: World,
) -> None:
    starting_with(tested, parts=PARTS)
    landed(tested, 1, "def test_born(): assert False", "tests/test_born.py")

    (case,) = investigated(tested).cases

    assert (case.guilty, case.proven) == ((1,), True)
    assert "never passed" in case.output


def test_a_run_that_a_test_ends_before_its_report_has_not_passed(tested: World) -> None:
    starting_with(tested, ends="import os\ndef test_ends(): os._exit(0)\n")

    found = investigated(tested)

    assert not found.passed
    assert "without a report" in found.said
