"""What was left in the middle is aborted as Git would, unless somebody's hand shows in it."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.adapters.git.killing import clear_locks, kill_at
from tests.adapters.git.scene import MAIN, Scene, arm, fired
from unjam.adapters.git.moving.checkout import abort_operation
from unjam.adapters.git.moving.operation import operations_in
from unjam.domain.steps.change import AbortOperation
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.snapshot import Operation
from unjam.errors import RefusedError, TransientError

START = {
    Operation.MERGE: ("merge", "--quiet", "next"),
    Operation.REBASE: ("rebase", "--quiet", "next"),
    Operation.CHERRY_PICK: ("cherry-pick", "next"),
    Operation.REVERT: ("revert", "--no-edit", "HEAD~1"),
}
Start = Callable[[Scene], Operation]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two sides that conflict in a.txt and agree elsewhere."""
    scene = Scene(tmp_path / "repo")
    scene.ahead({"a.txt": "theirs\n", "b.txt": "b\ntheirs\n", "theirs.txt": "new\n"})
    scene.commit({"a.txt": "1\n", "ours.txt": "1\n"})
    scene.commit({"a.txt": "2\n", "c.txt": "c\nours\n"})
    return scene


def begin(scene: Scene, operation: Operation, *options: str) -> AbortOperation:
    """Run into the conflict."""
    assert not scene.allowed(*START[operation], *options)
    return AbortOperation(scene.path, scene.common, operation, scene.first)


@pytest.fixture(params=list(START), ids=str)
def operation(request: pytest.FixtureRequest) -> Operation:
    asked: Operation = request.param
    return asked


def test_the_checkout_is_as_before_it_began(scene: Scene, operation: Operation) -> None:
    before = scene.look()
    change = begin(scene, operation)
    assert list(operations_in(scene.common))[0] is operation  # noqa: RUF015 -- the first of all
    before_abort = scene.at(MAIN)

    word = abort_operation(scene.common, change)

    assert word is StepWord.DONE
    assert scene.look() == before
    assert scene.at(MAIN) == before_abort
    assert abort_operation(scene.common, change) is StepWord.ALREADY_DONE


@pytest.mark.parametrize(
    "operation", [Operation.MERGE, Operation.CHERRY_PICK, Operation.REVERT], ids=str
)
def test_edits_of_other_files_survive_it(scene: Scene, operation: Operation) -> None:
    change = begin(scene, operation)
    edited = "ours.txt" if operation is not Operation.REVERT else "b.txt"
    scene.write({edited: "edited meanwhile\n", "untracked.txt": "mine\n"})

    abort_operation(scene.common, change)

    assert (scene.path / edited).read_text() == "edited meanwhile\n"
    assert (scene.path / "untracked.txt").read_text() == "mine\n"
    assert scene.git("status", "--porcelain").splitlines() == [f" M {edited}", "?? untracked.txt"]


def test_a_rebase_with_edits_is_left_alone(scene: Scene) -> None:
    change = begin(scene, Operation.REBASE)
    scene.write({"c.txt": "edited meanwhile\n"})
    before = scene.look()

    with pytest.raises(RefusedError, match=r"c\.txt"):
        abort_operation(scene.common, change)

    assert scene.look() == before


def resolve_in_file(scene: Scene) -> str:
    scene.write({"a.txt": "resolved by hand\n"})
    return "a.txt"


def resolve_in_part(scene: Scene) -> str:
    place = scene.path / "a.txt"
    place.write_text(place.read_text() + "and a line by hand\n")
    return "a.txt"


def resolve_and_stage(scene: Scene) -> str:
    resolve_in_file(scene)
    scene.git("add", "a.txt")
    return "a.txt"


def stage_something(scene: Scene) -> str:
    scene.write({"mine.txt": "staged meanwhile\n"})
    scene.git("add", "mine.txt")
    return "mine.txt"


@pytest.mark.parametrize(
    "by_hand", [resolve_in_file, resolve_in_part, resolve_and_stage, stage_something]
)
def test_work_by_hand_is_never_undone(
    scene: Scene, operation: Operation, by_hand: Callable[[Scene], str]
) -> None:
    change = begin(scene, operation)
    touched = by_hand(scene)
    before = scene.look()

    with pytest.raises(RefusedError, match=touched):
        abort_operation(scene.common, change)

    assert scene.look() == before


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_markers_in_the_persons_own_style_are_no_work_by_hand(scene: Scene, style: str) -> None:
    scene.git("config", "merge.conflictStyle", style)

    assert abort_operation(scene.common, begin(scene, Operation.MERGE)) is StepWord.DONE


def test_an_untracked_file_that_the_rebase_made_room_for_is_not_overwritten(scene: Scene) -> None:
    change = begin(scene, Operation.REBASE)
    assert not (scene.path / "c.txt").read_text().endswith("ours\n")
    scene.git("rm", "--quiet", "--cached", "b.txt")
    before = scene.look()

    with pytest.raises(RefusedError, match=r"b\.txt"):
        abort_operation(scene.common, change)

    assert scene.look() == before


