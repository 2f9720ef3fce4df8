"""Do a piece of reading in a process of its own, while we do another and then help with it."""

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Generic, Protocol, TypeVar

_Answer = TypeVar("_Answer")
_Help = TypeVar("_Help")


class ChildAnswer(Generic[_Answer]):
    """An answer on its way."""

    def __init__(self, wait: Callable[[], _Answer]) -> None:
        self._wait = cache(wait)

    def answer(self) -> _Answer:
        """Wait for it; asked again, it is the same."""
        return self._wait()


class Parts:
    """Parts of some work, of which a parent and its child take one after the other, each once."""

    def __init__(self, count: int) -> None:
        """Make at most 256 parts, numbered from 0."""
        self._left, filling = os.pipe()
        os.write(filling, bytes(range(count)))
        os.close(filling)

    def __iter__(self) -> Iterator[int]:
        """Take what nobody has taken, until nothing is left."""
        while taken := os.read(self._left, 1):
            yield taken[0]

    def close(self) -> None:
        """Take no more."""
        os.close(self._left)


class Shareable(Protocol[_Answer, _Help]):
    """Work that a child does, and whoever waits for it helps with."""

    def alone(self) -> _Answer:
        """Do all of it."""

    def sharing(self, parts: Parts) -> _Answer:
        """Do all of it but the parts that somebody else takes."""

    def helping(self, parts: Parts) -> _Help:
        """Do nothing but parts that are left."""

    def joined(self, answer: _Answer, helped: _Help) -> _Answer:
        """Put together what was shared."""


@contextmanager
def in_child(
    work: Shareable[_Answer, _Help], parts: int, *, worthwhile: bool
) -> Iterator[ChildAnswer[_Answer]]:
    """Begin the work in a child; where forking is not safe or not worth it, do it when asked.

    Only a process with one thread can fork without deadlocking its child. The child inherits
    everything and sends back its pickled answer; an exception there makes us do the work here.
    """
    if not worthwhile or threading.active_count() > 1 or not hasattr(os, "fork"):
        yield ChildAnswer(work.alone)
        return
    left = Parts(parts)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)  # or writing would wait for ever when nobody reads any more
        _answer_and_end(lambda: work.sharing(left), writing)
    os.close(writing)
    received = _Received(reading, child)
    try:
        yield ChildAnswer(lambda: received.answer(work, left))
    finally:
        left.close()
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

    def answer(self, work: Shareable[_Answer, _Help], left: Parts) -> _Answer:
        helped = work.helping(left)
        try:
            found: _Answer = pickle.load(self._pipe)  # noqa: S301 -- from our own child
        except (EOFError, pickle.UnpicklingError):
            return work.alone()
        return work.joined(found, helped)

    def close(self) -> None:
        # With the pipe closed a child that is still writing ends by itself.
        self._pipe.close()
        os.waitpid(self._child, 0)
