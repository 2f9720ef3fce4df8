"""Plan the way out for the state's file: copy, stop who keeps it, re-open, or rebuild and replace."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from unjam.domain.scenarios.database.find import NO_ROOM
from unjam.domain.steps.plan import Plan, Step, only_safe
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.steps.state_steps import (
    DUPLICATE,
    READER,
    STRANDED,
    KeepState,
    OpenState,
    RebuildState,
    ReplaceState,
    StopHolder,
    UseLog,
    VacuumState,
)
from unjam.domain.world.database import (
    Activity,
    Database,
    Holder,
    Soundness,
    TableCount,
    command_in_words,
    duplicates,
    holder_in_words,
    left_in_log,
    pinned,
)
from unjam.domain.world.elsewhere import may_serve_others
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth

_OURS = (OpenState, RebuildState, ReplaceState, UseLog)
_EVERYBODYS = (StepClass.STOP, StepClass.DATABASE)
_TIMEOUT = (
    "a busy_timeout holds for one connection only, so none that is set from outside helps: the "
    "orchestrator itself has to open its database with one, sqlite3.connect(path, timeout=30), or "
    "run PRAGMA busy_timeout = 30000 on every new connection, and BEGIN IMMEDIATE what it writes"
)
_CONTESTED = (
    "others have committed since, beside its deleted log, and only one of the two can stay; "
    "the vault has both: choose which"
)


def plan_database(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the recovery of the state's file; it is everybody's, so never for some workstreams only."""
    database = snapshot.database
    if request.workstreams is not None:
        return Plan(snapshot.repo)
    if database is None:
        return Plan(snapshot.repo, only_safe(_owed(owed, policy)))
    is_owed = any(isinstance(one, OpenState) for one in owed)
    planner = _Planner(snapshot, policy, database, request, is_owed=is_owed)
    wanted = tuple(planner.steps())
    steps = only_safe(tuple(one for one in wanted if not planner.is_off(one.step_class)))
    if not any(database.stranded()):
        steps = _worth_it(steps)
    return Plan(snapshot.repo, steps, tuple(planner.notes(wanted, steps)))


def _owed(owed: tuple[Step, ...], policy: Policy) -> tuple[Step, ...]:
    """Take over what a killed run still wanted of a state that looks well now."""
    left = [one for one in owed if isinstance(one, OpenState | UseLog)]
    kept = [KeepState(subject=one.subject, reason=_WHY_COPY, path=one.path) for one in left[:1]]
    return tuple(
        one for one in (*kept, *left) if policy.approval(one.step_class) is not Consent.OFF
    )


