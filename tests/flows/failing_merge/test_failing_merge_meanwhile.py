"""A broken trunk while others push, land, or leave a wreck beside it."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

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
from tests.recovering import recover, sentences
from tests.world import World, git
from unjam.domain.reports.culprit_page import search_picture, search_table
from unjam.engine.culprits.investigate import known_tests
from unjam.engine.culprits.search import SearchProgress
from unjam.engine.orchestration import open_orchestration


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


def test_work_that_only_the_orchestrators_log_remembers_goes_whole(trunk: World) -> None:
    trunk.spec("ws-02", files_scope=["src/part_02.py", "src/more/"])
    trunk.commit_specs()
    landed(trunk, 1)
    stream = made(trunk, 2, "ALPHA").commits({"src/more/last.py": "last = 1\n"})
    stream.lands_flattened()
    trunk.state.event("ws-02", "completed", agent="agent-2")
    gone(stream)
    git("update-ref", "-d", f"refs/heads/{stream.branch}", cwd=trunk.repo)
    (trunk.common / "logs" / "refs" / "heads" / "main").unlink()
    landed(trunk, 3)

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert on_trunk(trunk, "src/part_02.py") is None
    assert on_trunk(trunk, "src/more/last.py") is None
    assert on_trunk(trunk, "src/part_03.py") is not None
    assert trunk.state.status("ws-02") in ("pending", "reverted")


def test_what_was_reverted_once_and_put_back_by_hand_is_found_and_taken_out(trunk: World) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA")
    git("revert", "--no-edit", "-m", "1", "HEAD", cwd=trunk.repo)
    git("revert", "--no-edit", "HEAD", cwd=trunk.repo)
    landed(trunk, 3)

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert on_trunk(trunk, "src/part_02.py") is None
    assert on_trunk(trunk, "src/part_03.py") is not None


def test_once_recovered_there_is_nothing_to_do_again(trunk: World) -> None:
    for number in range(1, 4):
        landed(trunk, number, "ALPHA" if number == 2 else "")
    assert freed(trunk)["word"] == "recovered"
    before = trunk.inventory()

    assert freed(trunk)["word"] == "nothing to do"

    after = trunk.inventory()
    assert {key: one for key, one in after.items() if "unjam" not in key} == {
        key: one for key, one in before.items() if "unjam" not in key
    }


def test_a_search_says_how_far_it_is_and_leaves_a_picture(trunk: World) -> None:
    for number in range(1, 17):
        landed(trunk, number, "ALPHA" if number == 11 else "")
    said: list[SearchProgress] = []

    found = known_tests(open_orchestration(trunk.repo), said.append)

    assert [one.runs for one in said] == sorted(one.runs for one in said)
    spans = [one.interval for one in said if one.interval is not None]
    assert spans
    assert all(one.left > 0 for one in said if one.interval is not None)
    widths = [last - first for first, last in spans]
    assert widths[-1] < widths[0]
    guilty = found.cases[0].guilty[0]
    picture = ET.fromstring(search_picture(found))
    framed = [one for one in picture.iter() if one.get("stroke") == "#000"]
    assert len(framed) == 1
    tried = {one["said"] for one in search_table(found)}
    assert {"pass", "fail"} <= tried
    assert any(found.units[guilty - 1].name == one["unit"] for one in search_table(found))
