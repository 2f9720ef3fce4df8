"""Which branches were made here, by what reflogs say, and which were only fetched to be looked at."""

import re
from collections.abc import Iterable
from pathlib import Path

from unjam.adapters.git.reflog import read_beginning, read_reflog
from unjam.domain.world.snapshot import Branch

_CHECKOUT = re.compile(r"checkout: moving from \S+ to (\S+)")
_MERGE = re.compile(r"merge (\S+): ")
_FETCHED = ("fetch", "clone: from", "pull", "push")


def fetched(common: Path, branches: Iterable[Branch]) -> frozenset[str]:
    """Name the branches that came from elsewhere: no agent is known to have worked on them here."""
    return frozenset(
        one.ref
        for one in branches
        if _began_at_remote(common, one.ref)
        or (one.own_commits != 0 and not _has_grown_here(common, one.ref))
    )


def told_of(common: Path, trunk: str) -> dict[str, int]:
    """Say when branches were last made in this checkout, or merged into the trunk, by its reflogs.

    Checking out a branch that another machine had pushed moves to its commit; making one does not.
    """
    made = (
        (found[1], one.at)
        for one in read_reflog(common, "HEAD")
        if one.old == one.new and (found := _CHECKOUT.match(one.message))
    )
    merged = (
        (found[1], one.at)
        for one in read_reflog(common, trunk)
        if (found := _MERGE.match(one.message))
    )
    return {name: at for name, at in (*made, *merged) if at is not None}


def last_sign(common: Path, ref: str) -> float | None:
    """Say when a ref of this repository was moved last, by the file of its reflog."""
    try:
        return (common / "logs" / ref).stat().st_mtime
    except OSError:
        return None


def _has_grown_here(common: Path, ref: str) -> bool:
    """Tell a branch on which a commit was made here; without a reflog that is not known."""
    return any(one.made_commit or one.rebased_onto for one in read_reflog(common, ref))


def _began_at_remote(common: Path, ref: str) -> bool:
    began = read_beginning(common, ref)
    if began is not None:
        own = ref.removeprefix("refs/heads/")
        return (began.started_from or "").endswith((f"/{own}", "FETCH_HEAD"))
    first = next(iter(read_reflog(common, ref)), None)
    return first is not None and first.creates and first.message.startswith(_FETCHED)
