"""Ask Git about many things in one process, and still get answers when one of them is damaged."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from unjam.adapters.git.command import Git
from unjam.errors import PermanentError

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_TRIES = 64  # processes spent on finding what is damaged, before the rest is given up


def ask_in_batches(
    ask: Callable[[Sequence[_Item]], _Answer], items: Sequence[_Item]
) -> tuple[list[_Answer], list[_Item]]:
    """Ask about all items at once; where that fails, about halves, down to the damaged ones.

    Returns the answers and the items for which there is none.
    """
    answers: list[_Answer] = []
    damaged: list[_Item] = []
    waiting = [items] if items else []
    tries = _TRIES
    while waiting:
        some = waiting.pop()
        if not tries:
            damaged += some
            continue
        try:
            answers.append(ask(some))
        except PermanentError:
            tries -= 1
            middle = len(some) // 2
            if middle:
                waiting += [some[:middle], some[middle:]]
            else:
                damaged += some
    return answers, damaged


def read_objects(git: Git, names: Sequence[bytes]) -> dict[bytes, bytes | None]:
    """Read the content of objects by any name Git resolves; None for those that are not there."""
    answers, damaged = ask_in_batches(lambda some: _contents(git, some), names)
    found: dict[bytes, bytes | None] = dict.fromkeys(damaged)
    for answer in answers:
        found.update(answer)
    return found


def resolve_objects(git: Git, names: Sequence[str]) -> dict[str, tuple[str, str] | None]:
    """Resolve names to object and type; None for those that are not there or not sound."""
    answers, damaged = ask_in_batches(lambda some: _resolved(git, some), names)
    found: dict[str, tuple[str, str] | None] = dict.fromkeys(damaged)
    for answer in answers:
        found.update(answer)
    return found


def _contents(git: Git, names: Sequence[bytes]) -> dict[bytes, bytes | None]:
    out = git.run("cat-file", "--batch", stdin=b"".join(name + b"\n" for name in names)).out
    return dict(zip(names, _split(out, names), strict=True))


def _split(out: bytes, names: Sequence[bytes]) -> Iterator[bytes | None]:
    at = 0
    for name in names:
        if out.startswith(name + b" missing\n", at):
            at += len(name) + len(b" missing\n")
            yield None
            continue
        end = out.index(b"\n", at)
        size = int(out[at:end].rpartition(b" ")[2])
        yield out[end + 1 : end + 1 + size]
        at = end + size + 2


def _resolved(git: Git, names: Sequence[str]) -> dict[str, tuple[str, str] | None]:
    form = "--batch-check=%(objectname) %(objecttype)"
    answer = git.run("cat-file", form, stdin="".join(f"{name}\n" for name in names).encode())
    lines = answer.text.split("\n")
    return {name: _object(line) for name, line in zip(names, lines, strict=True)}


def _object(line: str) -> tuple[str, str] | None:
    name, _, kind = line.partition(" ")
    return (name, kind) if kind in {"commit", "tree", "blob", "tag"} else None