def _worth_it(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Copy nothing if nothing else is done."""
    return steps if any(not isinstance(one, KeepState) for one in steps) else ()


_WHY_COPY = "all of its files, byte for byte, before anything is done"


@dataclass(frozen=True, slots=True)
class _Target:
    """One who is to be stopped, and why."""

    process: ProcessIdentity
    reason: str
    because: str


class _Planner:
    """One recovery of one file."""

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy,
        database: Database,
        request: Request,
        *,
        is_owed: bool,
    ) -> None:
        self.request = request
        self.is_owed = is_owed  # a killed run had meant to open it
        self.snapshot = snapshot
        self.policy = policy
        self.database = database
        self.place = snapshot.place(database.path)
        # Whoever ends writes the pages of his log over those of the others.
        self.targets = () if self.database.is_contested else tuple(self._targets())
        self.obstacle = self._obstacle()

    def is_off(self, step_class: StepClass) -> bool:
        """Tell whether policy switched a class of steps off, or a person is to be asked and is not."""
        return self.policy.approval(step_class) is Consent.OFF or self._must_ask(step_class)

    def _must_ask(self, step_class: StepClass) -> bool:
        """Tell what is not done unasked to a file of which others may be at work on other machines."""
        unasked = self.policy.approval(step_class) is Consent.AUTO
        return unasked and step_class in _EVERYBODYS and may_serve_others(self.snapshot)

    def steps(self) -> Iterator[Step]:
        """Yield every step, the copy first."""
        path, place = self.database.path, self.place
        yield KeepState(subject=place, reason=_WHY_COPY, path=path)
        for one in self.targets:
            yield StopHolder(
                subject=f"pid {one.process.pid}",
                reason=one.reason,
                path=path,
                process=one.process,
                because=one.because,
            )
        if not self.obstacle:
            yield from self._repairs()
            yield from self._vacuums()

    def notes(self, wanted: tuple[Step, ...], steps: tuple[Step, ...]) -> Iterator[str]:
        """Say what no step does, and why."""
        if self.obstacle:
            yield f"{self.place} itself is left as it is: {self.obstacle}"
        yield from self._kept()
        yield from self._advice()
        if self.database.is_damaged and not self._found():
            yield (
                f"no row of {self.place} can be found, so it is left as it is; `unjam vault list` shows "
                "the copies that earlier runs made. To start with an empty one, move it aside yourself"
            )
        lost = {
            one.step_class for one in wanted if one not in steps and self.is_off(one.step_class)
        }
        for step_class in sorted(lost):
            if self._must_ask(step_class):
                yield (
                    f"steps of class {step_class} are left out: policy.{step_class} is auto, and others may "
                    f"use {self.place}; to be asked: UNJAM_POLICY__{step_class.upper()}=ask unjam recover "
                    "database_lock"
                )
                continue
            yield f"steps of class {step_class} are left out: policy.{step_class} is off"
        sharing = self.snapshot.sharing
        if sharing and sharing.because and any(one.step_class in _EVERYBODYS for one in steps):
            yield f"{sharing.because}: make sure that nobody has it open whom this machine cannot see"
        if any(isinstance(one, _OURS) for one in steps):
            yield _TIMEOUT
        if self.request.vacuum and not any(isinstance(one, VacuumState) for one in wanted):
            yield "no VACUUM now: it needs a sound file that nobody has open"

    def _repairs(self) -> Iterator[Step]:
        database = self.database
        path, place = database.path, self.place
        if database.is_damaged:
            if self._found():
                yield from self._rebuild()
            return
        left = left_in_log(database)
        if (
            self.targets
            or left
            or self.is_owed
            or database.hot_journal is Truth.YES
            or pinned(database)
        ):
            yield OpenState(subject=place, reason=self._why_open(left), path=path)
            if database.mode == "rollback" and not self._still_used():
                yield UseLog(
                    subject=place,
                    reason="then who reads and who writes do not wait for each other",
                    path=path,
                )

    def _vacuums(self) -> Iterator[Step]:
        """Rewrite it, where that was asked for and nobody is left who has it open."""
        if self.request.vacuum and not self.database.is_damaged and not self._still_used():
            yield VacuumState(
                subject=self.place,
                reason="you asked for it: it is rewritten without its holes",
                path=self.database.path,
            )

    def _still_used(self) -> bool:
        going = {one.process.pid for one in self.targets}
        alive = (one.identity.pid for one in self.snapshot.orchestrators())
        return bool({*alive, *(one.pid for one in self.database.holders)} - going)

    def _rebuild(self) -> Iterator[Step]:
        path, place = self.database.path, self.place
        rows = tuple((one.table, one.found) for one in self._found())
        listed = ", ".join(map(_told, self._found()))
        yield RebuildState(
            subject=place,
            reason=f"it is {self.database.shape}; rows that can be had: {listed}",
            path=path,
            rows=rows,
            wal=not self.database.file_system,
        )
        yield ReplaceState(
            subject=place,
            reason=f"the new file holds {listed}{self._lacks()}; the old ones are kept in the vault",
            path=path,
        )

    def _lacks(self) -> str:
        missing = "; ".join(self.database.missing)
        return f"; {missing}" if missing else ""

    def _why_open(self, left: int) -> str:
        if self.database.hot_journal is Truth.YES:
            return "SQLite rolls back what a dead process left half written"
        if left:
            return f"SQLite folds {left} committed pages of a dead process's log in"
        return "once nobody keeps it: prove that it is whole, and fold its log in"

    def _targets(self) -> Iterator[_Target]:
        """Name whoever is to be stopped: who hangs over it, and orchestrators that are too many."""
        taken = set()
        for one in (*self.database.blockers(), *pinned(self.database)):
            if one.process is not None and one.pid not in taken and not self._why_kept(one):
                taken.add(one.pid)
                reason = f"it holds {', '.join(one.locks)} on {self.place}: {one.because}"
                because = str(one.activity) if one.blocks else READER
                yield _Target(one.process, f"{holder_in_words(one)}: {reason}", because)
        for one in self.database.stranded():
            if (
                one.process is not None
                and one.pid not in taken
                and not self._why_kept_stranded(one)
            ):
                taken.add(one.pid)
                reason = f"{holder_in_words(one)}: what it commits goes into a deleted file"
                yield _Target(one.process, reason, STRANDED)
        left = [one for one in self.database.bosses if one.process.pid not in taken]
        if len(left) > 1:
            for boss in duplicates(self.database) or ():
                if boss.process.pid not in taken:
                    command = command_in_words(boss.command)
                    reason = f"it is one orchestrator too many ({command}); its agents are let be"
                    yield _Target(boss.process, reason, DUPLICATE)

    def _why_kept_stranded(self, one: Holder) -> str:
        """Say why somebody is not stopped who works on deleted files, be it that he works."""
        if self.database.path.name in one.deleted:
            return "the whole database it works on has lost its name; stop it yourself, politely"
        if self.database.is_contested:
            return _CONTESTED
        return self._why_kept(replace(one, activity=Activity.IDLE, spared=""))

    def _why_kept(self, one: Holder) -> str:
        """Say why somebody who keeps the state is not stopped; empty if he is."""
        works = one.activity is Activity.WORKS
        obstacles = {
            "unjam itself runs in it": one.is_ours,
            "it cannot be seen from here": one.process is None,
            f"it works ({one.because}); wait for it, or stop it yourself": works,
            f"{one.spared}; wait for it, or look at it and then: {_way_on(one)}": bool(one.spared),
            f"what it does cannot be told; look at it, then: kill {one.pid}": not one.hangs,
            f"somebody sits at its terminal; end it there, or: kill {one.pid}": one.is_personal,
            f"it is no part of this orchestration; if it may go: kill {one.pid}": not one.is_near,
        }
        return next((why for why, holds in obstacles.items() if holds), "")

    def _kept(self) -> Iterator[str]:
        for one in (*self.database.blockers(), *pinned(self.database)):
            why = self._why_kept(one)
            if why:
                yield f"{holder_in_words(one)} is not stopped: {why}"
        if duplicates(self.database) is None:
            yield "of two orchestrators that are alike none is stopped: stop one of them yourself"
        for one in self.database.stranded():
            why = self._why_kept_stranded(one)
            if why:
                yield (
                    f"{holder_in_words(one)} works on deleted files, which are copied into the vault, and is not "
                    f"stopped: {why}"
                )

    def _obstacle(self) -> str:
        """Say what keeps the file from being repaired now; empty if nothing does."""
        database = self.database
        going = (
            {one.process.pid for one in self.targets} if not self.is_off(StepClass.STOP) else set()
        )
        if database.file_system:
            return "it is on a network file system, where no lock can be relied on; move it to a local disk"
        if database.free is not None and database.free < NO_ROOM:
            return "its disk is full; make room elsewhere, its log is never deleted for that"
        if self.database.is_contested:
            return _CONTESTED
        return database.read_only or self._obstacle_by_holders(going)

    def _obstacle_by_holders(self, going: Collection[int]) -> str:
        database = self.database
        blocking = next((one for one in database.blockers() if one.pid not in going), None)
        if blocking is not None:
            return f"{holder_in_words(blocking)} keeps it"
        open_still = next((one for one in database.holders if one.pid not in going), None)
        if open_still is not None and database.is_damaged:
            return f"{holder_in_words(open_still)} has it open, and would go on with the old file"
        if database.shape is Soundness.UNREAD and not going:
            return database.because
        return ""

    def _advice(self) -> Iterator[str]:
        if self.database.hot_journal is Truth.UNKNOWN:
            yield "whether its journal belongs to somebody who lives cannot be told on this system"

    def _found(self) -> tuple[TableCount, ...]:
        return tuple(one for one in self.database.tables if one.found)


def _way_on(one: Holder) -> str:
    """Name the commands with which a person lets a holder go on, or ends it."""
    goes_on = f"kill -CONT {one.pid} (it goes on), or " if one.activity is Activity.STOPPED else ""
    return f"{goes_on}kill {one.pid} (what it has not committed is lost)"


def _told(one: TableCount) -> str:
    """Say what there is of a table before anybody has to agree to it."""
    loose = f", {one.loose} of them on loose pages: some may have been deleted" if one.loose else ""
    read = "none" if one.read is None else one.read
    return f"{one.table}: {one.found} rows (SQLite reads {read}{loose})"


def is_asked(request: Request, owed: tuple[Step, ...]) -> bool:
    """Tell whether the state is to be rewritten, or a killed run has begun with it."""
    return request.vacuum or any(one.step_class is StepClass.DATABASE for one in owed)
