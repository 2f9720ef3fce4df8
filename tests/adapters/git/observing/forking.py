"""What only a process with one thread can show: where there are more, work is not shared with a child."""

import os
import sys
import threading
from pathlib import Path

import psutil

from tests.adapters.git.observing.looking import look
from unjam.adapters.git.observing import start
from unjam.adapters.git.observing.child import Parts, in_child

PARTS = 200


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


def a_child_gives_the_same_answers() -> None:
    repo = Path.cwd()
    alone = look(repo)

    vars(start)["_WORTH_A_PROCESS"] = 0

    assert look(repo) == alone


def every_part_is_done_once_by_one_of_two_processes() -> None:
    with in_child(_Counting(), PARTS, worthwhile=True) as begun:
        done = begun.answer()

    assert sorted(part for _, part in done) == list(range(PARTS))


def work_goes_on_in_another_process() -> None:
    with in_child(_Counting(), 1, worthwhile=True) as begun:
        (child,) = _children()
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it has ended before we wait

        assert {process for process, _ in begun.answer()} == {child}


def work_that_fails_there_is_done_here() -> None:
    with in_child(_Failing(), PARTS, worthwhile=True) as begun:
        assert begun.answer() == {(os.getpid(), part) for part in range(PARTS)}


def an_answer_nobody_waits_for_leaves_no_process() -> None:
    with in_child(_Long(), PARTS, worthwhile=True):
        assert _children()

    assert not _children()


def _children() -> list[int]:
    """Those of this process, ended ones too that nobody waited for."""
    return [one.pid for one in psutil.Process().children()]


ALL = {
    one.__name__: one
    for one in (
        a_child_gives_the_same_answers,
        every_part_is_done_once_by_one_of_two_processes,
        work_goes_on_in_another_process,
        work_that_fails_there_is_done_here,
        an_answer_nobody_waits_for_leaves_no_process,
    )
}

if __name__ == "__main__":
    assert threading.active_count() == 1
    ALL[sys.argv[1]]()
