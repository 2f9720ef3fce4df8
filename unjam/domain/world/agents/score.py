"""Tell a hung agent from one that works silently, by signals that do not depend on one another.

No clock alone convicts anybody. An agent is hung only when nothing in its tree makes progress,
when it has shown no sign for as long as a person chose to wait, and when what it waits for is
known. Whatever cannot be told is left alone.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from unjam.domain.world.agents.signs import Connection, Key, Look, Pulse, Wait, Watched
from unjam.domain.world.words import counted


class HangVerdict(StrEnum):
    """What goes on in an agent's process tree."""

    INPUT = "waiting for input"
    BUSY = "busy loop"
    NETWORK = "waiting on the network"
    DEADLOCK = "deadlocked"
    STOPPED = "stopped"
    ZOMBIE = "zombie"
    DEAD = "dead"
    WORKING = "working silently"
    UNKNOWN = "unknown"


HUNG = frozenset(
    {
        HangVerdict.INPUT,
        HangVerdict.BUSY,
        HangVerdict.NETWORK,
        HangVerdict.DEADLOCK,
        HangVerdict.STOPPED,
    }
)
_MOMENT = 0.1  # seconds; two looks closer than that tell nothing
_WORKS = 0.05  # share of a processor below which a tree only stirs
_SPINS = 0.25  # share of its present pace at which a loop must have run since the last sign of life
_STIRS = 1.0  # times a second that something may wake up in a tree and still be called still
_ALONE = 1.2  # processors; a program that got stuck in a loop is stuck in one
_PAGES = 64  # new pages that even a loop may need between two looks


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict, and the facts that led to it."""

    verdict: HangVerdict
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """What one process did between two looks."""

    pulse: Pulse
    share: float  # of one processor
    switches: int
    faults: int
    reaped: int
    moved: int | None
    was: Wait

    @property
    def is_busy(self) -> bool:
        """Whether it computes, be it slowly on a machine that has much else to do."""
        runs = {self.was, self.pulse.wait} == {Wait.NOTHING}
        return self.share >= _WORKS or (runs and self.share > 0)


def score(watched: Watched, observed_at: datetime) -> Score:
    """Judge an agent by two looks and its last sign of life."""
    evidence = tuple(_seen(watched, observed_at))
    verdict, because = _judge(watched, observed_at)
    return Score(verdict, (because, *evidence) if because else evidence)


def last_sign(watched: Watched) -> datetime | None:
    """Return when anything it writes to last changed."""
    times = (watched.last_sign, watched.now.written_at)
    return max((one for one in times if one is not None), default=None)


def _judge(watched: Watched, observed_at: datetime) -> tuple[HangVerdict, str]:
    now = watched.now
    if not now.members:
        return HangVerdict.DEAD, "no process works for it any more"
    if all(one.wait is Wait.ENDED for one in now.members):
        # That is for ever: one look tells it.
        return HangVerdict.ZOMBIE, "every process of it has ended, and nobody collected them"
    unclear = next(_obstacles(watched), None)
    if unclear is not None:
        return HangVerdict.UNKNOWN, unclear
    changes = tuple(_changes(watched.before, now))
    signs = (*_old_signs(watched, observed_at), *_work(watched, changes))
    if signs:
        return HangVerdict.WORKING, signs[0]
    is_busy = any(one.is_busy for one in changes)
    return _of_busy(watched, changes, observed_at) if is_busy else _of_idle(watched, changes)


def _obstacles(watched: Watched) -> Iterator[str]:
    """Yield why nothing can be told at all."""
    before, now = watched.before, watched.now
    if now.because or before.because:
        yield now.because or before.because
    elif (before.boot, before.roots) != (now.boot, now.roots):
        yield "its processes changed between the two looks"
    elif now.at - before.at < _MOMENT:
        yield "there was too little time between the two looks"
    elif any(one.wait is Wait.TRACED for one in now.members):
        yield "a debugger holds it"


def _old_signs(watched: Watched, observed_at: datetime) -> Iterator[str]:
    """Yield signs of life that are younger than the patience."""
    patience = watched.patience.total_seconds()
    last = last_sign(watched)
    if last is not None and observed_at - last < watched.patience:
        yield f"it wrote something {signals_in_words(observed_at - last)} ago"
    young = min((one for one in watched.now.members), key=lambda one: one.age, default=None)
    if young is not None and young.age < patience:
        yield f"pid {young.pid} in it was started {signals_in_words(young.age)} ago"
    heard = min((one.quiet for one in watched.now.connections), default=patience)
    if heard < patience:
        yield f"bytes went over its connection {signals_in_words(heard)} ago"


def _work(watched: Watched, changes: tuple[_Change, ...]) -> Iterator[str]:
    """Yield work that was done between the two looks; a loop without end does none of this."""
    keys = {one.key for one in watched.now.members}
    gone = [one for one in watched.before.members if one.key not in keys]
    if gone:
        yield f"pid {gone[0].pid} in it ended between the two looks"
    if len(changes) < len(watched.now.members):
        yield "a process was started in it between the two looks"
    yield from _answers(watched)
    for one in changes:
        pid = one.pulse.pid
        if one.reaped > 0:
            yield f"children of pid {pid} came and went between the two looks"
        if one.moved:
            yield f"pid {pid} moved {counted(one.moved, 'byte')} between the two looks"
        if one.is_busy and not one.pulse.is_agent:
            yield f"pid {pid}, a tool it called, uses {one.share:.0%} of a processor"
        if one.is_busy and one.faults > _PAGES:
            yield f"pid {pid} fills memory: {counted(one.faults, 'new page')}"


def _answers(watched: Watched) -> Iterator[str]:
    """Yield peers on this machine that computed: what is asked of them may be what they work at."""
    for one, share in _answering(watched):
        if share >= _WORKS:
            yield f"{one.peer}, which pid {one.pid} asked, uses {share:.0%} of a processor"


def _answering(watched: Watched) -> Iterator[tuple[Connection, float]]:
    """Yield the connections to peers on this machine that stirred, with their share of a processor."""
    earlier = {(one.pid, one.peer): one.answering for one in watched.before.connections}
    elapsed = watched.now.at - watched.before.at
    for one in watched.now.connections:
        was = earlier.get((one.pid, one.peer))
        if was is not None and one.answering is not None and one.answering > was:
            yield one, (one.answering - was) / elapsed


def _of_busy(
    watched: Watched, changes: tuple[_Change, ...], observed_at: datetime
) -> tuple[HangVerdict, str]:
    """Judge a tree in which only the agent's own program uses a processor, for nothing to be seen."""
    busy = max(changes, key=lambda one: one.share)
    pulse = busy.pulse
    if busy.moved is None:
        return HangVerdict.UNKNOWN, f"what pid {pulse.pid} reads and writes cannot be read"
    working = next(_of_working(watched, busy, observed_at), None)
    if working is not None:
        return HangVerdict.WORKING, working
    if sum(one.share for one in changes) > _ALONE:
        return HangVerdict.UNKNOWN, (
            f"pid {pulse.pid} computes on more than one processor, which a stuck loop does not"
        )
    return HangVerdict.BUSY, (
        f"pid {pulse.pid}, the agent's own program, used {busy.share:.0%} of a processor and "
        f"{pulse.cpu:.0f} s in all; it read, wrote, started and waited for nothing"
    )


