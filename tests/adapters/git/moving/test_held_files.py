"""What a person had as a move brings it is there as it was when the move is taken back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.adapters.git.killing import clear_locks, kill_at
from tests.adapters.git.scene import Scene
from unjam.adapters.git.moving.checkout import (
    CheckoutState,
    move_checkout,
    state_of_checkout,
    with_held,
)
from unjam.domain.steps.change import MoveCheckout

BROUGHT: dict[str, str | bytes | None] = {
    "a.txt": "theirs\n",
    "b.txt": None,
    "c.txt": "landed\n",
    "deep/new.txt": "new\n",
    "other.txt": "nobody has it\n",
}
Holding = Callable[[Scene], None]


def untracked(scene: Scene) -> None:
    scene.write({"deep/new.txt": "new\n"})


def modified(scene: Scene) -> None:
    scene.write({"a.txt": "theirs\n"})


def deleted(scene: Scene) -> None:
    scene.write({"b.txt": None})


def staged(scene: Scene) -> None:
    scene.write({"a.txt": "theirs\n", "deep/new.txt": "new\n", "b.txt": None})
    scene.git("add", "--all", "a.txt", "b.txt", "deep")


def some_of_each(scene: Scene) -> None:
    scene.write({"c.txt": "landed\n"})
    scene.git("add", "c.txt")
    scene.write({"mine.txt": "elsewhere\n"})
    for hold in (untracked, modified, deleted):
        hold(scene)


def ignored(scene: Scene) -> None:
    (scene.common / "info" / "exclude").write_text("new.txt\n")
    untracked(scene)


HOLDINGS = (untracked, modified, deleted, staged, some_of_each, ignored)


def held(scene: Scene, hold: Holding) -> MoveCheckout:
    """A move over what is held already."""
    change = scene.forward(scene.ahead(BROUGHT))
    hold(scene)
    return with_held(change)


def taken_back(change: MoveCheckout) -> MoveCheckout:
    return MoveCheckout(
        change.path, change.admin, change.new, change.old, held_after=change.held_before
    )


@pytest.mark.parametrize("hold", HOLDINGS)
def test_what_was_held_is_there_as_it_was_byte_for_byte_and_in_the_index(
    scene: Scene, hold: Holding
) -> None:
    change = held(scene, hold)
    before = scene.look()
    move_checkout(scene.common, change)
    after = scene.look()
    assert not [
        one for one in change.held_before if one.path in after["status --porcelain=v1 -z --ignored"]
    ]

    move_checkout(scene.common, taken_back(change))

    assert scene.look() == before
    assert state_of_checkout(scene.common, change) is CheckoutState.BEFORE
    move_checkout(scene.common, change)
    assert scene.look() == after


def test_what_nobody_held_is_not_named(scene: Scene) -> None:
    change = held(scene, lambda scene: scene.write({"mine.txt": "elsewhere\n"}))

    assert change.held_before == ()


def test_killed_while_it_is_taken_back_what_was_held_is_there_in_the_end(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "repo")
    change = held(scene, some_of_each)
    before = scene.look()
    move_checkout(scene.common, change)
    for number in range(6):
        victim = scene.copy(f"victim-{number}")
        order = MoveCheckout(
            victim.path, victim.common, change.new, change.old, held_after=change.held_before
        )
        again = partial(move_checkout, victim.common, order, resuming=True)

        kill_at(0.03 * (number + 1), again)
        clear_locks(victim)
        again()

        assert victim.look() == before
