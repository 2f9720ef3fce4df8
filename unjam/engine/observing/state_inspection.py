"""A close look at the state's file: its shape, who holds it and how, and what keeps it from working; kept apart for import time."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from unjam.adapters import clock, disk, mounts
from unjam.adapters.processes.identity import is_same
from unjam.adapters.processes.locks.lock_table import HeldLock, locks_on
from unjam.adapters.processes.locks.open_files import (
    OpenFile,
    Person,
    deleted_file,
    openers_of,
    persons_of,
    started_by,
)
from unjam.adapters.processes.looking.agent_tree import WantedAgent, look_at_agents
from unjam.adapters.processes.looking.vitals import (
    Vitals,
    activity,
    seconds_still,
    vitals_of,
)
from unjam.adapters.state.file import companion_file
from unjam.adapters.state.file_format import FileFormat, last_commit, read_format, reading_marks
from unjam.adapters.state.files.lock_probe import probe_locks
from unjam.adapters.state.files.soundness import frames_seen, soundness_of
from unjam.adapters.state.rescuing.rebuild import Rebuilt, recoverable
from unjam.domain.world.agents.holders import LockEvidence, why_spared
from unjam.domain.world.agents.signs import Look, Watched
from unjam.domain.world.database import (
    BLOCKING,
    READS,
    SIDES,
    Activity,
    Boss,
    Database,
    Holder,
    LockKind,
    Soundness,
    holder_in_words,
    lock_kinds,
)
from unjam.domain.world.identity import ProcessIdentity, Role
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth
from unjam.engine.orchestration import Orchestration, state_file
from unjam.errors import UnjamError

_INTERVAL = 1.0  # seconds between two looks, or hang.interval where that is shorter
_INSTANT = 0.003  # seconds between two glimpses
_BEAT = 0.02  # seconds; most locks are gone by then
_FOLDING = 1.0  # seconds at most from a commit into the log until its writer has folded it in
_UNSEEN = "who holds it cannot be seen from here: another container, machine or user"
_NO_LOCKS = (
    "this system does not tell who holds a lock, only who has the file open; so the kind of lock, "
    "and whether it keeps others from writing, cannot be told"
)
_DOES_NOT_LET_GO = (*BLOCKING, LockKind.WAL_READ)


def inspect_state(
    orchestration: Orchestration,
    snapshot: Snapshot,
    *,
    thorough: bool = False,
    held: Collection[int] = (),
) -> Database | None:
    """Look at everything there is to see of the state's file; changes nothing, waits a second at most.

    ``held`` are processes that we stopped for a moment: that they ran since says nothing of them.
    """
    path = state_file(orchestration)
    if path is None:
        return None
    commit = last_commit(path)
    grips = _grips(path, min(orchestration.settings.hang.interval.total_seconds(), _INTERVAL))
    anatomy = read_format(path)
    holders = tuple(_holders(path, snapshot, grips, anatomy, held))
    shape, because = soundness_of(path, thorough=thorough)
    if shape is Soundness.SOUND and not holders:
        shape, because = _by_its_log(path, anatomy)
    read_only = mounts.why_not_writable(path)
    found = Database(
        path=path,
        shape=shape,
        because=because,
        mode=anatomy.mode,
        size=anatomy.size,
        wal=anatomy.wal,
        hot_journal=_hot(anatomy, holders, grips.told),
        is_in_use=last_commit(path) != commit,
        written_at=anatomy.written_at,
        holders=holders,
        bosses=tuple(_bosses(path, snapshot)),
        free=_free(path),
        read_only=read_only,
        file_system=mounts.shared_kind(path),
        untold=() if grips.told else (_NO_LOCKS,),
        unseen_log=_unseen_log(anatomy, holders, grips),
    )
    if found.is_in_use:  # then what looked like a dead process's journal was a living one's
        found = replace(found, hot_journal=Truth.NO)
    if not found.is_damaged:
        return found
    made = _recoverable(path)
    return replace(found, tables=made.counts, missing=made.missing)


@dataclass
class _Grips:
    """Who held what in both of two looks, and what he did in between."""

    told: bool = True  # whether the system tells of locks at all
    locks: dict[int, tuple[LockKind, ...]] = field(default_factory=dict)
    did: dict[int, tuple[Activity, str]] = field(default_factory=dict)
    opened: dict[int, list[OpenFile]] = field(default_factory=dict)
    marks: dict[int, list[int]] = field(default_factory=dict)  # in the index of its log, by pid
    trees: dict[int, tuple[Look, Look]] = field(default_factory=dict)  # of those that keep it


def _grips(path: Path, interval: float) -> _Grips:
    files = [str(companion_file(path, side)) for side in SIDES]
    first = _held(files)
    grips = _Grips(told=first is not None)
    for one in openers_of(files):
        grips.opened.setdefault(one.pid, []).append(one)
    watched = set(grips.opened) if first is None else _keeping(first)
    if not watched:
        grips.locks = first or {}
        return grips
    clock.pause(_BEAT)  # most locks that are seen are of work that goes on
    before = {pid: vitals_of(pid, clock.monotonic()) for pid in watched}
    trees = _trees(watched, files)
    goes_on = first is None or not watched.isdisjoint(_keeping(_held(files) or {}))
    begun = _begun(path, files) if goes_on else {}
    stays = goes_on and _stays_kept(path, interval)
    last = _held(files) or {}
    grips.marks = dict(_marks(files))
    later = _begun(path, files)
    reads_on = {pid for pid, marks in later.items() if marks & begun.get(pid, set())}
    for pid in watched | set(grips.opened):
        grips.did[pid] = _did(before.get(pid), pid)
    later_trees = _trees(watched, files) if goes_on else {}
    grips.trees = {pid: (trees[pid], one) for pid, one in later_trees.items() if pid in trees}
    for pid, kinds in (first or {}).items():
        let_go = set() if stays else set(BLOCKING)
        if pid not in reads_on:
            let_go.add(LockKind.WAL_READ)
        grips.locks[pid] = tuple(
            one for one in kinds if one in last.get(pid, ()) and one not in let_go
        )
    return grips


def _trees(pids: Collection[int], files: Collection[str]) -> dict[int, Look]:
    """Look at each of them and all it started, as at an agent that may hang."""
    wanted = {str(pid): WantedAgent((pid,), shared=frozenset(files)) for pid in pids if pid > 0}
    return {int(pid): look for pid, look in look_at_agents(wanted).items()}


def _stays_kept(path: Path, interval: float) -> bool:
    """Let the time pass; tell whether others could never have written in it.

    Who commits again and again holds a lock at most instants, and still lets everybody in.
    """
    end, before = clock.monotonic() + interval, last_commit(path)
    stays = True
    while clock.monotonic() < end:
        clock.pause(_INSTANT)
        stays = stays and probe_locks(path).is_kept
    return stays and last_commit(path) == before


def _did(before: Vitals | None, pid: int) -> tuple[Activity, str]:
    return activity(before, vitals_of(pid, clock.monotonic()))


def _held(files: Collection[str]) -> dict[int, tuple[LockKind, ...]] | None:
    """Return the locks on the database by who holds them; None where the system does not tell."""
    locks = locks_on(one for one in files if not one.endswith(("-wal", "-journal")))
    if locks is None:
        return None
    found: dict[int, list[LockKind]] = {}
    for one in locks:
        found.setdefault(one.pid, []).extend(kinds_of(one))
    return {pid: tuple(dict.fromkeys(kinds)) for pid, kinds in found.items()}


def _keeping(held: Mapping[int, tuple[LockKind, ...]]) -> set[int]:
    return {pid for pid, kinds in held.items() if any(one in _DOES_NOT_LET_GO for one in kinds)}


def _holders(
    path: Path, snapshot: Snapshot, grips: _Grips, anatomy: FileFormat, held: Collection[int]
) -> Iterator[Holder]:
    pids = {pid for pid, kinds in grips.locks.items() if kinds} | set(grips.opened)
    known = persons_of(pids)
    roles = {one.identity.pid: one.role for one in snapshot.processes}
    places = (str(snapshot.repo), *(str(tree.path) for tree in snapshot.worktrees))
    for pid in sorted(pids):
        person = known.get(pid)
        did, because = grips.did.get(pid, (Activity.UNKNOWN, ""))
        deleted = [one for one in grips.opened.get(pid, ()) if one.is_deleted]
        locks = grips.locks.get(pid, ())
        holder = Holder(
            pid=pid,
            process=person.identity if person else None,
            command=person.entry.command if person else (),
            role=roles.get(pid),
            locks=locks,
            activity=did,
            because=because if person else _UNSEEN,
            deleted=tuple(dict.fromkeys(Path(one.path).name for one in deleted)),
            is_overtaken=any(_is_older(one, path) for one in deleted),
            reads_to=_reads_to(grips.marks.get(pid, ()), anatomy),
            is_near=pid in roles or (person is not None and _is_near(person, places, path)),
            is_personal=bool(person and person.is_personal and pid not in roles),
            is_ours=bool(person and person.is_ours),
        )
        still = None if pid in held else seconds_still(pid)
        yield _judged(holder, snapshot, grips.trees.get(pid), anatomy, still)


def _judged(
    holder: Holder,
    snapshot: Snapshot,
    looks: tuple[Look, Look] | None,
    anatomy: FileFormat,
    still: float | None,
) -> Holder:
    """Say what speaks for one that keeps others away and does nothing."""
    if not any(one in _DOES_NOT_LET_GO for one in holder.locks):
        return holder
    if looks is None:
        return replace(holder, spared="what it waits for could not be looked at")
    seen = Watched("", snapshot.patience, *looks, last_sign=anatomy.written_at)
    evidence = LockEvidence(clock.now(), still, anatomy.has_transaction)
    spared = why_spared(holder, seen, evidence)
    return replace(holder, spared=spared)


def _is_older(deleted: OpenFile, path: Path) -> bool:
    """Tell a deleted log with commits from before the database was last written."""
    if deleted.number is None or not deleted.path.endswith("-wal"):
        return False
    try:
        log = deleted_file(deleted).stat()
        return log.st_size > 0 and path.stat().st_mtime > log.st_mtime + _FOLDING
    except OSError:
        return False


def _is_near(person: Person, places: Collection[str], path: Path) -> bool:
    """Tell who works in the orchestration, or names its state."""
    inside = f"{person.entry.cwd}/"
    if person.entry.cwd is not None and any(inside.startswith(f"{one}/") for one in places):
        return True
    return any(str(path) in word or os.path.realpath(path) in word for word in person.entry.command)


def kinds_of(lock: HeldLock) -> Iterator[LockKind]:
    """Name what a lock of the system's is to SQLite."""
    side = "-shm" if lock.path.endswith("-shm") else ""
    return lock_kinds(side, lock.first, lock.last, writes=lock.writes)