def _of_working(watched: Watched, busy: _Change, observed_at: datetime) -> Iterator[str]:
    """Yield why a program that uses a processor may do so for something."""
    pulse = busy.pulse
    elapsed = watched.now.at - watched.before.at
    last = last_sign(watched)
    quiet = pulse.age if last is None else (observed_at - last).total_seconds()
    others = {one.wait for one in watched.now.members if one.key != pulse.key}
    sleeps = {busy.was, pulse.wait} != {Wait.NOTHING}
    if others - {Wait.MEMBER, Wait.LOCKS, Wait.ENDED}:
        yield f"pid {pulse.pid} is busy, and others of its tree may use that"
    if not pulse.is_agent:
        yield f"pid {pulse.pid}, a tool it called, computes"
    if sleeps or busy.switches > _STIRS * elapsed:
        yield f"pid {pulse.pid} computes and sleeps in turn"
    if pulse.cpu < _SPINS * min(busy.share, 1.0) * min(quiet, pulse.age):
        # It began to compute long after it last wrote: too early to tell.
        yield f"pid {pulse.pid} has been busy for a part of that time only"


def _of_idle(watched: Watched, changes: tuple[_Change, ...]) -> tuple[HangVerdict, str]:
    """Judge a tree that does nothing: hung only where it is known what it waits for."""
    elapsed = watched.now.at - watched.before.at
    stirring = [one for one in changes if one.switches > _STIRS * elapsed]
    if stirring:
        rate = stirring[0].switches / elapsed
        return HangVerdict.UNKNOWN, (
            f"pid {stirring[0].pulse.pid} wakes up {rate:.0f} times a second, for nothing to be seen"
        )
    waits = {one.wait for one in watched.now.members} - {Wait.ENDED}
    if Wait.STOPPED in waits:
        stopped = next(one for one in watched.now.members if one.wait is Wait.STOPPED)
        return HangVerdict.STOPPED, f"pid {stopped.pid} {stopped.detail or stopped.wait}"
    return _of_waits(watched, waits)


