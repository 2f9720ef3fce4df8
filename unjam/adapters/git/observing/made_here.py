"""Which branches were made here, by what reflogs say, and which were only fetched to be looked at."""

import re
from collections.abc import Iterable
from pathlib import Path

from unjam.adapters.git.reflog import Move, read_beginning, read_reflog

_CHECKOUT = re.compile(r"checkout: moving from \S+ to (\S+)")
_MERGE = re.compile(r"merge (\S+): ")
_FETCHED = ("fetch", "clone: from", "pull")


def fetched(common: Path, refs: Iterable[str], remote: str) -> frozenset[str]:
    """Name the branches that began as a remote's: no agent made them here."""
    return frozenset(one for one in refs if _began_at_remote(common, one, remote))


def told_of(common: Path, trunk: str) -> frozenset[str]:
    """Name the branches that were made in this checkout, or merged into the trunk, by its reflogs.

    Checking out a branch that another machine had pushed moves to its commit; making one does not.
    """
    moves = read_reflog(common, "HEAD")
    made = (
        found[1] for one in moves if one.old == one.new and (found := _CHECKOUT.match(one.message))
    )
    merged = (
        found[1] for one in read_reflog(common, trunk) if (found := _MERGE.match(one.message))
    )
    return frozenset((*made, *merged))


def last_sign(common: Path, ref: str) -> float | None:
    """Say when a ref of this repository was moved last, by the file of its reflog."""
    try:
        return (common / "logs" / ref).stat().st_mtime
    except OSError:
        return None


def _began_at_remote(common: Path, ref: str, remote: str) -> bool:
    began = read_beginning(common, ref)
    if began is not None:
        source = began.started_from or ""
        return source.startswith((f"{remote}/", "refs/remotes/", f"remotes/{remote}/"))
    first = next(iter(read_reflog(common, ref)), None)
    return first is not None and first.creates and _was_fetched(first)


def _was_fetched(first: Move) -> bool:
    return first.message.startswith(_FETCHED)
