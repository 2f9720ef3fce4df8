"""Ask one running Git about many objects of a repository."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from subprocess import Popen
from typing import IO, NamedTuple

from unjam.adapters.git.command import Git
from unjam.errors import PermanentError

_ASK_AT_ONCE = 400  # so that questions fit into a pipe while the answers wait in the other
_PIECE = 1 << 20


class ObjectHeader(NamedTuple):
    """What the object store says of one object, from its header alone."""

    kind: bytes
    size: int


class Objects:
    """The objects of one repository, read through one process."""

    def __init__(self, process: Popen[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101 -- started with pipes
        assert process.stdout is not None  # noqa: S101
        self._ask: IO[bytes] = process.stdin
        self._hear: IO[bytes] = process.stdout

    def known(self, oids: Iterable[bytes]) -> dict[bytes, ObjectHeader]:
        """Return those objects that are there, with kind and size."""
        found = {}
        for some in _chunks(oids, _ASK_AT_ONCE):
            self._say(b"info", some)
            for oid in some:
                answer = self._header(oid)
                if answer is not None:
                    found[oid] = answer
        return found

    def contents(self, oids: Iterable[bytes]) -> Iterator[bytes]:
        """Give whole objects in order; raises PermanentError where one is missing or damaged."""
        for some in _chunks(oids, _ASK_AT_ONCE):
            self._say(b"contents", some)
            for oid in some:
                content = self._exactly(self._expect(oid).size, oid)
                self._exactly(1, oid)
                yield content

    def pieces(self, oid: bytes) -> Iterator[bytes]:
        """Give one object of any size in pieces; it must be read to its end."""
        self._say(b"contents", [oid])
        left = self._expect(oid).size
        while left:
            piece = self._exactly(min(left, _PIECE), oid)
            left -= len(piece)
            yield piece
        self._exactly(1, oid)

    def prove(self, oids: Iterable[bytes]) -> None:
        """Read objects to their last byte; raises PermanentError where one is not what it is called."""
        for some in _chunks(oids, _ASK_AT_ONCE):
            self._say(b"contents", some)
            for oid in some:
                self._prove_one(oid)

    def _prove_one(self, oid: bytes) -> None:
        kind, left = self._expect(oid)
        digest = hashlib.sha1(b"%b %d\0" % (kind, left))  # noqa: S324 -- Git's own hash
        while left:
            piece = self._exactly(min(left, _PIECE), oid)
            left -= len(piece)
            digest.update(piece)
        self._exactly(1, oid)
        if digest.digest() != oid:
            raise PermanentError(f"object {oid.hex()} is damaged in the object store")

    def _say(self, command: bytes, oids: Sequence[bytes]) -> None:
        lines = b"".join([b"%b %b\n" % (command, oid.hex().encode()) for oid in oids])
        try:
            self._ask.write(lines)
            self._ask.flush()
        except OSError as error:
            # Git gives up at some kinds of damage.
            raise PermanentError("the object store is damaged: run git fsck") from error

    def _header(self, oid: bytes) -> ObjectHeader | None:
        fields = self._hear.readline().split()
        if len(fields) == 2 and fields[1] == b"missing":  # noqa: PLR2004 -- id, word
            return None
        if len(fields) != 3:  # noqa: PLR2004 -- id, kind, size
            raise PermanentError(f"object {oid.hex()} cannot be read from the object store")
        return ObjectHeader(fields[1], int(fields[2]))

    def _expect(self, oid: bytes) -> ObjectHeader:
        known = self._header(oid)
        if known is None:
            raise PermanentError(f"object {oid.hex()} is not in the object store")
        return known

    def _exactly(self, size: int, oid: bytes) -> bytes:
        data = self._hear.read(size)
        if len(data) != size:
            raise PermanentError(f"object {oid.hex()} is damaged in the object store")
        return data


@contextmanager
def open_objects(git: Git) -> Iterator[Objects]:
    """Keep one Git running to answer questions about objects."""
    process = git.start("cat-file", "--batch-command")
    errors = process.stderr
    # Damaged objects make Git talk; nobody listening, it would stop when the pipe is full.
    silence = threading.Thread(target=errors.read if errors else lambda: b"", daemon=True)
    silence.start()
    try:
        yield Objects(process)
    finally:
        process.kill()
        process.wait()
        silence.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _chunks(items: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
