"""Which trunk commits were taken back out, by the words `git revert` leaves in its messages."""

from collections import defaultdict

from unjam.adapters.git.proving.commit_graph import History
from unjam.domain.world.identity import CommitId


class Reverts:
    """Reverts in the trunk; a revert that was itself reverted does not count."""

    def __init__(self, by_target: dict[str, list[str]]) -> None:
        self._by_target = by_target

    def __bool__(self) -> bool:
        """Tell whether anything was ever reverted."""
        return bool(self._by_target)

    def active(self, commit: str) -> CommitId | None:
        """Return the revert in force against a commit, if there is one."""
        for revert in self._by_target.get(commit, ()):
            if self.active(revert) is None:
                return CommitId(revert)
        return None


def reverts_in(history: History) -> Reverts:
    """Collect the reverts the trunk holds."""
    by_target = defaultdict[str, list[str]](list)
    for revert, target in history.reverts():
        by_target[target].append(revert)
    return Reverts(dict(by_target))
