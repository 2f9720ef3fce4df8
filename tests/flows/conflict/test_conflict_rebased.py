"""A landing that conflicts as a merge, and is tried once more commit by commit."""

from tests.flows.building import on_trunk
from tests.recovering import recover, sentences
from tests.world import World, git
from unjam.domain.world.identity import Scenario

ONLY = (Scenario("merge_conflict"),)


def partly_taken(world: World) -> str:
    """The trunk took the branch's first commit and went on from there: a merge conflicts."""
    stream = world.workstream("ws-15").worktree().row("completed")
    world.primary.commit("beside.txt", "other work\n")  # else Git makes the very same commit
    lines = (world.repo / "src/app.py").read_text()
    stream.commits({"src/app.py": lines.replace("line_5 = 5", "line_5 = 'one'")})
    git("cherry-pick", stream.tip, cwd=world.repo)
    world.primary.commit("src/app.py", lines.replace("line_5 = 5", "line_5 = 'two'"))
    stream.commits({"src/new.py": "new = 1\n"})
    return stream.tip


def test_a_branch_that_a_rebase_saves_lands_as_a_merge_that_keeps_its_commits(calm: World) -> None:
    tip = partly_taken(calm)
    primary = git("status", "--porcelain", cwd=calm.repo)
    treasure = calm.treasure()

    document = recover(calm.repo, ONLY)

    (said,) = sentences(document, "land").values()
    assert "rebased" in said
    assert calm.state.status("ws-15") == "completed"
    assert on_trunk(calm, "src/new.py") == "new = 1"
    assert "line_5 = 'two'" in str(on_trunk(calm, "src/app.py"))
    assert git("merge-base", "--is-ancestor", tip, "main", cwd=calm.repo) == ""
    assert git("status", "--porcelain", cwd=calm.repo) == primary
    assert not (calm.repo / "reports").exists()
    assert calm.lost(treasure) == []


def test_a_rebase_that_does_not_verify_does_not_land(calm: World) -> None:
    stream = calm.workstream("ws-15")
    partly_taken(calm)
    stream.commits({"src/bad.py": "BROKEN = 1\n"})
    trunk = calm.trunk

    recover(calm.repo, ONLY)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "failed"


def test_what_the_trunk_took_and_gave_back_is_never_dropped_by_a_rebase(calm: World) -> None:
    stream = calm.workstream("ws-15").worktree().row("completed")
    calm.primary.commit("beside.txt", "other work\n")
    lines = (calm.repo / "src/app.py").read_text()
    stream.commits({"src/given.py": "given = 1\n"})
    git("cherry-pick", stream.tip, cwd=calm.repo)
    git("revert", "--no-edit", "HEAD", cwd=calm.repo)
    stream.commits({"src/app.py": lines.replace("line_5 = 5", "line_5 = 'one'")})
    git("cherry-pick", stream.tip, cwd=calm.repo)
    calm.primary.commit("src/app.py", lines.replace("line_5 = 5", "line_5 = 'two'"))
    stream.commits({"src/new.py": "new = 1\n"})
    trunk = calm.trunk

    recover(calm.repo, ONLY)

    assert calm.trunk == trunk
    assert calm.state.status("ws-15") == "conflict"
