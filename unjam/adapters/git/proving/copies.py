"""Find the work of branches in the trunk again, where it was copied: flattened or squashed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.proving.commit_graph import History, TrunkBase
from unjam.adapters.git.proving.patches import Change, Span, read_changes, read_patches

_Found = Mapping[Span, Sequence[str]]


class Work(NamedTuple):
    """What one branch has beyond the trunk."""

    tip: str
    own: tuple[str, ...]
    base: TrunkBase


class Copies:
    """For each span of work the trunk commits that make the same change."""

    def __init__(self, history: History, found: _Found) -> None:
        self._history = history
        self._found = found

    def of(self, span: Span, base: TrunkBase) -> tuple[str, ...]:
        """List the copies that are not what the branch itself was built on."""
        found = self._found.get(span, ())
        return tuple(one for one in found if not self._history.builds_on(base, one))


class CopyFinder:
    """Looks for copies, and reads no change twice; ``git`` has its drivers off."""

    def __init__(self, git: Git, history: History) -> None:
        self._git = git
        self._history = history
        self._changes: dict[Span, Change] = {}

    def on_the_line(self, works: Sequence[Work]) -> Copies:
        """Look where a rebase or a squash puts them: among the trunk's own commits."""
        return self._find(works, self._history.line[: _deepest(works)])

    def everywhere(self, works: Sequence[Work]) -> Copies:
        """Look among all the trunk has beyond what the works build on."""
        return self._find(works, self._history.since(_deepest(works)))

    def paths_of(self, work: Work) -> tuple[str, ...] | None:
        """List the paths the work changes on the whole; None where it has no single base."""
        span = whole_of(work, self._history)
        if span is None and len(work.own) == 1:
            span = Span(work.own[0])
        change = self._changes.get(span) if span else None
        return change.paths if change else None

    def changes_nothing(self, work: Work) -> bool:
        """Tell a work of empty commits alone; one that takes itself back is work all the same."""
        changes = [self._changes.get(Span(one)) for one in work.own]
        return all(one is not None and not one.paths for one in changes)

    def _may_be_among(self, work: Work, paths: AbstractSet[str]) -> bool:
        """Leave out a work that, on the whole, changes a path which these do not hold.

        Some commit of it changes that path, and so has no copy; but what it is stacked on may be
        what changes it.
        """
        mine = self.paths_of(work)
        return mine is None or paths >= set(mine) or self._is_stacked(work)

    def _is_stacked(self, work: Work) -> bool:
        own = frozenset(work.own)
        below = (above for one in own for above in self._history.parents(one))
        return any(one not in own and not self._history.in_trunk(one) for one in below)

    def _find(self, works: Sequence[Work], among: Iterable[str]) -> Copies:
        history = self._history
        trunk, whole, alone = self._read(
            (Span(one) for one in among if not history.is_merge(one)),
            (span for work in works if (span := whole_of(work, history))),
            self._commits(work for work in works if len(work.own) == 1),
        )
        paths = {path for change in trunk.values() for path in change.paths}
        hopeful = (work for work in works if self._may_be_among(work, paths))
        (single,) = self._read(self._commits(work for work in hopeful if len(work.own) > 1))
        single |= alone
        alike = _Alike(trunk)
        found = alike.by_blobs(single | whole)
        for some in (single, whole):
            rest = {span: change for span, change in some.items() if span not in found}
            found |= _same_patches(self._git, alike.by_paths(rest))
        return Copies(history, found)

    def _commits(self, works: Iterable[Work]) -> Iterator[Span]:
        commits = (one for work in works for one in work.own)
        return (Span(one) for one in commits if not self._history.is_merge(one))

    def _read(self, *groups: Iterable[Span]) -> list[dict[Span, Change]]:
        wanted = [frozenset(spans) for spans in groups]
        unread = (_ordered(spans - self._changes.keys()) for spans in wanted)
        self._changes |= read_changes(self._git, *unread)
        return [
            {span: self._changes[span] for span in spans & self._changes.keys()} for spans in wanted
        ]


def _deepest(works: Sequence[Work]) -> int:
    return max((work.base.place for work in works), default=0)


def whole_of(work: Work, history: History) -> Span | None:
    """Return a branch's work as one change, as a squash makes it; None where it has no single base."""
    if len(work.own) == 1 or work.base.beside or work.base.place >= len(history.line):
        return None
    return Span(work.tip, history.line[work.base.place])


class _Alike:
    """The trunk's changes, to be found by what they replace or by the paths they touch."""

    def __init__(self, trunk: Mapping[Span, Change]) -> None:
        self._by_change = defaultdict[Change, list[Span]](list)
        self._by_paths = defaultdict[tuple[str, ...], list[Span]](list)
        for span, change in trunk.items():
            if change.paths:
                self._by_change[change].append(span)
                self._by_paths[change.paths].append(span)

    def by_blobs(self, changes: Mapping[Span, Change]) -> dict[Span, list[str]]:
        return {
            span: [one.end for one in self._by_change[change]]
            for span, change in changes.items()
            if change in self._by_change
        }

    def by_paths(self, changes: Mapping[Span, Change]) -> dict[Span, list[Span]]:
        return {
            span: self._by_paths[change.paths]
            for span, change in changes.items()
            if change.paths in self._by_paths
        }


def _same_patches(git: Git, alike: Mapping[Span, Sequence[Span]]) -> dict[Span, list[str]]:
    mine = read_patches(git, _ordered(alike))
    theirs = read_patches(git, _ordered({one for found in alike.values() for one in found}))
    return {
        span: [one.end for one in found if theirs.get(one) == mine[span]]
        for span, found in alike.items()
        if span in mine
    }


def _ordered(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: span.line)
