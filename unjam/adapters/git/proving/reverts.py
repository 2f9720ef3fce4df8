"""Which trunk commits were taken back out, by the words `git revert` leaves in its messages."""

import re
from collections import defaultdict

from unjam.adapters.git.command import Git
from unjam.adapters.git.proving.history import History
from unjam.domain.snapshot import CommitId

_WORDS = "This reverts commit"
_TARGET = re.compile(rb"This reverts commit\s+([0-9a-f]{7,40})")
_NAME = 40  # characters of an object's full name


class Reverts:
    """Reverts in the trunk; a revert that was itself reverted does not count."""

    def __init__(self, by_target: dict[str, list[str]]) -> None:
        self._by_target = by_target

    def active(self, commit: str) -> CommitId | None:
        """Return the revert in force against a commit, if there is one."""
        for revert in self._by_target.get(commit, ()):
            if self.active(revert) is None:
                return CommitId(revert)
        return None


def read_reverts(git: Git, trunk: CommitId, history: History) -> Reverts:
    """Read the reverts the trunk holds."""
    answer = git.run(
        "log",
        "-z",
        "--no-merges",
        "--fixed-strings",
        f"--grep={_WORDS}",
        "--format=%H%n%B",
        trunk,
        "--",
    )
    by_target = defaultdict[str, list[str]](list)
    for record in answer.out.split(b"\0"):
        revert = record[:_NAME].decode("ascii", "replace")
        for target in _TARGET.findall(record):
            if history.knows(revert):
                by_target[target.decode("ascii")].append(revert)
    return Reverts(dict(by_target))
