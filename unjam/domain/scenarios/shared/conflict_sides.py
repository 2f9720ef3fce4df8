"""What two sides of a merge want of the same place, as a person who settles it has to know it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

TRUNK_SIDE = "the trunk"  # behind a "~" in the name of a file that Git gave another one
BRANCH_SIDE = "the branch"


@dataclass(frozen=True, slots=True)
class IndexStage:
    """A file as one of the three has it: 1 what both started from, 2 the trunk, 3 the branch."""

    path: str
    side: int
    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a file, counted from 1; ``last`` before ``first``: between two lines."""

    first: int
    last: int

    def __str__(self) -> str:
        """Name them as an editor does."""
        if self.last < self.first:
            return f"after line {self.last}"
        return (
            f"line {self.first}" if self.last == self.first else f"lines {self.first}-{self.last}"
        )


@dataclass(frozen=True, slots=True)
class Hunk:
    """A change of one side: where it was in what both started from, and where it is now."""

    before: Lines
    after: Lines


@dataclass(frozen=True, slots=True)
class ConflictPlace:
    """Lines both sides changed, as each of them has them now."""

    trunk: Lines
    branch: Lines


@dataclass(frozen=True, slots=True)
class Contested:
    """One path that does not merge."""

    path: str
    stages: tuple[IndexStage, ...]
    places: tuple[ConflictPlace, ...] = ()  # where both are text
    binary: bool = False
    trunk_commits: tuple[str, ...] = ()  # "<id> <author>: <subject>", newest first
    branch_commits: tuple[str, ...] = ()

    @property
    def known_as(self) -> str:
        """Its name before Git gave it another one, so that the other side's can have it."""
        return self.path.removesuffix(f"~{TRUNK_SIDE}").removesuffix(f"~{BRANCH_SIDE}")

    def named(self, trunk: str) -> str:
        """Its name in a checkout of the branch into which a trunk of this name is merged."""
        if self.path.endswith(f"~{TRUNK_SIDE}"):
            return f"{self.known_as}~{trunk.replace('/', '_')}"
        return self.path if self.path == self.known_as else f"{self.known_as}~HEAD"

    def mode(self, side: int) -> str | None:
        """Return the mode a side has it with; None where the side has no such file."""
        return next((one.mode for one in self.stages if one.side == side), None)


def places(trunk: Sequence[Hunk], branch: Sequence[Hunk]) -> Iterator[ConflictPlace]:
    """Find the places both changed: hunks that overlap or touch in what both started from."""
    tagged = [(one, True) for one in trunk] + [(one, False) for one in branch]
    for group in _touching(sorted(tagged, key=lambda one: _span(one[0].before))):
        ours = [one.after for one, is_trunk in group if is_trunk]
        theirs = [one.after for one, is_trunk in group if not is_trunk]
        if ours and theirs:
            yield ConflictPlace(_around(ours), _around(theirs))


def _touching(
    hunks: Iterable[tuple[Hunk, bool]],
) -> Iterator[list[tuple[Hunk, bool]]]:
    group: list[tuple[Hunk, bool]] = []
    end = -1
    for one in hunks:
        start, stop = _span(one[0].before)
        if group and start > end:
            yield group
            group = []
        end = max(end, stop) if group else stop
        group.append(one)
    if group:
        yield group


def _span(lines: Lines) -> tuple[int, int]:
    """Return the gaps between lines that a change reaches from and to; gap n is behind line n."""
    return lines.first - 1, lines.last


def _around(lines: Sequence[Lines]) -> Lines:
    return Lines(min(one.first for one in lines), max(one.last for one in lines))
