"""The commit graph around the trunk, read once; every question about it is then answered in memory.

The trunk's first-parent line is its own story; everything else came in by the merge that
introduced it. A commit is known by the place of that merge on the line, 0 being the trunk's tip.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import NamedTuple

from unjam.adapters.git.batches import ask_in_batches
from unjam.adapters.git.command import Asked, Git
from unjam.adapters.git.files import ID_LENGTH
from unjam.adapters.git.first_questions import HISTORY
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError

_Parents = dict[str, tuple[str, ...]]


class TrunkBase(NamedTuple):
    """Which trunk commits a commit builds on: the line from a place on, and some beside it."""

    place: int
    beside: frozenset[str]


class History:
    """The trunk and the commits that some tips have beyond it."""

    def __init__(self, graph: "Graph", trunk: str) -> None:
        self._parents = parents = graph.parents
        self._reverts = graph.reverts
        self.line = tuple(_line(parents, trunk))
        self._place = _places(parents, self.line)
        self._behind = _counts_before(self._place, len(self.line))

    def knows(self, commit: str) -> bool:
        """Tell whether the commit was read."""
        return commit in self._parents

    def reverts(self) -> Iterator[tuple[str, str]]:
        """List the trunk's commits that say to revert another, each with that other."""
        return (one for one in self._reverts if self.in_trunk(one[0]) and not self.is_merge(one[0]))

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the parents in order."""
        return self._parents.get(commit, ())

    def is_merge(self, commit: str) -> bool:
        """Tell a merge from a commit with a patch of its own."""
        return len(self.parents(commit)) > 1

    def in_trunk(self, commit: str) -> bool:
        """Tell whether the trunk reaches the commit."""
        return commit in self._place

    def place(self, commit: str) -> int:
        """Return the place on the line by which a trunk commit came in."""
        return self._place[commit]

    def on_line(self, commit: str) -> bool:
        """Tell whether the trunk itself once stood at this commit, or was taken past it."""
        place = self._place.get(commit)
        return place is not None and self.line[place] == commit

    def beyond_trunk(self, tip: str) -> tuple[str, ...]:
        """List the commits that a tip has and the trunk has not."""
        return self._walk(tip, self._place.__contains__)

    def side_of(self, tip: str) -> tuple[str, ...]:
        """List what came into the trunk together with a tip off the line, as far as the tip has it."""
        came = self._place.get
        place = came(tip)
        if place not in map(came, self.parents(tip)):  # as with most: it came alone
            return (tip,)
        return self._walk(tip, lambda commit: came(commit) != place)

    def without(self, commits: Iterable[str], base: str) -> tuple[str, ...]:
        """Drop those commits that ``base`` has too, looking only among them."""
        among = frozenset(commits)
        dropped: set[str] = set()
        waiting = [base]
        while waiting:
            commit = waiting.pop()
            if commit in among and commit not in dropped:
                dropped.add(commit)
                waiting += self.parents(commit)
        return tuple(one for one in among if one not in dropped)

    def base_of(self, tip: str) -> TrunkBase:
        """Tell what of the trunk a tip builds on."""
        at = self._place.get(tip)
        if at is not None and self.line[at] == tip:
            return TrunkBase(at, frozenset())
        place, beside = len(self.line), set()
        waiting, seen = [tip], {tip}
        while waiting:
            commit = waiting.pop()
            came = self._place.get(commit)
            if came is not None:
                if self.line[came] == commit:
                    place = min(place, came)
                    continue
                beside.add(commit)
            new = [one for one in self.parents(commit) if one not in seen]
            seen.update(new)
            waiting += new
        return TrunkBase(place, frozenset(one for one in beside if self._place[one] < place))

    def builds_on(self, base: TrunkBase, commit: str) -> bool:
        """Tell whether a trunk commit is part of a base."""
        return self._place[commit] >= base.place or commit in base.beside

    def between(self, base: TrunkBase, tip: str) -> tuple[str, ...]:
        """List the commits of a tip that are not part of a base."""
        return self._walk(tip, lambda one: self.in_trunk(one) and self.builds_on(base, one))

    def behind(self, base: TrunkBase) -> int:
        """Count the trunk commits that are not part of a base."""
        return self._behind[base.place] - len(base.beside)

    def since(self, place: int) -> Iterator[str]:
        """List the trunk commits that came in before this place on the line: the newer ones."""
        return (commit for commit, came in self._place.items() if came < place)

    def _walk(self, tip: str, stops: Callable[[str], bool]) -> tuple[str, ...]:
        parents = self._parents.get
        waiting, found = [tip], dict[str, None]()
        while waiting:
            commit = waiting.pop()
            if commit not in found and not stops(commit):
                found[commit] = None
                waiting += parents(commit, ())
        return tuple(found)


class Graph:
    """Commits with their parents, and those whose messages say that they revert another."""

    def __init__(self) -> None:
        self.parents: _Parents = {}
        self.reverts: list[tuple[str, str]] = []

    def take(self, records: str) -> None:
        """Take in what Git printed as ``HISTORY``."""
        parents = self.parents
        for record in records.split(_END):
            line = record.partition("\n")[0]
            parents[line[:ID_LENGTH]] = tuple(line[ID_LENGTH + 1 :].split())
        if _WORDS in records:
            self.reverts += _reverts_in(records)


def history_of(trunk: CommitId) -> History:
    """Return the history of a look that compares nothing: it knows the trunk's tip alone."""
    graph = Graph()
    graph.parents[trunk] = ()
    return History(graph, trunk)