def _marks_of(lock: HeldLock) -> range:
    """Return which of the five marks of a log's readers a lock on its index covers."""
    first, last = max(lock.first, READS.start), min(lock.last + 1, READS.stop)
    return range(first - READS.start, last - READS.start)


def _marks(files: Collection[str]) -> Iterator[tuple[int, list[int]]]:
    found: dict[int, list[int]] = {}
    for one in locks_on(one for one in files if one.endswith("-shm")) or ():
        found.setdefault(one.pid, []).extend(_marks_of(one))
    return iter(found.items())


def _begun(path: Path, files: Collection[str]) -> dict[int, set[tuple[bytes, int]]]:
    """Return where the readings of the log began that go on, by pid."""
    marks = reading_marks(path)
    if not marks:
        return {}
    return {pid: {marks[one] for one in held} for pid, held in _marks(files)}


def _reads_to(marks: Collection[int], anatomy: FileFormat) -> int | None:
    """Return the page of the log the oldest of its readings begins behind."""
    known = [anatomy.reads[one] for one in marks if one < len(anatomy.reads)]
    return min(known, default=None)


def _by_its_log(path: Path, anatomy: FileFormat) -> tuple[Soundness, str]:
    """Compare what a log holds with what SQLite would use of it; nobody has it open."""
    if anatomy.wal is None or not anatomy.wal.frames or anatomy.wal.folded == anatomy.wal.frames:
        return Soundness.SOUND, ""
    seen = frames_seen(path)
    if seen is None or seen >= anatomy.wal.frames:
        return Soundness.SOUND, ""
    lost = anatomy.wal.frames - seen
    because = f"its log is damaged at page {seen + 1}: SQLite would drop the {lost} behind it"
    return Soundness.MALFORMED, because


