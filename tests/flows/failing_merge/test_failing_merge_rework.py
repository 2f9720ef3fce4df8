"""What was taken out is done again once, told what failed, and lands whole."""

import json
from pathlib import Path

import pytest

from tests.flows.building import on_trunk
from tests.flows.failing_merge.failing import (
    fails_on_trunk,
    freed,
    gone,
    investigated,
    landed,
    made,
    with_suite,
)
from tests.recovering import sentences
from tests.world import World, git


@pytest.fixture
def trunk(world: World) -> World:
    """A world with a suite of tests that names them, and nothing landed yet."""
    return with_suite(world)


def test_what_was_reworked_once_is_not_reworked_again(trunk: World) -> None:
    landed(trunk, 1)
    landed(trunk, 2, "ALPHA")
    landed(trunk, 3)
    assert freed(trunk)["word"] == "recovered"
    again = "ws/ws-02/agent-2-rework"
    git("merge", "--quiet", "--no-ff", "-m", f"Merge {again}", again, cwd=trunk.repo)
    trunk.state.row("ws-02", "completed", agent="agent-2")
    landed(trunk, 4)

    document = freed(trunk)

    assert document["word"] == "recovered", document
    assert sentences(document, "rework") == {}
    assert on_trunk(trunk, "src/part_02.py") is None
    assert trunk.state.status("ws-02") == "reverted"


def test_landing_the_rework_brings_the_whole_work_back(trunk: World) -> None:
    landed(trunk, 1)
    stream = made(trunk, 2, "ALPHA").commits({"src/feature.py": "feature = 1\n"})
    gone(stream.lands_as_merge())
    landed(trunk, 3)
    assert freed(trunk)["word"] == "recovered"
    again = "ws/ws-02/agent-2-rework"

    git("checkout", "--quiet", again, cwd=trunk.repo)
    (trunk.repo / "src" / "part_02.py").write_text("part = 2  # mended\n")
    git("commit", "--quiet", "-am", "Mend it", cwd=trunk.repo)
    git("checkout", "--quiet", "main", cwd=trunk.repo)
    git("merge", "--quiet", "--no-ff", "-m", f"Merge {again}", again, cwd=trunk.repo)

    assert on_trunk(trunk, "src/feature.py") == "feature = 1"
    assert on_trunk(trunk, "src/part_02.py") == "part = 2  # mended"
    assert investigated(trunk).passed


def told(spec: str | None) -> str:
    """What a spec says in its context."""
    return str(json.loads(spec or "")["context"])


def test_the_rework_finds_in_its_spec_what_failed_and_every_other_byte_as_it_was(
    trunk: World, tmp_path: Path
) -> None:
    path = trunk.spec("ws-02")
    ordered = '{ "id":"ws-02",\n   "n": 1.50, "tasks": ["\\u0041"] }\n'
    path.write_text(ordered)
    trunk.commit_specs()
    landed(trunk, 1)
    stream = made(trunk, 2, "ALPHA").commits({"src/feature.py": "feature = 1\n"})
    gone(stream.lands_as_merge())
    trunk.push()

    document = freed(trunk)

    assert document["word"] == "recovered", document
    again = "ws/ws-02/agent-2-rework"
    spec = on_trunk(trunk, "workstreams/ws-02.json")
    assert "suite::alpha" in told(spec)
    assert again in told(spec)
    assert path.read_text().startswith(ordered.rstrip("} \n"))
    assert git("show", f"{again}:workstreams/ws-02.json", cwd=trunk.repo) == spec
    assert trunk.origin is not None
    assert trunk.origin.tip == trunk.trunk
    assert not fails_on_trunk(trunk, tmp_path)
    git("merge", "--quiet", "--no-ff", "-m", f"Merge {again}", again, cwd=trunk.repo)
    assert on_trunk(trunk, "src/feature.py") == "feature = 1"
    assert told(on_trunk(trunk, "workstreams/ws-02.json")) == told(spec)


def test_merging_the_old_branch_would_have_dropped_the_feature(trunk: World) -> None:
    """Why there is a branch for the rework: the trap it keeps out of."""
    stream = made(trunk, 1, "ALPHA").commits({"src/feature.py": "feature = 1\n"})
    gone(stream.lands_as_merge())
    old = git("rev-parse", stream.branch, cwd=trunk.repo)
    assert freed(trunk)["word"] == "recovered"

    git("merge", "--quiet", "--no-ff", "-m", "Merge it again", old, cwd=trunk.repo)

    assert on_trunk(trunk, "src/feature.py") is None
    refs = git("for-each-ref", "--format=%(objectname)", "refs/heads", cwd=trunk.repo)
    assert old not in refs.split()


def test_a_spec_that_a_person_edits_is_theirs_and_the_rework_is_made(trunk: World) -> None:
    path = trunk.spec("ws-01")
    trunk.commit_specs()
    landed(trunk, 1, "ALPHA")
    path.write_text('{"id": "ws-01", "tasks": ["a person is at it"]}\n')

    document = freed(trunk)

    (sentence,) = sentences(document, "rework").values()
    assert "has uncommitted edits" in sentence
    assert path.read_text() == '{"id": "ws-01", "tasks": ["a person is at it"]}\n'
    assert trunk.state.status("ws-01") == "pending"


def test_a_secret_that_a_test_printed_does_not_go_into_the_spec(trunk: World) -> None:
    trunk.spec("ws-01")
    trunk.commit_specs()
    landed(trunk, 1, "SECRET")

    assert freed(trunk)["word"] == "recovered"

    spec = on_trunk(trunk, "workstreams/ws-01.json")
    assert "suite::secret" in told(spec)
    assert "ghp_0123456789abcdefghij" not in str(spec)
