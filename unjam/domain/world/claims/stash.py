"""What the stash holds, and on which branch or at which commit it was made."""

from dataclasses import dataclass

from unjam.domain.world.identity import CommitId


@dataclass(frozen=True, slots=True)
class Stash:
    """An entry of the stash, which all worktrees share."""

    commit: CommitId
    message: str  # "WIP on <branch>: …", "On <branch>: …"

    def is_of(self, branch: str) -> bool:
        """Tell whether it was made on this branch, by the name that people write."""
        return self.message.startswith((f"WIP on {branch}: ", f"On {branch}: "))

    def is_at(self, commit: CommitId) -> bool:
        """Tell whether it was made at this commit, on no branch."""
        short = self.message.removeprefix("WIP on (no branch): ").partition(" ")[0]
        return short != self.message.partition(" ")[0] and commit.startswith(short)