def read_history(
    git: Git, trunk: CommitId, tips: Sequence[CommitId], asked: Asked
) -> tuple[History, set[str]]:
    """Read the trunk and what the tips have beyond it; also tell the tips with damaged histories.

    Raises PermanentError where the trunk itself is damaged.
    """
    graph = Graph()
    with suppress(PermanentError):
        _take_in(graph, asked)
    if trunk not in graph.parents:
        graph = Graph()
        _read(git, graph, [trunk])
    # What is no local branch, or became one just now; all of them where any branch is damaged.
    missing = [one for one in tips if one not in graph.parents]
    _, damaged = ask_in_batches(lambda some: _read(git, graph, [*some, f"^{trunk}"]), missing)
    return History(graph, trunk), set(damaged)


def _read(git: Git, graph: Graph, names: Sequence[str]) -> None:
    question = "\n".join((*names, "")).encode()
    _take_in(graph, git.ask("rev-list", "--stdin", *HISTORY, stdin=question))


def _take_in(graph: Graph, asked: Asked) -> None:
    rest = ""
    for piece in asked.pieces():
        # Latin-1 decodes any message, and only what is ASCII is looked at.
        whole, end, rest = (rest + piece.decode("latin-1")).rpartition(_END)
        if end:
            graph.take(whole)


_END = "\0\n"
_WORDS = "This reverts commit"
_TARGET = re.compile(r"This reverts commit\s+([0-9a-f]{7,40})")


def _reverts_in(records: str) -> Iterator[tuple[str, str]]:
    for record in records.split(_END):
        for target in _TARGET.findall(record):
            yield record[:ID_LENGTH], target


def _line(parents: _Parents, trunk: str) -> Iterator[str]:
    commit: str | None = trunk
    while commit is not None and commit in parents:
        yield commit
        commit = next(iter(parents[commit]), None)


def _places(parents: _Parents, line: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place in range(len(line) - 1, -1, -1):
        waiting = [line[place]]
        while waiting:
            commit = waiting.pop()
            if commit not in found and commit in parents:
                found[commit] = place
                waiting += parents[commit]
    return found


def _counts_before(places: dict[str, int], length: int) -> list[int]:
    counts = [0] * (length + 1)
    for place in places.values():
        counts[place + 1] += 1
    return list(accumulate(counts))