def _of_waits(watched: Watched, waits: AbstractSet[Wait]) -> tuple[HangVerdict, str]:
    blocked = waits - {Wait.MEMBER, Wait.LOCKS}
    connections = watched.now.connections
    on_network = blocked <= {Wait.NETWORK, Wait.EVENTS} and bool(blocked)
    on_input = blocked & {Wait.TERMINAL, Wait.PIPE}
    may_hear = bool(watched.now.channels) and bool(blocked & {Wait.NETWORK, Wait.EVENTS})
    if on_input and blocked - on_input <= {Wait.NETWORK, Wait.EVENTS} and not may_hear:
        return HangVerdict.INPUT, _says(watched, on_input)
    if on_network and connections and not may_hear:
        return _of_network(watched)
    if waits <= {Wait.MEMBER, Wait.LOCKS} and Wait.LOCKS in waits:
        return HangVerdict.DEADLOCK, _says(watched, {Wait.LOCKS})
    return HangVerdict.UNKNOWN, _why_unknown(watched, blocked)


def _of_network(watched: Watched) -> tuple[HangVerdict, str]:
    stirring = next((one for one, _ in _answering(watched)), None)
    if stirring is not None:  # on a busy machine that may be all it gets
        asked = f"{stirring.peer}, which pid {stirring.pid} asked"
        return HangVerdict.UNKNOWN, f"{asked}, is not quite still"
    unread = next((one for one in watched.now.connections if one.unread), None)
    if unread is None:
        return HangVerdict.NETWORK, _says_of_network(watched)
    return HangVerdict.UNKNOWN, f"pid {unread.pid} does not take what {unread.peer} sent"


def _says(watched: Watched, waits: AbstractSet[Wait]) -> str:
    found = next(one for one in watched.now.members if one.wait in waits)
    return f"pid {found.pid} {found.detail or found.wait}"


def _says_of_network(watched: Watched) -> str:
    heard = min(watched.now.connections, key=lambda one: one.quiet)
    quiet = signals_in_words(heard.quiet)
    return f"pid {heard.pid} waits for {heard.peer}: no byte either way for {quiet}"


def _why_unknown(watched: Watched, blocked: AbstractSet[Wait]) -> str:
    if watched.now.channels and blocked & {Wait.NETWORK, Wait.EVENTS}:
        return f"it may hear from elsewhere: {watched.now.channels[0]}"
    member = next((one for one in watched.now.members if one.wait in blocked), None)
    if member is None:
        return "its processes wait for one another"
    return f"pid {member.pid} {member.detail or member.wait}"


def _changes(before: Look, now: Look) -> Iterator[_Change]:
    """Compare the processes that both looks saw."""
    earlier = {one.key: one for one in before.members}
    elapsed = max(now.at - before.at, _MOMENT)
    for one in now.members:
        was = earlier.get(one.key)
        if was is not None:
            moved = None if None in (one.moved, was.moved) else (one.moved or 0) - (was.moved or 0)
            yield _Change(
                pulse=one,
                share=(one.cpu - was.cpu) / elapsed,
                switches=one.switches - was.switches,
                faults=one.faults - was.faults,
                reaped=one.reaped - was.reaped,
                moved=moved,
                was=was.wait,
            )


def _seen(watched: Watched, observed_at: datetime) -> Iterator[str]:
    """Say what every signal showed, for a person who has to decide."""
    now = watched.now
    changes = tuple(_changes(watched.before, now))
    elapsed = now.at - watched.before.at
    share = sum(one.share for one in changes)
    switches = sum(one.switches for one in changes)
    moved = [one.moved for one in changes]
    bytes_moved = sum(one for one in moved if one is not None)
    told = "cannot be read" if None in moved else counted(bytes_moved, "byte")
    yield (
        f"between two looks {elapsed:.1f} s apart: {share:.0%} of a processor used, "
        f"{counted(switches, 'time')} woken up, moved: {told}"
    )
    last = last_sign(watched)
    if last is None:
        yield "no sign of life was found in its worktree or its logs"
    else:
        named = watched.sign if last == watched.last_sign else "a file it holds open"
        yield f"last sign of life {signals_in_words(observed_at - last)} ago: {named}"
    for one in now.connections:
        quiet = signals_in_words(one.quiet)
        yield f"pid {one.pid} is connected to {one.peer}, silent for {quiet}"


def shares(watched: Watched) -> dict[Key, float]:
    """Return what share of one processor each process used between the two looks."""
    return {one.pulse.key: one.share for one in _changes(watched.before, watched.now)}


def signals_in_words(span: timedelta | float) -> str:
    """Say how long something is; a number is seconds."""
    seconds = max(span.total_seconds() if isinstance(span, timedelta) else span, 0.0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
