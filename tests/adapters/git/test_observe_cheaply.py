"""However large the fleet, Git is started a few times; and a child that fails costs no answer."""

import os
from pathlib import Path

import psutil
import pytest

from tests.adapters.git.looking import look
from tests.world import World, git
from unjam.adapters.git.observing import beginning
from unjam.adapters.git.observing.beside import Parts, beside

PARTS = 200


def _fleet(world: World, size: int) -> None:
    for number in range(size):
        one = world.workstream(f"ws-{number}").worktree().commits({f"{number}.py": "1\n"})
        (one.tree / "src" / "app.py").write_text("staged\n")
        git("add", "--all", cwd=one.tree)
        (one.tree / "untracked.py").write_text("1\n")


def test_the_number_of_processes_does_not_grow_with_the_fleet(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = tmp_path / "counted"
    shim = tmp_path / "bin" / "git"
    real = os.environ["PATH"]
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho >> "{counted}"\nPATH="{real}" exec git "$@"\n')
    shim.chmod(0o755)

    def processes() -> int:
        counted.write_text("")
        with monkeypatch.context() as patched:
            patched.setenv("PATH", f"{shim.parent}:{real}")
            look(world.repo)
        return len(counted.read_text().splitlines())

    _fleet(world, 2)
    few = processes()
    for number in range(2, 12):
        world.workstream(f"ws-{number}").worktree().commits({f"{number}.py": "1\n"})
        world.workstream(f"ws-{number}").leaves({"untracked.py": "1\n"})

    assert processes() == few
    assert few < 25


def test_a_child_gives_the_same_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _fleet(world, 3)
    alone = look(world.repo)

    monkeypatch.setattr(beginning, "_WORTH_A_PROCESS", 0)

    assert look(world.repo) == alone


class _Counting:
    """Says which process took which part; every part takes a moment."""

    def __init__(self) -> None:
        self.here = os.getpid()

    def alone(self) -> set[tuple[int, int]]:
        return {(os.getpid(), part) for part in range(PARTS)}

    def sharing(self, parts: Parts) -> set[tuple[int, int]]:
        return self.helping(parts)

    def helping(self, parts: Parts) -> set[tuple[int, int]]:
        return {(os.getpid(), part) for part in parts}

    def joined(
        self, answer: set[tuple[int, int]], helped: set[tuple[int, int]]
    ) -> set[tuple[int, int]]:
        assert not {part for _, part in answer} & {part for _, part in helped}
        return answer | helped


class _Failing(_Counting):
    """Takes parts in the child, and dies with them."""

    def sharing(self, parts: Parts) -> set[tuple[int, int]]:
        next(iter(parts))
        os._exit(1)


class _Long(_Counting):
    """Makes an answer that fits into no pipe."""

    def sharing(self, parts: Parts) -> set[tuple[int, int]]:
        return {(part, number) for part in parts for number in range(5_000)}


def test_every_part_is_done_once_by_one_of_two_processes() -> None:
    with beside(_Counting(), PARTS, worthwhile=True) as begun:
        done = begun.answer()

    assert sorted(part for _, part in done) == list(range(PARTS))


def test_work_goes_on_in_another_process() -> None:
    before = children()
    with beside(_Counting(), 1, worthwhile=True) as begun:
        (child,) = children() - before
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it has ended before we wait

        assert {process for process, _ in begun.answer()}.isdisjoint({os.getpid()})


def test_work_that_fails_there_is_done_here() -> None:
    with beside(_Failing(), PARTS, worthwhile=True) as begun:
        assert begun.answer() == {(os.getpid(), part) for part in range(PARTS)}


def test_an_answer_nobody_waits_for_leaves_no_process() -> None:
    before = children()
    with beside(_Long(), PARTS, worthwhile=True):
        pass

    assert children() <= before


def children() -> set[int]:
    """Those of this process, ended ones too that nobody waited for."""
    return {one.pid for one in psutil.Process().children()}
