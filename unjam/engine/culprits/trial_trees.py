"""Make the trees of trials: the trunk at a unit, without some, or with one more. All in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock

from unjam.adapters.git.moving.exchange import Exchange, exchanged, tree_of
from unjam.adapters.git.moving.merge import OURS, Conflict, Identity, Merged
from unjam.domain.world.identity import CommitId
from unjam.domain.world.trials import Probe, Unit
from unjam.engine.orchestration import Orchestration

Tree = tuple[str, str]  # a commit and its tree
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # trials are nobody's history: the same is made again
__all__ = ["Identity", "Tree", "Trees"]


class Trees:
    """The trees of one search; each is made once."""

    def __init__(self, orchestration: Orchestration, units: Sequence[Unit]) -> None:
        self._common = orchestration.common
        self.units = units
        self._made: dict[Probe, Tree | None] = {}
        self._lock = Lock()

    def of(self, probe: Probe) -> Tree | None:
        """Return commit and tree of a trial; None where the parts do not go together."""
        with self._lock:
            if probe not in self._made:
                self._made[probe] = self._make(probe)
            return self._made[probe]

    def stack(self, unit: int) -> tuple[int, ...] | None:
        """Return the later units that have to be taken out with one; None if that does not help.

        The newest that touches what is in conflict goes first, until nothing is; then each is put
        back that was not needed.
        """
        taken: set[int] = set()
        while True:
            made = self._without({unit, *taken})
            if not isinstance(made, Conflict):
                return tuple(sorted(self._needed(unit, taken)))
            paths = set(made.paths)
            for one in range(len(self.units), unit, -1):
                if one not in taken and paths & set(self.units[one - 1].paths):
                    taken.add(one)
                    break
            else:
                return None

    def _needed(self, unit: int, taken: set[int]) -> set[int]:
        for one in sorted(taken):
            if not isinstance(self._without({unit, *taken} - {one}), Conflict):
                taken = taken - {one}
        return taken

    def commit_at(self, place: int) -> str:
        """Name the trunk's own commit after a unit."""
        return self.units[place - 1].after if place else self.units[0].before

    def _make(self, probe: Probe) -> Tree | None:
        onto = self.commit_at(probe.upto)
        if not probe.without and probe.plus is None:
            return onto, tree_of(self._common, CommitId(onto))
        changes = exchanges(self.units, probe.without)
        if probe.plus is not None:
            unit = self.units[probe.plus - 1]
            changes = (*changes, Exchange(unit.before, unit.after))
        return self._exchanged(onto, changes)

    def _without(self, taken: set[int]) -> object:
        changes = exchanges(self.units, tuple(taken))
        onto = CommitId(self.commit_at(len(self.units)))
        return exchanged(self._common, onto, changes, "trial", (OURS, _EPOCH))

    def _exchanged(self, onto: str, changes: Sequence[Exchange]) -> Tree | None:
        made = exchanged(self._common, CommitId(onto), changes, "trial", (OURS, _EPOCH))
        if isinstance(made, Conflict):
            return None
        if isinstance(made, Merged):
            return made.commit, made.tree
        return onto, tree_of(self._common, CommitId(onto))


def exchanges(units: Sequence[Unit], taken: Sequence[int]) -> tuple[Exchange, ...]:
    """Say how units are taken out: the newest first."""
    newest = sorted(taken, reverse=True)
    return tuple(Exchange(units[one - 1].after, units[one - 1].before) for one in newest)
