"""One file of a commit is changed without a checkout, and its history is read."""

import json
from datetime import UTC, datetime

import pytest

from tests.world import World, git
from unjam.adapters.git.moving.commit_edit import Committed, commit_edit, file_in
from unjam.adapters.git.moving.merge import Identity
from unjam.adapters.git.observing.file_versions import versions
from unjam.domain.world.identity import CommitId

BY = (Identity("unjam", "unjam@localhost"), datetime(2026, 1, 1, tzinfo=UTC))
ODD = "workstreams/odd [1] *ü\n.json"


def test_a_commit_differs_in_this_file_alone_and_no_ref_moves(world: World) -> None:
    path = world.repo / ODD
    path.parent.mkdir()
    path.write_bytes(b"before\r\n")
    path.chmod(0o755)
    world.commit_specs()
    (world.repo / ".gitattributes").write_text("* text=auto eol=crlf\n")
    before, trunk = world.inventory(), CommitId(world.trunk)
    there = file_in(world.common, trunk, ODD)
    assert there is not None
    assert (there.mode, there.content, there.is_regular) == ("100755", b"before\r\n", True)

    edited = Committed(ODD, there.mode, b"after\r\n")
    made = commit_edit(world.common, trunk, edited, "Say so", BY)

    again = commit_edit(world.common, trunk, edited, "Say so", BY)
    assert again == made, "the same edit is the same commit"
    assert file_in(world.common, made, ODD) == edited
    changed = git("diff", "--name-only", "-z", trunk, made, cwd=world.repo)
    assert changed.strip("\0") == ODD
    assert git("rev-parse", f"{made}^", cwd=world.repo) == trunk
    assert world.inventory() == before


@pytest.mark.parametrize("path", ["workstreams/none.json", "src", "none/none"])
def test_what_is_no_file_of_the_commit_is_told_apart(world: World, path: str) -> None:
    found = file_in(world.common, CommitId(world.trunk), path)

    assert found is None or not found.is_regular


def test_versions_are_told_oldest_first_through_merges_and_removals(world: World) -> None:
    world.spec("ws-1", depends_on=["a"], file_name="odd [1]")
    world.commit_specs()
    git("switch", "--quiet", "-c", "side", cwd=world.repo)
    path = world.spec("ws-1", depends_on=["a", "b"], file_name="odd [1]")
    world.commit_specs()
    git("switch", "--quiet", "main", cwd=world.repo)
    world.primary.commit("src/other.py", "x = 1\n")
    git("merge", "--quiet", "--no-ff", "-m", "Merge side", "side", cwd=world.repo)
    path.unlink()
    world.commit_specs()

    told = versions(world.common, CommitId(world.trunk), ["workstreams/odd [1].json", "none"])

    said = [json.loads(one.content or b"{}").get("depends_on") for one in told]
    assert said == [["a"], ["a", "b"], None]
    assert [one.at for one in told] == sorted(one.at for one in told)


def test_a_shallow_clone_tells_what_it_has(world: World) -> None:
    world.spec("ws-1", depends_on=["a"])
    world.commit_specs()
    world.primary.commit("src/other.py", "x = 1\n")
    git("clone", "--quiet", "--depth=1", f"file://{world.repo}", "shallow", cwd=world.root)
    common = world.root / "shallow" / ".git"

    (only,) = versions(common, CommitId(world.trunk), ["workstreams/ws-1.json"])

    assert only.commit == world.trunk
