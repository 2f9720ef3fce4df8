"""Where our trunk stands, seen from the remote's: what is missing here is fetched to tell."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.remote import fetch_trunk, remote_tip
from unjam.domain.world.identity import CommitId


class UpstreamSide(StrEnum):
    """What the remote has, compared with us."""

    SAME = "same"
    LESS = "less"  # or nothing at all
    MORE = "more"
    OTHER = "other"  # each has commits that the other has not


@dataclass(frozen=True, slots=True)
class Upstream:
    """The remote's trunk."""

    tip: CommitId | None
    side: UpstreamSide


def look_upstream(common: Path, url: str, ref: str, ours: CommitId) -> Upstream:
    """Ask the remote and compare; no ref of the repository moves.

    Raises TransientError where it cannot be reached, PermanentError where it does not answer.
    """
    tip = remote_tip(common, url, ref)
    if tip is None:
        return Upstream(None, UpstreamSide.LESS)
    if tip == ours:
        return Upstream(tip, UpstreamSide.SAME)
    git = Git(common)
    if _reaches(git, ours, tip):
        return Upstream(tip, UpstreamSide.LESS)
    tip = fetch_trunk(common, url, ref)
    return Upstream(tip, UpstreamSide.MORE if _reaches(git, tip, ours) else UpstreamSide.OTHER)


def _reaches(git: Git, tip: CommitId, commit: CommitId) -> bool:
    return git.run("merge-base", "--is-ancestor", commit, tip, accept=None).status == 0
