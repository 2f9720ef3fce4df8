"""Do a piece of reading in a process of its own, while we do another."""

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")


class Beside(Generic[_Answer]):
    """An answer on its way."""

    def __init__(self, wait: Callable[[], _Answer]) -> None:
        self._wait = cache(wait)

    def answer(self) -> _Answer:
        """Wait for it; asked again, it is the same."""
        return self._wait()


@contextmanager
def beside(work: Callable[[], _Answer], *, worthwhile: bool) -> Iterator[Beside[_Answer]]:
    """Begin the work in a child; where forking is not safe or not worth it, do it when asked.

    Only a process with one thread can fork without deadlocking its child. The child inherits
    everything and sends back its pickled answer; an exception there makes us do the work here.
    """
    if not worthwhile or threading.active_count() > 1 or not hasattr(os, "fork"):
        yield Beside(work)
        return
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)  # or writing would wait for ever when nobody reads any more
        _answer_and_end(work, writing)
    os.close(writing)
    received = _Received(reading, child)
    try:
        yield Beside(lambda: received.answer(work))
    finally:
        received.close()


def _answer_and_end(work: Callable[[], object], writing: int) -> None:
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(work(), pipe, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)  # nothing of the parent's may be flushed or cleaned up twice


class _Received:
    """The reading end and the child behind it."""

    def __init__(self, reading: int, child: int) -> None:
        self._pipe = os.fdopen(reading, "rb")
        self._child = child

    def answer(self, work: Callable[[], _Answer]) -> _Answer:
        try:
            found: _Answer = pickle.load(self._pipe)  # noqa: S301 -- from our own child
        except (EOFError, pickle.UnpicklingError):
            return work()
        return found

    def close(self) -> None:
        # With the pipe closed a child that is still writing ends by itself.
        self._pipe.close()
        os.waitpid(self._child, 0)
