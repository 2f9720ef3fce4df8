"""Where our trunk stands, seen from the remote's: what is missing here is fetched to tell."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.remote import fetch_trunk, remote_tip
from unjam.domain.world.identity import CommitId


class Side(StrEnum):
    """What the remote has, compared with us."""

    SAME = "same"
    LESS = "less"  # or nothing at all
    MORE = "more"
    OTHER = "other"  # each has commits that the other has not


@dataclass(frozen=True, slots=True)
class Upstream:
    """The remote's trunk."""

    tip: CommitId | None
    side: Side


def look_upstream(common: Path, url: str, ref: str, ours: CommitId) -> Upstream:
    """Ask the remote and compare; no ref of the repository moves.

    Raises TransientError where it cannot be reached, PermanentError where it does not answer.
    """
    tip = remote_tip(common, url, ref)
    if tip is None:
        return Upstream(None, Side.LESS)
    if tip == ours:
        return Upstream(tip, Side.SAME)
    git = Git(common)
    if _reaches(git, ours, tip):
        return Upstream(tip, Side.LESS)
    tip = fetch_trunk(common, url, ref)
    return Upstream(tip, Side.MORE if _reaches(git, tip, ours) else Side.OTHER)


def _reaches(git: Git, tip: CommitId, commit: CommitId) -> bool:
    return git.run("merge-base", "--is-ancestor", commit, tip, accept=None).status == 0
