"""Whether a process that holds a lock and does nothing hangs: by the signals and patience for an agent.

A transaction may be open while an answer is waited for, and a file may be kept by one process for as
long as it lives. A look of a second tells neither from a hang, so what does nothing is spared until
its lock is old, the file shows something unfinished, and it is known what it waits for in vain.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from unjam.domain.world.agents.score import HUNG, score, signals_in_words
from unjam.domain.world.agents.signs import Watched
from unjam.domain.world.database import Activity, Holder, LockKind
from unjam.domain.world.identity import Role

_AWAITED = (Role.ORCHESTRATOR, Role.AGENT)  # ending one of these ends more than a reading


@dataclass(frozen=True, slots=True)
class LockEvidence:
    """What tells how old a lock is, and whether it is one of a transaction."""

    now: datetime
    still: float | None = None  # seconds in which its process has not run; None: not told
    writes: bool = True  # the files show something that is not committed, or cannot tell


def why_spared(holder: Holder, watched: Watched, evidence: LockEvidence) -> str:
    """Say what speaks for a holder that does nothing; empty where every signal says that it hangs.

    The last sign of ``watched`` is when the state was last written: since then at the earliest its
    lock has kept others away.
    """
    if holder.activity not in (Activity.IDLE, Activity.STOPPED):
        return ""
    if not holder.blocks and holder.role not in _AWAITED:
        return next(_answers_awaited(watched), "") if holder.activity is Activity.IDLE else ""
    signs = [*_signs(holder, watched, evidence)][:1]
    return "; ".join((*signs, *[*_answers_awaited(watched)][:1])) if signs else ""


def _signs(holder: Holder, watched: Watched, evidence: LockEvidence) -> Iterator[str]:
    is_idle = holder.activity is Activity.IDLE
    if is_idle and LockKind.EXCLUSIVE in holder.locks and not evidence.writes:
        yield (
            "nothing of it is uncommitted in the files, so it may only keep the state to itself "
            "(locking_mode = EXCLUSIVE)"
        )
    patience = signals_in_words(watched.patience)
    for what, ago in _young(watched, evidence):
        yield f"{what} {signals_in_words(ago)} ago, and it is not judged before {patience} (hang.after)"
    # When the state was written says nothing of this process: it was looked at above.
    told = score(replace(watched, last_sign=None), evidence.now)
    if told.verdict not in HUNG:
        yield next(iter(told.evidence), f"it is {told.verdict}")


def _young(watched: Watched, evidence: LockEvidence) -> Iterator[tuple[str, float]]:
    """Yield what is not long ago, before which its lock cannot have been in the way."""
    patience = watched.patience.total_seconds()
    roots = [one.age for one in watched.now.members if one.key in watched.now.roots]
    if watched.last_sign is not None:
        written = (evidence.now - watched.last_sign).total_seconds()
        if written < patience:
            yield "the state was last written", written
    if roots and min(roots) < patience:
        yield "it was started", min(roots)
    if evidence.still is not None and evidence.still < patience:
        yield "it last ran", evidence.still


def _answers_awaited(watched: Watched) -> Iterator[str]:
    """Yield whom a reader may be waiting for: to end it would lose that answer."""
    for one in watched.now.connections:
        yield f"it is connected to {one.peer}, silent for {signals_in_words(one.quiet)}"
    yield from watched.now.channels
