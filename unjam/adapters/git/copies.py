"""Find the work of branches in the trunk again, where it was copied: flattened or squashed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from unjam.adapters.git.command import Git
from unjam.adapters.git.history import Base, History
from unjam.adapters.git.patches import Change, Span, read_changes, read_patches


@dataclass(frozen=True, slots=True)
class Work:
    """What one branch has beyond the trunk."""

    tip: str
    own: tuple[str, ...]
    base: Base


class Copies:
    """For each span of work the trunk commits that make the same change."""

    def __init__(self, history: History, by_span: Mapping[Span, Sequence[str]]) -> None:
        self._history = history
        self._by_span = by_span

    def of(self, span: Span, base: Base) -> tuple[str, ...]:
        """List the copies that are not what the branch itself was built on."""
        found = self._by_span.get(span, ())
        return tuple(one for one in found if not self._history.builds_on(base, one))


def find_copies(git: Git, history: History, works: Sequence[Work]) -> Copies:
    """Look for copies of every commit and of every whole branch; ``git`` has its drivers off."""
    if not works:
        return Copies(history, {})
    newer = history.since(max(work.base.place for work in works))
    trunk = read_changes(git, [Span(one) for one in newer if not history.is_merge(one)])
    known = _Known(git, trunk)
    single = {Span(one) for work in works for one in work.own if not history.is_merge(one)}
    whole = {span for work in works if (span := whole_of(work, history))}
    return Copies(history, {**known.copies(single), **known.copies(whole)})


def whole_of(work: Work, history: History) -> Span | None:
    """Return a branch's work as one change, as a squash makes it; None where it has no single base."""
    if len(work.own) == 1 or work.base.beside or work.base.place >= len(history.line):
        return None
    return Span(work.tip, history.line[work.base.place])


class _Known:
    """The trunk's changes, by blobs and by paths; their patches are read when somebody needs them."""

    def __init__(self, git: Git, trunk: Mapping[Span, Change]) -> None:
        self._git = git
        self._by_change = defaultdict[Change, list[Span]](list)
        self._by_paths = defaultdict[tuple[str, ...], list[Span]](list)
        self._patches: dict[Span, bytes] = {}
        for span, change in trunk.items():
            if change.by_path:
                self._by_change[change].append(span)
                self._by_paths[change.paths].append(span)

    def copies(self, spans: Iterable[Span]) -> dict[Span, list[str]]:
        changes = read_changes(self._git, sorted(spans, key=lambda span: span.line))
        alike = {
            span: self._by_paths[change.paths]
            for span, change in changes.items()
            if change.paths in self._by_paths
        }
        mine = read_patches(self._git, list(alike))
        wanted = {one for found in alike.values() for one in found} - self._patches.keys()
        self._patches.update(read_patches(self._git, sorted(wanted, key=lambda one: one.line)))
        return {
            span: [one.end for one in found if self._same(changes[span], mine.get(span), one)]
            for span, found in alike.items()
        }

    def _same(self, change: Change, patch: bytes | None, other: Span) -> bool:
        if other in self._by_change.get(change, ()):
            return True
        return patch is not None and self._patches.get(other) == patch
