"""Read reflogs: where a ref stood, and what moved it. A missing or damaged log is an empty one."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.files import ID_LENGTH, NOBODY, read_small, read_start

_LIMIT = 1 << 28  # bytes
_MADE = re.compile(r"commit\b|cherry-pick|revert|am\b|merge .*: Merge made|pull\b.*: Merge made")
_REBASED = re.compile(r"(?:pull|rebase)\b.*(?:\(finish\)|finished).* onto ([0-9a-f]{40})")


class Move(NamedTuple):
    """One line of a reflog."""

    old: str
    new: str
    message: str
    at: int | None = None  # seconds since the epoch

    @property
    def creates(self) -> bool:
        """Tell whether the ref was made by this move."""
        return self.old == NOBODY

    @property
    def made_commit(self) -> bool:
        """Tell whether a new commit was made on the ref itself."""
        return _MADE.match(self.message) is not None

    @property
    def rebased_onto(self) -> str | None:
        """Return the base the ref's own commits were copied onto."""
        found = _REBASED.match(self.message)
        return found[1] if found else None

    @property
    def started_from(self) -> str | None:
        """Return the name the ref was branched from, as it was given."""
        found = self.message.removeprefix("branch: Created from ")
        return found if self.creates and found != self.message else None

    def merged(self, ref: str) -> bool:
        """Tell whether this is the merge of that branch."""
        name = ref.removeprefix("refs/heads/")
        return self.message.startswith((f"merge {name}: ", f"merge {ref}: "))


def read_reflog(directory: Path, ref: str) -> tuple[Move, ...]:
    """Read the moves of a ref from the Git directory that logs it, oldest first."""
    content = read_small(f"{directory}/logs/{ref}", limit=_LIMIT)
    if not content:
        return ()
    lines = os.fsdecode(content).split("\n")
    return tuple(_move(line) for line in lines if _is_sound(line))


def read_beginning(directory: Path, ref: str) -> Move | None:
    """Read the move that made a ref, if it tells what the ref was branched from; ten thousand are cheap."""
    content = read_start(f"{directory}/logs/{ref}")
    if content is None or _FROM not in content:
        return None
    line, end, _ = os.fsdecode(content).partition("\n")
    whole = end and _is_sound(line)
    began = _move(line) if whole else next(iter(read_reflog(directory, ref)), None)
    return began if began and began.started_from else None


def _is_sound(line: str) -> bool:
    return len(line) > _SHORTEST and line[ID_LENGTH] == line[_SHORTEST - 1] == " "


def _move(line: str) -> Move:
    head, _, message = line.partition("\t")
    when = head.rsplit(" ", 2)[-2:-1]
    before, after = line[:ID_LENGTH], line[ID_LENGTH + 1 : _SHORTEST - 1]
    return Move(before, after, message, int(when[0]) if when and when[0].isdecimal() else None)


_SHORTEST = 2 * (ID_LENGTH + 1)  # two names and their spaces
_FROM = b"\tbranch: Created from "