@pytest.mark.parametrize("operation", [Operation.MERGE, Operation.REBASE], ids=str)
def test_what_was_put_aside_for_it_comes_back(scene: Scene, operation: Operation) -> None:
    scene.write({"ours.txt": "edited before it began\n"})
    before = scene.look()
    change = begin(scene, operation, "--autostash")
    assert scene.git("status", "--porcelain", "ours.txt").strip() != "M ours.txt"

    abort_operation(scene.common, change)

    assert scene.look() == before
    assert scene.git("stash", "list") == ""


def test_what_was_put_aside_comes_back_after_a_kill_in_between(scene: Scene) -> None:
    scene.write({"ours.txt": "edited before it began\n"})
    before = scene.look()
    change = begin(scene, Operation.MERGE, "--autostash")
    (scene.common / "MERGE_AUTOSTASH").rename(scene.common / "UNJAM_AUTOSTASH")
    scene.git("merge", "--abort")

    assert abort_operation(scene.common, change, resuming=True) is StepWord.DONE

    assert scene.look() == before


def test_a_pull_that_stopped_in_a_rebase_of_many_is_aborted(scene: Scene) -> None:
    before = scene.look()
    assert not scene.allowed("pull", "--quiet", "--rebase", ".", "next")

    abort_operation(
        scene.common, AbortOperation(scene.path, scene.common, Operation.REBASE, scene.first)
    )

    assert scene.look() == before


def test_a_series_of_patches_is_aborted(scene: Scene) -> None:
    patch = scene.git("format-patch", "-1", "--stdout", "next")
    (scene.common / "patch").write_text(patch + "\n")
    before = scene.look()
    assert not scene.allowed("am", "--quiet", ".git/patch")

    abort_operation(
        scene.common, AbortOperation(scene.path, scene.common, Operation.AM, scene.first)
    )

    assert scene.look() == before


def test_a_bisect_is_a_persons_own(scene: Scene) -> None:
    scene.git("bisect", "start", "HEAD", "HEAD~2")

    with pytest.raises(RefusedError, match="bisect"):
        abort_operation(
            scene.common, AbortOperation(scene.path, scene.common, Operation.BISECT, scene.first)
        )

    assert list(operations_in(scene.common)) == [Operation.BISECT]


def test_another_operation_than_the_planned_one_is_refused(scene: Scene) -> None:
    begin(scene, Operation.CHERRY_PICK)

    with pytest.raises(RefusedError, match="is in a cherry-pick, expected a merge"):
        abort_operation(
            scene.common, AbortOperation(scene.path, scene.common, Operation.MERGE, scene.first)
        )


def test_a_lock_is_worth_another_try(scene: Scene, operation: Operation) -> None:
    change = begin(scene, operation)
    (scene.common / "index.lock").touch()

    with pytest.raises(TransientError):
        abort_operation(scene.common, change)


def test_it_works_in_a_linked_worktree_and_there_alone(scene: Scene, tmp_path: Path) -> None:
    scene.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"), "main")
    primary = scene.look()
    assert not scene.allowed("-C", str(tmp_path / "side"), "merge", "--quiet", "next")
    admin = scene.common / "worktrees/side"

    abort_operation(
        scene.common, AbortOperation(tmp_path / "side", admin, Operation.MERGE, scene.first)
    )

    assert scene.git("-C", str(tmp_path / "side"), "status", "--porcelain") == ""
    assert scene.look() == primary


def test_no_code_of_the_repository_runs(scene: Scene, operation: Operation, tmp_path: Path) -> None:
    change = begin(scene, operation)
    arm(scene.path, tmp_path / "canaries")

    abort_operation(scene.common, change)

    assert fired(tmp_path / "canaries") == []


@pytest.mark.parametrize("operation", [Operation.MERGE, Operation.REBASE], ids=str)
def test_killed_at_any_instant_it_can_be_made_again(tmp_path: Path, operation: Operation) -> None:
    dice = Random(2)
    scene = Scene(tmp_path / "repo")
    scene.commit({f"gone/{n}": dice.randbytes(300_000) for n in range(12)})
    many: dict[str, str | bytes | None] = {f"n/{n}": dice.randbytes(20_000) for n in range(60)}
    scene.ahead(
        {**many, "a.txt": "theirs\n", "large": dice.randbytes(4_000_000)}
        | {f"gone/{n}": None for n in range(12)}
    )
    ours: dict[str, str | bytes | None] = {f"o/{n}": dice.randbytes(20_000) for n in range(60)}
    scene.commit({**ours, "a.txt": "ours\n", "mine": dice.randbytes(4_000_000)})
    scene.write({"b.txt": "edited before it began\n"})
    expected = scene.look()
    begin(scene, operation, "--autostash")
    dice = Random(int.from_bytes(os.urandom(4)))
    for number in range(6):
        victim = scene.copy(f"victim-{number}")
        change = AbortOperation(victim.path, victim.common, operation, scene.first)
        kill_at(dice.uniform(0.02, 0.2), lambda: abort_operation(victim.common, change))  # noqa: B023 -- runs now
        clear_locks(victim)

        abort_operation(victim.common, change, resuming=True)

        assert victim.look() == expected