def _unseen_log(anatomy: FileFormat, holders: Collection[Holder], grips: _Grips) -> str:
    """Say why somebody may work on a log that has lost its name, and not be seen to."""
    if anatomy.mode != "wal" or not holders:
        return ""
    if not grips.told:
        return f"{_NO_LOCKS}; nor whether somebody works on a log that was deleted under him"
    for one in holders:
        is_beside = LockKind.SHARED in one.locks and LockKind.WAL_OPEN not in one.locks
        if is_beside and one.pid not in grips.opened:
            return (
                f"{holder_in_words(one)} does not use the log beside the database, and what it has open "
                "cannot be read from here: it may work on one that was deleted under it"
            )
    return ""


def _hot(anatomy: FileFormat, holders: Collection[Holder], told: bool) -> Truth:  # noqa: FBT001 -- passed on as it came
    if not anatomy.has_hot_journal or any(one.blocks for one in holders):
        return Truth.NO
    return Truth.YES if told else Truth.UNKNOWN


def _bosses(path: Path, snapshot: Snapshot) -> Iterator[Boss]:
    """Describe the orchestrators, where there are several."""
    found = [one for one in snapshot.orchestrators() if one.certain]
    if len(found) < 2:  # noqa: PLR2004 -- several
        return
    agents = [one.identity.pid for one in snapshot.processes if one.role is Role.AGENT]
    beside_state = [str(one) for one in path.parent.iterdir() if one.is_file()]
    state = {str(companion_file(path, side)) for side in SIDES}
    locked = {one.pid for one in locks_on(set(beside_state) - state) or ()}
    for one in found:
        pid = one.identity.pid
        yield Boss(one.identity, one.command, started_by(pid, agents), pid in locked)


def _free(path: Path) -> int | None:
    with suppress(UnjamError):
        return disk.free_bytes(path)
    return None


def _recoverable(path: Path) -> Rebuilt:
    with suppress(UnjamError):
        return recoverable(path)
    return Rebuilt(())


def is_alive(process: ProcessIdentity) -> bool:
    """Tell whether this very process may still live."""
    return is_same(process) is not Truth.NO


def deleted_files(path: Path) -> dict[str, OpenFile]:
    """Name the open files of the state that have lost their names, each once, by what to call it."""
    files = [str(companion_file(path, side)) for side in SIDES]
    found: dict[str, OpenFile] = {}
    for one in openers_of(files):
        if one.is_deleted and one.number is not None:
            found.setdefault(f"{Path(one.path).name}.deleted-{one.pid}", one)
    return found
