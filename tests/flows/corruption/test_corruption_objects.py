"""What a power cut took from the object store is found again elsewhere, or named."""

import pytest

from tests.flows.building import begun, on_trunk
from tests.flows.corruption.test_worktree_corruption import ONLY, works
from tests.recovering import recover, sentences, undo
from tests.world import Workstream, World, at_work, git, git_status, spoil
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.reports.check_report import Document
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration


def object_of(one: Workstream, name: str) -> str:
    return git("rev-parse", name, cwd=one.primary)


def seen(world: World, *, objects: bool = True) -> Snapshot:
    return observe(open_orchestration(world.repo), objects=objects)


def restored(world: World) -> Document:
    document = recover(world.repo, ONLY)
    assert document["word"] == "recovered", document["outcomes"]
    assert git_status("fsck", "--connectivity-only", cwd=world.repo) == 0
    return document


LOST = {
    "tip": "{branch}",
    "tree": "{branch}^{{tree}}",
    "subtree": "{branch}:src",
    "file": "{branch}:src/done.py",
    "staged file": ":staged.txt",
}


def oid_of(one: Workstream, what: str) -> str:
    return git("rev-parse", LOST[what].format(branch=one.branch), cwd=one.tree)


@pytest.mark.parametrize("content", [b"", b"\0" * 30, None], ids=["empty", "nulls", "missing"])
@pytest.mark.parametrize("what", LOST)
def test_a_lost_object_is_found_again_in_the_worktree_and_undo_brings_the_damage_back(
    lonely: World, what: str, content: bytes | None
) -> None:
    one = at_work(lonely)
    treasure, tip = lonely.treasure(), one.tip
    file = spoil(lonely.repo, oid_of(one, what), content)

    document = restored(lonely)

    assert one.tip == tip
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert (file.read_bytes() if file.exists() else None) == content
    works(lonely, one)


def test_everything_of_a_commit_at_once_is_found_again(lonely: World) -> None:
    one = at_work(lonely)
    treasure = lonely.treasure()
    for oid in [oid_of(one, what) for what in LOST]:
        spoil(lonely.repo, oid)

    restored(lonely)

    assert lonely.lost(treasure) == []
    works(lonely, one)


def test_what_only_the_vault_still_has_is_found_there(lonely: World) -> None:
    one = at_work(lonely)
    one.commits({"src/done.py": "done = 2\n", "draft.txt": "added\n"})
    oid = object_of(one, f"{one.branch}~1:src/done.py")
    kept = lonely.common / "unjam/vault/an-earlier-run/worktrees/agent-0/tree"
    kept.mkdir(parents=True)
    (kept / "done.py").write_text("done = 1\n")
    spoil(lonely.repo, oid)

    restored(lonely)

    assert git("cat-file", "-p", oid, cwd=one.primary) == "done = 1"


def pushed(world: World) -> tuple[Workstream, str]:
    """A workstream whose first version of a file only the remote still has."""
    one = at_work(world)
    one.commits({"src/done.py": "done = 2\n", "draft.txt": "added\n"})
    git("push", "--quiet", "origin", one.branch, cwd=world.repo)
    return one, object_of(one, f"{one.branch}~1:src/done.py")


def test_what_only_the_remote_still_has_is_fetched(calm: World) -> None:
    one, oid = pushed(calm)
    spoil(calm.repo, oid, None)

    restored(calm)

    assert git("cat-file", "-p", oid, cwd=one.primary) == "done = 1"


def test_a_remote_that_policy_keeps_out_is_not_asked_and_the_lost_is_named(calm: World) -> None:
    _, oid = pushed(calm)
    calm.configure(policy={"push": "off"})
    spoil(calm.repo, oid)

    document = recover(calm.repo, ONLY)

    assert document["word"] != "recovered"
    (said,) = sentences(document, "restore objects").values()
    assert oid in said
    assert "src/done.py" in said
    assert [one.id for one in seen(calm).lost] == [oid]


def test_a_check_looks_for_lost_objects_where_a_tip_is_missing_or_when_asked(lonely: World) -> None:
    one = at_work(lonely)
    spoil(lonely.repo, object_of(one, f"{one.branch}:src/done.py"))
    assert not seen(lonely, objects=False).lost
    assert seen(lonely).lost
    tip = one.tip
    spoil(lonely.repo, tip)

    assert tip in {one.id for one in seen(lonely, objects=False).lost}


@pytest.mark.parametrize("what", ["main", "main^{tree}", "main:src/app.py", "main~1"])
def test_a_damaged_trunk_is_made_whole_before_anything_else(lonely: World, what: str) -> None:
    one = at_work(lonely)
    lonely.primary.commit("src/app.py", "line = 1\n")
    begun(lonely, "ws-16", "agent-2")
    treasure, trunk = lonely.treasure(), lonely.trunk
    spoil(lonely.repo, object_of(one, what))

    first = recover(lonely.repo, tuple(SCENARIOS) if what != "main:src/app.py" else ONLY)
    assert {step["step"] for step in first["plan"]} == {"restore objects"}
    recover(lonely.repo)

    assert lonely.trunk != trunk
    assert lonely.lost(treasure) == []
    assert on_trunk(lonely, "src/part_16.py") == "part = 16"
    assert git_status("fsck", "--connectivity-only", cwd=lonely.repo) == 0


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"garbage\n"])
def test_a_trunk_whose_ref_is_damaged_comes_back_from_its_reflog(
    lonely: World, content: bytes
) -> None:
    at_work(lonely)
    trunk = lonely.trunk
    (lonely.common / "refs/heads/main").write_bytes(content)

    document = recover(lonely.repo, ONLY)

    assert document["word"] == "recovered"
    assert lonely.trunk == trunk
    undo(lonely.repo, document["run"])
    assert (lonely.common / "refs/heads/main").read_bytes() == content


def test_a_trunk_that_is_nowhere_any_more_is_named_and_nothing_else_is_touched(
    lonely: World,
) -> None:
    one = begun(lonely, "ws-16", "agent-2")
    lonely.primary.commit("src/app.py", "line = 1\n", "two\n\nparagraphs")
    lost = lonely.trunk
    spoil(lonely.repo, lost)
    tip = one.tip

    document = recover(lonely.repo)

    assert document["word"] == "needs a human"
    assert lost in sentences(document, "restore objects")[".git"]
    assert any("waits until main is whole" in note for note in document["notes"])
    assert (one.tip, lonely.state.status("ws-16")) == (tip, "running")
