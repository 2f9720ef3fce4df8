"""What is said of branches: landed by which proof, reverted, never begun, or not to be told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.git.observing.looking import ALL, branch_of, look
from tests.world import World, git
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Proof
from unjam.domain.world.truth import Truth


def test_a_merged_branch_has_landed(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits(
        {"two.py": "2\n"}
    ).lands_as_merge()

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof, found.own_commits) == (Truth.YES, Proof.ANCESTOR, 2)
    assert found.agent == "agent-1"


def test_a_fast_forwarded_branch_has_landed(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits(
        {"two.py": "2\n"}
    ).lands_fast_forward()

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof, found.own_commits) == (Truth.YES, Proof.ANCESTOR, 2)


def test_a_fast_forward_is_told_without_the_branchs_reflog(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_fast_forward()
    (world.common / "logs/refs/heads" / one.branch).unlink()

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits) == (Truth.YES, 1)


def test_a_fast_forward_is_told_without_the_trunks_reflog(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_fast_forward()
    (world.common / "logs/refs/heads/main").unlink()

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits) == (Truth.YES, 1)


def test_a_branch_without_commits_has_not_landed(world: World) -> None:
    world.workstream("ws-1").worktree().leaves({"unsaved.py": "unsaved\n"})

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits, found.behind) == (Truth.NO, 0, 0)


def test_a_branch_without_commits_has_not_landed_when_the_trunk_moved_on(world: World) -> None:
    world.workstream("ws-1").worktree()
    world.primary.commit("trunk.py", "trunk\n")

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits, found.behind) == (Truth.NO, 0, 1)


def test_a_branch_that_only_took_over_the_trunk_has_not_landed(world: World) -> None:
    one = world.workstream("ws-1").worktree()
    world.primary.commit("trunk.py", "trunk\n")
    git("merge", "--quiet", "main", cwd=one.tree)
    world.primary.commit("trunk2.py", "trunk\n")

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits) == (Truth.NO, 0)


def test_without_any_reflog_it_cannot_be_told_whether_a_tip_on_the_line_is_work(
    world: World,
) -> None:
    one = world.workstream("ws-1").worktree()
    world.primary.commit("trunk.py", "trunk\n")
    (world.common / "logs/refs/heads" / one.branch).unlink()
    (world.common / "logs/refs/heads/main").unlink()

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits) == (Truth.UNKNOWN, None)


def test_a_branch_begun_on_a_branch_that_landed_has_not_landed_itself(world: World) -> None:
    first = world.workstream("ws-1").worktree().commits({"one.py": "1\n"})
    git("branch", "ws/ws-2/agent-2", first.branch, cwd=world.repo)
    first.lands_as_merge()

    facts = look(world.repo)

    assert branch_of(facts, "ws-1").landed is Truth.YES
    second = branch_of(facts, "ws-2")
    assert (second.landed, second.own_commits) == (Truth.NO, 0)


def test_flattened_work_has_landed(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits(
        {"two.py": "2\n"}
    ).lands_flattened()

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof, found.own_commits) == (Truth.YES, Proof.PATCHES, 2)


def test_flattened_work_has_landed_though_its_lines_moved(world: World) -> None:
    text = "".join(f"line {number}\n" for number in range(40))
    world.primary.commit("long.py", text)
    one = world.workstream("ws-1").worktree().commits({"long.py": text + "mine\n"})
    world.primary.commit("long.py", "theirs\n" + text)
    git("cherry-pick", one.branch, cwd=world.repo)

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof) == (Truth.YES, Proof.PATCHES)


def test_other_indentation_is_other_work(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "if a:\n    b()\nc()\n"})
    world.primary.commit("one.py", "if a:\n    b()\n    c()\n")

    found = branch_of(look(world.repo), "ws-1")

    assert found.landed is Truth.NO


def test_squashed_work_has_landed(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits(
        {"two.py": "2\n"}
    ).lands_as_squash()
    world.primary.commit("one.py", "changed since\n")

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof, found.own_commits) == (Truth.YES, Proof.PATCHES, 2)


def test_work_that_would_change_nothing_has_landed(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits({"two.py": "2\n"})
    world.primary.stage("one.py", "1\n")
    world.primary.stage("two.py", "2\n")
    world.primary.commit("three.py", "3\n", "all in one, with something else")

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof) == (Truth.YES, Proof.CONTENT)


def test_a_merge_driver_of_the_repository_keeps_nobody_from_telling(world: World) -> None:
    (world.common / "info/attributes").write_text("* merge=ours\n")
    git("config", "merge.ours.driver", "true", cwd=world.repo)
    world.workstream("ws-1").worktree().commits({"src/app.py": "mine\n"})
    world.primary.commit("src/app.py", "theirs\n")

    assert branch_of(look(world.repo), "ws-1").landed is Truth.NO


def test_a_recorded_merge_is_proof_when_flattening_changed_the_patches(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_as_merge()
    base = git("rev-parse", "main~1", cwd=world.repo)
    git("switch", "--quiet", "--detach", base, cwd=world.repo)
    moved = world.primary.commit("one.py", "theirs\n")
    git("switch", "--quiet", "main", cwd=world.repo)
    world.primary.mid_rebase(moved)
    world.primary.stage("one.py", "theirs\n1\n")
    git("-c", "core.editor=true", "rebase", "--continue", cwd=world.repo)

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.proof) == (Truth.YES, Proof.REFLOG)
    assert one.tip == found.tip


def test_a_merge_that_was_reset_away_is_no_proof(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_as_merge()
    git("reset", "--quiet", "--hard", "HEAD~1", cwd=world.repo)

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits) == (Truth.NO, 1)


def test_commits_after_the_merge_have_not_landed(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_as_merge()
    one.commits({"more.py": "more\n"})

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.own_commits, found.behind) == (Truth.NO, 1, 1)


def _as_merge(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_as_merge().is_reverted()


def _as_commits(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits({"two.py": "2\n"})
    one.lands_fast_forward()
    git("revert", "--no-edit", "HEAD", "HEAD~1", cwd=world.repo)


def _flattened(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_flattened()
    git("revert", "--no-edit", "HEAD", cwd=world.repo)


def _squashed(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits({"two.py": "2\n"})
    one.lands_as_squash()
    git("revert", "--no-edit", "HEAD", cwd=world.repo)


def _flattened_after_the_revert(world: World) -> None:
    world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).lands_as_merge().is_reverted()
    base = git("rev-parse", "main~2", cwd=world.repo)
    tree = git("rev-parse", f"{base}^{{tree}}", cwd=world.repo)
    moved = git("commit-tree", tree, "-p", base, "-m", "the remote moved", cwd=world.repo)
    git("rebase", "--quiet", moved, cwd=world.repo)


@pytest.mark.parametrize(
    "happens", [_as_merge, _as_commits, _flattened, _squashed, _flattened_after_the_revert]
)
def test_reverted_work_has_not_landed(world: World, happens: Callable[[World], None]) -> None:
    happens(world)

    found = branch_of(look(world.repo), "ws-1")

    assert found.landed is Truth.NO
    assert found.reverted_by is not None
    assert "This reverts commit" in git(
        "log", "-1", "--format=%B", found.reverted_by, cwd=world.repo
    )


@pytest.mark.parametrize("happens", [_as_merge, _flattened, _squashed, _flattened_after_the_revert])
def test_a_reverted_revert_lands_it_again(world: World, happens: Callable[[World], None]) -> None:
    happens(world)
    git("revert", "--no-edit", "HEAD", cwd=world.repo)

    found = branch_of(look(world.repo), "ws-1")

    assert (found.landed, found.reverted_by) == (Truth.YES, None)


def test_half_a_revert_leaves_it_landed(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"}).commits({"two.py": "2\n"})
    one.lands_fast_forward()
    git("revert", "--no-edit", "HEAD", cwd=world.repo)

    assert branch_of(look(world.repo), "ws-1").landed is Truth.YES


def test_proofs_that_cost_are_made_only_for_whom_they_are_asked(world: World) -> None:
    for name in ("ws-1", "ws-2"):
        world.workstream(name).worktree().commits({f"{name}.py": "1\n"}).lands_as_squash()

    facts = look(world.repo, prove=frozenset({WorkstreamId("ws-2")}))

    assert branch_of(facts, "ws-1").landed is Truth.UNKNOWN
    assert branch_of(facts, "ws-1").own_commits == 1
    assert branch_of(facts, "ws-2").landed is Truth.YES


def test_the_paths_a_branch_changes_are_those_that_differ_from_the_trunk(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"ü\n.py": "1\n", "src/app.py": "new\n"})
    world.primary.commit("trunk.py", "trunk\n")

    found = branch_of(look(world.repo, changed=ALL), "ws-1")

    listed = git("diff", "-z", "--name-only", f"main..{one.branch}", cwd=world.repo)
    assert found.changed is not None
    assert sorted(found.changed) == sorted(listed.strip("\0").split("\0"))


def test_one_branch_with_a_missing_commit_does_not_blind_us_to_the_others(world: World) -> None:
    one = world.workstream("ws-1").worktree().commits({"one.py": "1\n"})
    two = world.workstream("ws-2").worktree().commits({"two.py": "2\n"})
    _lose_object(world.common, one.tip)
    (world.common / "refs/heads" / world.workstream("ws-3").branch).parent.mkdir(parents=True)
    (world.common / "refs/heads" / world.workstream("ws-3").branch).write_text("garbage\n")

    facts = look(world.repo, changed=ALL)

    assert branch_of(facts, "ws-1").landed is Truth.UNKNOWN
    assert (branch_of(facts, "ws-2").own_commits, branch_of(facts, "ws-2").landed) == (1, Truth.NO)
    named = " ".join(one.what for one in facts.unknown)
    assert "ws-1" in named
    assert "ws-3" in named
    assert two.tip == branch_of(facts, "ws-2").tip


@pytest.mark.parametrize("what", ["HEAD~1", "HEAD~1^{tree}", "HEAD^{tree}"])
def test_a_damaged_history_is_told_of_its_branch_only(world: World, what: str) -> None:
    one = (
        world.workstream("ws-1").worktree().commits({"a/one.py": "1\n"}).commits({"a/2.py": "2\n"})
    )
    for number in range(2, 6):
        world.workstream(f"ws-{number}").worktree().commits({f"{number}.py": "1\n"})
    _lose_object(world.common, git("rev-parse", what, cwd=one.tree))

    facts = look(world.repo, changed=ALL)

    assert branch_of(facts, "ws-1").landed is not Truth.YES
    for number in range(2, 6):
        found = branch_of(facts, f"ws-{number}")
        assert (found.own_commits, found.landed) == (1, Truth.NO)
        assert found.changed == (f"{number}.py",)


def test_the_remote_is_compared_with_the_trunk(world: World) -> None:
    world.push()
    world.primary.commit("local.py", "1\n")

    found = look(world.repo).remote

    assert found is not None
    assert (found.name, found.ahead, found.behind) == ("origin", 1, 0)


def test_without_a_remote_there_is_none(new_world: Callable[..., World]) -> None:
    assert look(new_world(remote=False).repo).remote is None


def _lose_object(common: Path, name: str) -> None:
    path = common / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"")
