"""Compare commits by what they change, whatever they are called and whoever their parents are.

First by the blobs they replace, which costs no diff. Only commits that touch the same paths
otherwise are compared by their patches: as patch-ids do, without line numbers, but with every
space, since a different indentation is different work.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from unjam.adapters.git.batches import ask_in_batches
from unjam.adapters.git.command import Asked, Git
from unjam.errors import PermanentError

_HUNK = re.compile(rb"^@@ .*? @@.*$", re.MULTILINE)
_PLAIN = ("-r", "--root", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
_HEADER = re.compile(rb"^([0-9a-f]{40})\n", re.MULTILINE)


class Span(NamedTuple):
    """A change from one commit to another; ``start`` None is the commit's own parent."""

    end: str
    start: str | None = None

    @property
    def line(self) -> str:
        """How ``diff-tree --stdin`` is asked for it."""
        return f"{self.end} {self.start}" if self.start else self.end


class Change(NamedTuple):
    """What a span changes: the paths, and for each of them the modes and blobs before and after."""

    paths: tuple[str, ...]
    blobs: tuple[str, ...]


def read_changes(git: Git, *groups: Sequence[Span]) -> dict[Span, Change]:
    """Read what each span changes; damaged ones are left out. No two of a group may end alike.

    Git looks at all groups at the same time.
    """
    asked = [_ask_changes(git, spans) for spans in groups if spans]
    found: dict[Span, Change] = {}
    for spans, one in zip(filter(None, groups), asked, strict=True):
        try:
            found |= _changes(spans, one)
        except PermanentError:
            answers, _ = ask_in_batches(lambda some: _changes(some, _ask_changes(git, some)), spans)
            for answer in answers:
                found |= answer
    return found


def read_patches(git: Git, spans: Sequence[Span]) -> dict[Span, bytes]:
    """Digest the patch of each span; damaged ones are left out. ``git`` has its drivers off."""
    answers, _ = ask_in_batches(lambda some: _patches(git, some), spans)
    return {span: digest for answer in answers for span, digest in answer.items()}


def changed_paths(git: Git, spans: Sequence[Span]) -> dict[Span, tuple[str, ...]]:
    """List the paths each span changes; damaged ones are left out."""
    return {span: change.paths for span, change in read_changes(git, spans).items()}


def _ask_changes(git: Git, spans: Sequence[Span]) -> Asked:
    return git.ask("diff-tree", "--stdin", "--raw", "-z", *_PLAIN, stdin=_asked(spans))


def _changes(spans: Sequence[Span], asked: Asked) -> dict[Span, Change]:
    found = dict(_raw(asked.answer().fields()))
    # A span without any difference is not even named by Git.
    return {span: found.get(span.end, Change((), ())) for span in spans}


def _raw(fields: Sequence[str]) -> Iterator[tuple[str, Change]]:
    """Read ``<name> (:<modes and blobs> <path>)*`` again and again."""
    at = 0
    while at < len(fields):
        name, start = fields[at], at + 1
        at = start
        while at < len(fields) and fields[at].startswith(":"):
            at += 2
        yield name, Change(tuple(fields[start + 1 : at : 2]), tuple(fields[start:at:2]))


def _patches(git: Git, spans: Sequence[Span]) -> dict[Span, bytes]:
    arguments = ("--stdin", "--patch", "--full-index", "--unified=3", *_PLAIN)
    answer = git.run("diff-tree", *arguments, stdin=_asked(spans))
    parts = _HEADER.split(answer.out)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    return {span: _digest(found.get(span.end.encode(), b"")) for span in spans}


def _digest(patch: bytes) -> bytes:
    kept = []
    for file in re.split(rb"^(?=diff --git )", patch, flags=re.MULTILINE):
        text = _HUNK.sub(b"@@", file)
        if b"\nBinary files " not in text:
            text = re.sub(rb"^index .*\n", b"", text, count=1, flags=re.MULTILINE)
        kept.append(text)
    return hashlib.sha256(b"".join(kept)).digest()


def _asked(spans: Sequence[Span]) -> bytes:
    return "".join(f"{span.line}\n" for span in spans).encode()
