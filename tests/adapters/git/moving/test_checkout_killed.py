"""A move of a checkout that was killed is told from an edit, and can be made again."""

import os
import time
from pathlib import Path
from random import Random

import pytest

from tests.adapters.git.killing import clear_locks, kill_at
from tests.adapters.git.scene import (
    Scene,
    leave_edits_elsewhere,
)
from unjam.adapters.git.moving.checkout import CheckoutState, move_checkout, state_of_checkout
from unjam.domain.steps.change import MoveCheckout
from unjam.errors import RefusedError


def test_between_is_told_from_before(scene: Scene) -> None:
    scene.write({"a.txt": "a\nappended\n"})
    change = scene.forward(scene.ahead({"b.txt": "b\nmore\n", "d.txt": "d\n"}))
    assert state_of_checkout(scene.common, change) is CheckoutState.BEFORE

    scene.write({"d.txt": "d\n"})

    assert state_of_checkout(scene.common, change) is CheckoutState.BETWEEN


def test_a_file_cut_short_is_an_edit_unless_we_were_killed_at_it(scene: Scene) -> None:
    change = scene.forward(scene.ahead({"a.txt": "a long new content\n"}))
    scene.write({"a.txt": "a long n"})

    with pytest.raises(RefusedError, match=r"a\.txt"):
        move_checkout(scene.common, change)
    move_checkout(scene.common, change, resuming=True)

    assert scene.git("status", "--porcelain") == ""
    assert (scene.path / "a.txt").read_text() == "a long new content\n"


def test_an_edit_made_after_the_kill_is_still_an_edit(scene: Scene) -> None:
    change = scene.forward(scene.ahead({"a.txt": "theirs\n", "d.txt": "theirs\n"}))
    scene.write({"d.txt": "theirs\n", "a.txt": "mine, since then\n"})
    before = scene.look()

    with pytest.raises(RefusedError, match=r"a\.txt"):
        move_checkout(scene.common, change, resuming=True)

    assert scene.look() == before


def many_files(scene: Scene) -> MoveCheckout:
    dice = Random(1)
    scene.commit({f"old/{number}": dice.randbytes(3000) for number in range(60)})
    scene.commit({f"both/{number}": dice.randbytes(9000) for number in range(60)})
    start = scene.commit({"large": dice.randbytes(3_000_000), "crlf.auto": "1\n"})
    files: dict[str, str | bytes | None] = {f"old/{number}": None for number in range(40)}
    files |= {f"both/{number}": dice.randbytes(9500) for number in range(50)}
    files |= {f"new/{number}": dice.randbytes(20_000) for number in range(60)}
    files |= {"large": dice.randbytes(6_000_000), "another": dice.randbytes(5_000_000)}
    files |= {".gitattributes": "*.auto text eol=crlf\n", "crlf.auto": "1\n2\n" * 50_000}
    return scene.forward(scene.ahead(files), start)


def test_killed_at_any_instant_it_can_be_made_again_and_edits_stay(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "repo")
    change = many_files(scene)
    leave_edits_elsewhere(scene)
    undisturbed = scene.copy("undisturbed")
    started = time.monotonic()
    move_checkout(undisturbed.common, undisturbed.forward(change.new.commit, change.old.commit))
    took = time.monotonic() - started
    expected = undisturbed.look()
    dice = Random(int.from_bytes(os.urandom(4)))
    killed = 0
    for number in range(9):
        victim = scene.copy(f"victim-{number}")
        order = victim.forward(change.new.commit, change.old.commit)
        resuming = False
        for _ in range(1 + number % 3):

            def move(
                victim: Scene = victim, order: MoveCheckout = order, *, again: bool = resuming
            ) -> None:
                move_checkout(victim.common, order, resuming=again)

            killed += kill_at(dice.uniform(0.3, 1.0) * took, move)
            resuming = True
            clear_locks(victim)

        move_checkout(victim.common, order, resuming=True)

        assert victim.look() == expected
    assert killed >= 4
