"""What keeps the state from being used: who holds it, what was left of whom, what is damaged."""

from collections.abc import Iterator
from datetime import UTC, datetime

from unjam.domain.world.database import (
    Activity,
    Boss,
    Database,
    Holder,
    Soundness,
    Wal,
    command_in_words,
    duplicates,
    holder_in_words,
    left_in_log,
    pinned,
)
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted

SCENARIO = Scenario("database_lock")

NO_ROOM = 1 << 20  # bytes


def find_database_lock(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what keeps the state from being read or written; nothing where it looked well at a glance."""
    if snapshot.database is None:
        return
    finder = _Finder(snapshot, snapshot.database)
    yield from finder.of_the_file()
    yield from finder.of_holders()
    yield from finder.of_leftovers()


class _Finder:
    """All findings of one file."""

    def __init__(self, snapshot: Snapshot, database: Database) -> None:
        self.snapshot = snapshot
        self.database = database
        self.place = snapshot.place(database.path)

    def of_the_file(self) -> Iterator[Finding]:
        """Find what is wrong with the file or with where it is."""
        database = self.database
        if database.is_damaged:
            summary = f"{self.place} is {database.shape}: {database.because}"
            yield self._finding(str(database.shape), Severity.ERROR, summary, self._counts())
        if database.file_system:
            severity = Severity.ERROR if database.shape is Soundness.UNREAD else Severity.WARNING
            summary = (
                f"{self.place} is on a network file system ({database.file_system}): neither its "
                "locks nor a write-ahead log can be relied on there"
            )
            yield self._finding("network file system", severity, summary, ())
        if database.free is not None and database.free < NO_ROOM:
            summary = f"{self.place}: its disk is full, so nothing can be written"
            yield self._finding("disk full", Severity.ERROR, summary, ())
        if database.read_only:
            cause = "read-only" if "mounted" in database.read_only else "permission"
            summary = f"{self.place} cannot be written: {database.read_only}"
            yield self._finding(cause, Severity.ERROR, summary, ())

    def of_holders(self) -> Iterator[Finding]:
        """Find who keeps it from others."""
        database = self.database
        yield from self._duplicates()
        blockers = tuple(database.blockers())
        for one in blockers:
            cause, severity, does = _cause_of(one)
            summary = f"{self.place} is locked by {holder_in_words(one)}: {does}"
            yield self._about(one, cause, severity, summary)
        is_kept = "locked" in database.because and not database.is_in_use
        if database.shape is Soundness.UNREAD and not blockers and is_kept:
            summary = f"{self.place} is locked, and nobody who holds it can be seen"
            untold = tuple(Evidence("processes", one) for one in database.untold)
            yield self._finding("unseen holder", Severity.ERROR, summary, untold)
        for one in pinned(database):
            summary = f"{self.place}: its log only grows, because {holder_in_words(one)} reads and does not end"
            yield self._about(one, "pinned log", Severity.WARNING, summary)
        for one in database.stranded():
            names = ", ".join(one.deleted)
            summary = f"{holder_in_words(one)} works on deleted files: {names}; what it commits has no name"
            yield self._about(one, "deleted under its holder", Severity.ERROR, summary)

    def of_leftovers(self) -> Iterator[Finding]:
        """Find what a process left that died over it."""
        database = self.database
        if database.hot_journal is not Truth.NO:
            summary = f"{self.place}: a process ended in the middle of a write; its journal has to be rolled back"
            yield self._finding("hot journal", Severity.WARNING, summary, ())
        left = left_in_log(database)
        if left and not database.is_damaged:
            summary = (
                f"{self.place}: {counted(left, 'committed page')} of it are only in the log "
                "that a dead process left; whoever deletes that loses them"
            )
            yield self._finding("left by a dead holder", Severity.WARNING, summary, ())

    def _duplicates(self) -> Iterator[Finding]:
        bosses = self.database.bosses
        if not bosses:
            return
        extra = duplicates(self.database)
        evidence = [Evidence("processes", _boss_in_words(one, extra)) for one in bosses]
        pids = ", ".join(str(one.process.pid) for one in bosses)
        yield Finding(
            scenario=SCENARIO,
            cause="duplicate orchestrator",
            severity=Severity.ERROR,
            summary=f"{len(bosses)} orchestrators are at work on {self.place}: pids {pids}",
            subjects=tuple(Subject("process", f"pid {one.process.pid}") for one in bosses),
            evidence=(*evidence, *self._evidence()),
        )

    def _about(self, one: Holder, cause: str, severity: Severity, summary: str) -> Finding:
        subjects = (Subject("state", self.place), Subject("process", f"pid {one.pid}"))
        evidence = (*_holder_evidence(one), *self._evidence())
        return Finding(SCENARIO, cause, severity, summary, subjects, evidence)

    def _finding(
        self, cause: str, severity: Severity, summary: str, evidence: tuple[Evidence, ...]
    ) -> Finding:
        others = tuple(fact for one in self.database.holders for fact in _holder_evidence(one))
        return Finding(
            scenario=SCENARIO,
            cause=cause,
            severity=severity,
            summary=summary,
            subjects=(Subject("state", self.place),),
            evidence=(*evidence, *others, *self._evidence()),
        )

    def _counts(self) -> tuple[Evidence, ...]:
        if not self.database.tables:
            return (Evidence("state", "no row of it can be found"),)
        return tuple(
            Evidence(
                "state",
                f"{one.table}: SQLite reads {'none' if one.read is None else one.read} of its rows, "
                f"{one.found} can be recovered"
                + (f" ({one.loose} from pages nothing leads to)" if one.loose else ""),
            )
            for one in self.database.tables
        )

    def _evidence(self) -> Iterator[Evidence]:
        database = self.database
        mode = {"wal": "a write-ahead log", "rollback": "a rollback journal"}.get(database.mode)
        written = (
            f", last written {database.written_at:%Y-%m-%d %H:%M:%SZ}"
            if database.written_at
            else ""
        )
        works = f", works with {mode}" if mode else ""
        yield Evidence("files", f"{database.size:,} bytes{works}{written}")
        if database.wal is not None and database.wal.size:
            yield Evidence("files", _log_in_words(database.wal))
        yield from (Evidence("processes", one) for one in database.untold)


_CAUSES = {
    Activity.STOPPED: ("stopped holder", Severity.ERROR, "it is stopped while it holds its lock"),
    Activity.IDLE: ("hung holder", Severity.ERROR, "it hangs while it holds its lock"),
    Activity.WORKS: ("long transaction", Severity.WARNING, "it works in a long transaction"),
    Activity.UNKNOWN: ("unseen holder", Severity.ERROR, "what it does cannot be told"),
}


def _cause_of(one: Holder) -> tuple[str, Severity, str]:
    """Name what a holder does; that one hangs is only said where nothing speaks for it."""
    if one.activity is Activity.IDLE and one.spared:
        does = f"it does nothing now, and whether it hangs cannot be told: {one.spared}"
        return "waiting holder", Severity.WARNING, does
    return _CAUSES[one.activity]


def _holder_evidence(one: Holder) -> Iterator[Evidence]:
    kinds = ", ".join(one.locks) or "no lock, but has it open"
    reads = f", reads as of page {one.reads_to} of its log" if one.reads_to is not None else ""
    yield Evidence("processes", f"{holder_in_words(one)} holds {kinds}{reads}")
    if one.process is not None:
        role = (
            f"{one.role}, "
            if one.role
            else ""
            if one.is_near
            else "a stranger to this orchestration, "
        )
        since = _moment(one.process.started)
        yield Evidence("processes", f"{role}user {one.process.user}, started {since}")
    if one.because:
        yield Evidence("processes", one.because)
    if one.spared:
        yield Evidence("processes", f"it is not taken to hang: {one.spared}")
        yield Evidence("processes", f"to end it all the same: kill {one.pid}")
    if one.activity is Activity.STOPPED:
        yield Evidence("processes", f"to let it go on instead of stopping it: kill -CONT {one.pid}")
    if one.deleted:
        yield Evidence("files", f"it has open, though deleted: {', '.join(one.deleted)}")


def _boss_in_words(one: Boss, extra: tuple[Boss, ...] | None) -> str:
    which = (
        "cannot tell which is too many"
        if extra is None
        else "too many"
        if one in extra
        else "stays"
    )
    lock = ", holds a lock of its own beside the state" if one.has_lock else ""
    return (
        f"pid {one.process.pid} ({command_in_words(one.command)}), started "
        f"{_moment(one.process.started)}, {counted(one.agents, 'living agent')}{lock}: {which}"
    )


def _log_in_words(log: Wal) -> str:
    folded = (
        "how many are in the database too cannot be told"
        if log.folded is None
        else f"{log.folded} are in the database too"
    )
    return f"log of {log.size:,} bytes, generation {log.generation}: {log.frames} committed pages, {folded}"


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"
