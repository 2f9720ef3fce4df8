"""A broken trunk while others push, land, or leave a wreck beside it."""

from pathlib import Path

import pytest

from tests.command import unjam_json
from tests.flows.building import on_trunk
from tests.flows.failing import (
    ONLY,
    fails_on_trunk,
    freed,
    investigated,
    landed,
    made,
    with_suite,
)
from tests.recovering import recover, sentences
from tests.world import World, git


@pytest.fixture
def trunk(world: World) -> World:
    """A world with a suite of tests that names them, and nothing landed yet."""
    return with_suite(world)


def test_a_revert_is_built_on_what_others_pushed_in_the_meantime(
    trunk: World, tmp_path: Path
) -> None:
    for number in range(1, 4):
        landed(trunk, number, "ALPHA" if number == 2 else "")
    trunk.push()
    investigated(trunk)
    assert trunk.origin is not None
    theirs = trunk.origin.moves("theirs.txt", "somebody else's\n")
    # While the suite runs on the revert, somebody pushes again.
    later = tmp_path / "later"
    git("clone", "--quiet", str(trunk.origin.path), str(later), cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "-m", "Once more", cwd=later)
    (trunk.markers / "meanwhile").write_text(f"git -C {later} push --quiet origin main")

    document = recover(trunk.repo, ONLY)

    assert document["word"] == "recovered", document
    assert not (trunk.markers / "meanwhile").exists()
    assert trunk.origin.tip == trunk.trunk
    subjects = git("log", "--first-parent", "--format=%s", "main", cwd=trunk.repo).splitlines()
    assert subjects[:3] == [
        'Revert "Merge ws/ws-02/agent-2"',
        "Once more",
        "Somebody else's commit",
    ]
    assert theirs in git("rev-list", "main", cwd=trunk.repo).split()
    assert not fails_on_trunk(trunk, tmp_path)


def test_work_pushed_meanwhile_that_builds_on_the_culprit_parks_the_revert(trunk: World) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA")
    trunk.push()
    investigated(trunk)
    assert trunk.origin is not None
    trunk.origin.moves("src/part_02.py", "part = 2  # theirs\nALPHA\n")
    before = trunk.trunk

    document = recover(trunk.repo, ONLY)

    (sentence,) = sentences(document, "revert").values()
    assert "later work on the same lines: src/part_02.py" in sentence
    assert trunk.trunk == before
    assert trunk.state.status("ws-02") == "completed"


def test_a_landing_that_finds_the_trunk_failing_says_so_and_where_to_go(trunk: World) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA")
    trunk.push()
    stream = made(trunk, 3).row("running")

    document = recover(trunk.repo)

    assert trunk.state.status("ws-03") == "running"
    assert sentences(document, "revert") == {}
    (finding,) = unjam_json("check", cwd=trunk.repo)["findings"][-1:]
    assert finding["scenario"] == "failing_merge"
    assert "unjam recover failing_merge" in finding["summary"]
    assert recover(trunk.repo, ONLY)["word"] == "needs a human"  # nobody has looked yet
    assert freed(trunk)["word"] == "recovered"
    assert recover(trunk.repo)["word"] == "recovered"
    assert on_trunk(trunk, "src/part_03.py") is not None
    assert stream.name == "ws-03"


def test_a_crash_and_a_broken_trunk_are_recovered_in_one_plan(trunk: World, tmp_path: Path) -> None:
    for number in range(1, 4):
        landed(trunk, number, "ALPHA" if number == 2 else "")
    trunk.push()
    made(trunk, 5).row("running")
    treasure = trunk.treasure()
    investigated(trunk)

    document = recover(trunk.repo)

    assert document["word"] == "recovered", document
    assert [one["step"] for one in document["plan"]].count("push") == 1
    assert on_trunk(trunk, "src/part_02.py") is None
    assert on_trunk(trunk, "src/part_05.py") is not None
    assert trunk.state.status("ws-05") == "completed"
    assert trunk.state.status("ws-02") == "pending"
    assert trunk.origin is not None
    assert trunk.origin.tip == trunk.trunk
    assert trunk.lost(treasure) == []
    assert not fails_on_trunk(trunk, tmp_path)
