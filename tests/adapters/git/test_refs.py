"""Refs move all together or not at all, from where they were said to be, and never under a checkout."""

from pathlib import Path

import pytest

from tests.adapters.git.scene import MAIN, Scene, arm, fired
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.ref_moves import move_refs
from unjam.adapters.git.refs import in_use, reflog_commits, refs_below, resolve
from unjam.domain.steps.change import MoveRef
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.identity import CommitId
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, RefusedError, TransientError

SIDE = "refs/heads/side"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A repository with main checked out and a branch ``side`` that nobody is on."""
    scene = Scene(tmp_path / "repo")
    scene.ahead({"a.txt": "side\n"}, "side")
    return scene


@pytest.fixture
def git(scene: Scene) -> Git:
    return Git(scene.common)


def refs_of(scene: Scene) -> str:
    return scene.git("for-each-ref", "--format=%(refname) %(objectname)")


def test_refs_are_created_moved_and_deleted_in_one_go(scene: Scene, git: Git) -> None:
    side = scene.at("side")
    scene.git("branch", "doomed", scene.first)
    moves = [
        MoveRef("refs/unjam/run/kept", None, scene.first),
        MoveRef(SIDE, side, scene.first),
        MoveRef("refs/heads/doomed", scene.first, None),
    ]

    word = move_refs(git, moves, "unjam: a run")

    assert word is StepWord.DONE
    assert refs_of(scene).splitlines() == [
        f"{MAIN} {scene.first}",
        f"{SIDE} {scene.first}",
        f"refs/unjam/run/kept {scene.first}",
    ]
    assert scene.git("reflog", "-1", "--format=%gs", SIDE) == "unjam: a run"


def test_twice_is_once(scene: Scene, git: Git) -> None:
    moves = [MoveRef(SIDE, scene.at("side"), scene.first), MoveRef("refs/x", None, scene.first)]
    move_refs(git, moves, "once")

    assert move_refs(git, moves, "twice") is StepWord.ALREADY_DONE
    assert scene.git("reflog", "--format=%gs", SIDE).splitlines()[0] == "once"


def test_what_a_killed_transaction_left_undone_is_done(scene: Scene, git: Git) -> None:
    moves = [MoveRef(SIDE, scene.at("side"), scene.first), MoveRef("refs/x", None, scene.first)]
    move_refs(git, moves[1:], "as far as it came")

    assert move_refs(git, moves, "the rest") is StepWord.DONE
    assert resolve(git, SIDE) == scene.first


def test_a_ref_that_moved_meanwhile_stops_all_of_them(scene: Scene, git: Git) -> None:
    before = refs_of(scene)
    stale = CommitId("1" * 40)

    with pytest.raises(RefusedError, match=rf"{scene.at('side')}, expected {stale}"):
        move_refs(
            git,
            [MoveRef("refs/x", None, scene.first), MoveRef(SIDE, stale, scene.first)],
            "never",
        )

    assert refs_of(scene) == before


def test_a_ref_that_should_not_exist_but_does_is_refused(scene: Scene, git: Git) -> None:
    with pytest.raises(RefusedError, match="expected nothing"):
        move_refs(git, [MoveRef(SIDE, None, scene.first)], "never")

    assert resolve(git, SIDE) == scene.at("side")


def test_a_lock_is_worth_another_try(scene: Scene, git: Git) -> None:
    (scene.common / "refs/heads/side.lock").touch()
    before = refs_of(scene)

    with pytest.raises(TransientError):
        move_refs(
            git,
            [MoveRef("refs/x", None, scene.first), MoveRef(SIDE, scene.at("side"), scene.first)],
            "never",
        )

    assert refs_of(scene) == before


def test_a_branch_cannot_become_a_directory(scene: Scene, git: Git) -> None:
    with pytest.raises((PermanentError, TransientError)):
        move_refs(git, [MoveRef("refs/heads/side/below", None, scene.first)], "never")

    assert resolve(git, "refs/heads/side/below") is None


def test_a_symbolic_ref_does_not_lead_to_another_branch(scene: Scene, git: Git) -> None:
    scene.git("symbolic-ref", "refs/heads/alias", MAIN)
    new = scene.at("side")

    with pytest.raises(RefusedError, match="stands for refs/heads/main"):
        move_refs(git, [MoveRef("refs/heads/alias", scene.first, new)], "never")

    assert resolve(git, MAIN) == scene.first


@pytest.mark.parametrize("name", ["HEAD", "main", "-d", "refs/heads/a b", "refs/heads/../x", ""])
def test_names_that_are_no_refs_are_refused(scene: Scene, git: Git, name: str) -> None:
    before = refs_of(scene)

    with pytest.raises(PermanentError):
        move_refs(git, [MoveRef(name, None, scene.first)], "never")

    assert refs_of(scene) == before


def test_the_branch_of_a_checkout_is_not_moved_under_it(scene: Scene, git: Git) -> None:
    new = scene.at("side")

    with pytest.raises(RefusedError, match=f"main is in use by {scene.path}"):
        move_refs(git, [MoveRef(MAIN, scene.first, new)], "never")

    assert resolve(git, MAIN) == scene.first


def start_rebase(scene: Scene, tree: Path) -> None:
    Scene.write(scene, {"a.txt": "conflicts\n"}, below=tree)
    scene.git("-C", str(tree), "commit", "--quiet", "--all", "-m", "conflicts")
    assert not scene.allowed("-C", str(tree), "rebase", "--quiet", "main")


def start_old_rebase(scene: Scene, tree: Path) -> None:
    Scene.write(scene, {"a.txt": "conflicts\n"}, below=tree)
    scene.git("-C", str(tree), "commit", "--quiet", "--all", "-m", "conflicts")
    assert not scene.allowed("-C", str(tree), "rebase", "--quiet", "--apply", "main")


def start_bisect(scene: Scene, tree: Path) -> None:
    scene.git("-C", str(tree), "bisect", "start", "HEAD", "HEAD~2")


def remove_directory(scene: Scene, tree: Path) -> None:
    tree.rename(scene.path.with_name("gone"))


def leave(scene: Scene, tree: Path) -> None:
    scene.git("-C", str(tree), "switch", "--quiet", "--detach")


@pytest.mark.parametrize(
    "then", [lambda *_: None, start_rebase, start_old_rebase, start_bisect, remove_directory, leave]
)
def test_it_knows_what_a_forced_branch_move_knows(
    scene: Scene,
    tmp_path: Path,
    then: "object",
) -> None:
    tree = tmp_path / "tree"
    scene.git("worktree", "add", "--quiet", "-b", "used", str(tree), "side")
    scene.commit({"a.txt": "main moved on\n"})
    assert callable(then)
    then(scene, tree)

    for branch in ("used", "main", "side"):
        free = scene.allowed("branch", "--force", branch, branch)
        used, where = in_use(scene.common, f"refs/heads/{branch}")
        assert used is (Truth.NO if free else Truth.YES), branch
        assert bool(where) is not free


def test_an_unreadable_head_is_no_proof_that_a_branch_is_free(scene: Scene, tmp_path: Path) -> None:
    scene.git("worktree", "add", "--quiet", "-b", "used", str(tmp_path / "tree"), "side")
    scene.commit({"c.txt": "main moved on\n"})
    (scene.common / "worktrees/tree/HEAD").write_bytes(b"")

    assert in_use(scene.common, "refs/heads/used")[0] is Truth.UNKNOWN
    scene.git("switch", "--quiet", "--detach")
    assert in_use(scene.common, MAIN) == (Truth.NO, ""), "its reflog is elsewhere"
    with pytest.raises(RefusedError, match="perhaps"):
        move_refs(
            Git(scene.common), [MoveRef("refs/heads/used", scene.at("used"), scene.first)], "never"
        )


@pytest.mark.parametrize("head", ["0" * 40, None])
def test_a_worktree_that_was_never_finished_uses_nothing(scene: Scene, head: str | None) -> None:
    admin = scene.common / "worktrees/half-made"
    admin.mkdir(parents=True)
    (admin / "locked").write_text("initializing\n")
    if head is not None:
        (admin / "HEAD").write_text(f"{head}\n")

    assert in_use(scene.common, SIDE) == (Truth.NO, "")


def test_a_missing_branch_comes_back_under_its_checkout(scene: Scene, git: Git) -> None:
    (scene.common / "refs/heads/main").unlink()

    move_refs(git, [MoveRef(MAIN, None, scene.first)], "back")

    assert scene.git("status", "--porcelain") == ""


def test_a_ref_to_a_missing_commit_hides_no_other(scene: Scene, git: Git) -> None:
    (scene.common / "refs/heads/broken").write_text("1" * 40 + "\n")
    (scene.common / "refs/heads/zero").write_text("")

    found = dict(refs_below(git, "refs/heads/"))

    assert found[SIDE] == scene.at("side")
    assert found["refs/heads/broken"] == "1" * 40
    assert "refs/heads/zero" not in found


def test_what_only_a_reflog_reaches_can_be_named_before_the_ref_goes(scene: Scene) -> None:
    lost = scene.at("side")
    scene.git("branch", "--force", "side", scene.first)

    assert {lost, scene.first} <= reflog_commits(scene.common, SIDE)


def test_no_hook_sees_it(scene: Scene, git: Git, tmp_path: Path) -> None:
    moves = [MoveRef(SIDE, scene.at("side"), scene.first)]
    arm(scene.path, tmp_path / "canaries")

    move_refs(git, moves, "quietly")

    assert fired(tmp_path / "canaries") == []


def test_git_variables_of_the_caller_are_ignored(
    scene: Scene, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Scene(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.common))

    move_refs(git, [MoveRef("refs/x", None, scene.first)], "here")

    assert (scene.common / "refs/x").exists()
    assert not (other.common / "refs/x").exists()
