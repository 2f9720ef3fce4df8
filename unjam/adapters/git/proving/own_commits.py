"""Tell a branch that was merged from one that never had a commit of its own.

Both have tips the trunk reaches. What tells them apart is where the tip lies (on the trunk's own
line or beside it) and what the reflogs of the branch and of the trunk say.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.proving.commit_graph import History
from unjam.adapters.git.reflog import Move, read_beginning, read_reflog
from unjam.domain.world.naming import SHORT


class OwnCommits(NamedTuple):
    """What a branch brought of its own: ``own`` None is "cannot tell"."""

    own: tuple[str, ...] | None
    merges: tuple[str, ...] = ()  # commits by which the trunk took it


class OwnCommitsReader:
    """Judges branches by the graph first, by reflogs only where the graph leaves a doubt."""

    def __init__(self, history: History, common: Path, trunk: str, tips: Iterable[str]) -> None:
        """Take the tips of all branches, one for each: stacked branches share them."""
        self.moves = read_reflog(common, trunk)
        self._history = history
        self._common = common
        self._stood = frozenset(move.new for move in self.moves)
        count = Counter(tips)
        self._tips = frozenset(count)
        self._shared = frozenset(tip for tip, times in count.items() if times > 1)

    def of(self, ref: str, tip: str, *, closely: bool) -> OwnCommits:
        """Judge one branch; ``closely`` also reads its reflog where the graph alone seems clear."""
        if not self._history.in_trunk(tip):
            return OwnCommits(self._beyond(ref, tip))
        if self._history.on_line(tip):
            return OwnCommits(self._own_on_line(ref, tip))
        return self._beside(ref, tip, closely=closely)

    def _beyond(self, ref: str, tip: str) -> tuple[str, ...]:
        """Drop what was the trunk's, or another branch's, before this branch began."""
        own = self._history.beyond_trunk(tip)
        if not self._is_stacked(own, tip) and self._stood.isdisjoint(own):
            return own
        began = read_beginning(self._common, ref)
        if began and (began.new in self._stood or _names_another(began, ref)):
            return self._history.without(own, began.new)
        return own

    def _beside(self, ref: str, tip: str, *, closely: bool) -> OwnCommits:
        merge = self._history.line[self._history.place(tip)]
        came = self._history.side_of(tip)
        if closely or self._is_stacked(came, tip):
            return OwnCommits(self._own_beside(ref, tip, came), (merge,))
        return OwnCommits(came, (merge,))

    def _own_beside(self, ref: str, tip: str, came: tuple[str, ...]) -> tuple[str, ...] | None:
        began = read_beginning(self._common, ref)
        if began is None:
            return None if tip in self._shared else came
        if began.new != tip:
            return self._history.without(came, began.new)
        # It never moved: begun on somebody's work, or made again at its own.
        made_for_it = tip[:SHORT] in ref  # for commits that were on no branch
        if made_for_it or any(move.merged(ref) for move in self.moves):
            return came
        return () if _names_another(began, ref) else None

    def _own_on_line(self, ref: str, tip: str) -> tuple[str, ...] | None:
        for move in reversed(self.moves):
            if move.new == tip and move.merged(ref) and self._history.in_trunk(move.old):
                return self._history.between(self._history.base_of(move.old), tip)
        moves = read_reflog(self._common, ref)
        made = self._made(moves, tip)
        if made or _beginning(moves):
            return made
        made_by_trunk = any(move.new == tip and move.made_commit for move in self.moves)
        return () if made_by_trunk else None

    def _made(self, moves: tuple[Move, ...], tip: str) -> tuple[str, ...]:
        """List what the branch itself made, as far as its tip still has it."""
        made = {move.new for move in moves if move.made_commit}
        for move in moves:
            if move.rebased_onto and self._history.in_trunk(move.rebased_onto):
                onto = self._history.base_of(move.rebased_onto)
                made.update(self._history.between(onto, move.new))
        base = self._history.base_of(tip)
        return tuple(
            one
            for one in sorted(made)
            if self._history.in_trunk(one) and self._history.builds_on(base, one)
        )

    def _is_stacked(self, own: tuple[str, ...], tip: str) -> bool:
        if own == (tip,):  # as most are
            return tip in self._shared
        return tip in self._shared or any(one != tip and one in self._tips for one in own)


def _beginning(moves: tuple[Move, ...]) -> Move | None:
    return moves[0] if moves and moves[0].started_from else None


def _names_another(began: Move, ref: str) -> bool:
    """Tell a branch begun on another branch from one made again at a commit, or from a copy of it."""
    start = began.started_from or ""
    restored = start.startswith("refs/unjam/") or start.endswith(ref.removeprefix("refs/heads/"))
    return "/" in start and not restored
