"""Plan the way out of broken tests: take the culprit out, tell the remote and the row, do it again.

What is taken out, and that the whole suite then passes, was tried before this plan was made; what
could not be proven is handed to a person with the commands.
"""

from collections.abc import Iterator
from dataclasses import replace

from unjam.domain.scenarios.failing_merge.find import by_guilt, unit_at, why_unproven
from unjam.domain.steps.facts import fact
from unjam.domain.steps.plan import Plan, Push, Record, Revert, Rework, Step
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import orchestrator_seen
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Row, Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.trials import Blame, Remedy, TrunkTests, Unit, tests_in_words
from unjam.domain.world.words import printable

AGAIN = "-rework"  # behind the agent's name, in the branch that takes reverted work up again


def plan_failing_merge(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan to revert what is proven to break the tests; the rest is named, with what to do about it."""
    tests = snapshot.tests
    if tests is None or tests.tip != snapshot.trunk_tip or tests.passed:
        return Plan(snapshot.repo, _only_push(owed, snapshot, policy))
    planner = _Planner(snapshot, policy, tests, request.workstreams)
    steps = tuple(
        one for one in planner.steps() if policy.approval(one.step_class) is not Consent.OFF
    )
    if not any(isinstance(one, Revert) for one in steps):
        steps = ()  # nothing of what follows a revert stands for itself
    return Plan(snapshot.repo, steps, tuple(planner.notes()))


def _only_push(owed: tuple[Step, ...], snapshot: Snapshot, policy: Policy) -> tuple[Step, ...]:
    """Take over what a killed run had left to do once its revert was made."""
    return tuple(
        replace(one, status=Status.REVERTED, message="it broke the tests")
        if isinstance(one, Record)
        else one
        for one in owed
        if isinstance(one, Push | Rework) or (isinstance(one, Record) and _is_due(one, snapshot))
        if policy.approval(one.step_class) is not Consent.OFF
    )


def _is_due(step: Record, snapshot: Snapshot) -> bool:
    """Tell whether a row still says that work is in the trunk which this recovery took out."""
    rows = {row.workstream: row for row in snapshot.state.rows}
    row = rows.get(step.workstream) if step.workstream else None
    return row is not None and row.status != Status.REVERTED


class _Planner:
    """One recovery of one trunk."""

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy,
        tests: TrunkTests,
        workstreams: frozenset[WorkstreamId] | None,
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.tests = tests
        self.workstreams = workstreams
        self.facts = (fact("trunk", "", snapshot), fact("orchestrator", "", snapshot))
        self.rows = {row.workstream: row for row in snapshot.state.rows}

    def steps(self) -> Iterator[Step]:
        """Yield every step; none where something forbids the revert."""
        remedy = self.tests.remedy
        if remedy is None or not remedy.passed or self._why_not():
            return
        units = tuple(unit_at(self.tests, one) for one in remedy.units)
        yield self._revert(units)
        owners = [(WorkstreamId(name), unit) for unit in units for name in unit.workstreams]
        for name, unit in owners:
            again = self._again(name, unit)
            if again is not None and unit.after in self._guilty():  # not what was built on them
                yield again
        if self.policy.remote:
            yield Push(
                subject=f"{self.policy.remote} {self.snapshot.trunk_name}",
                reason="the remote has to have the revert",
                remote=self.policy.remote,
            )
        yield from (self._record(row) for name, _ in owners if (row := self.rows.get(name)))

    def _revert(self, units: tuple[Unit, ...]) -> Revert:
        broke = tuple(sorted(self._broke()))
        fail = "fails" if len(broke) == 1 else "fail"
        return Revert(
            subject=", ".join(printable(one.name) for one in units),
            reason=f"{tests_in_words(broke)} {fail} with it and not without it; {self._remedy().because}",
            facts=self.facts,
            units=units,
            guilty=self._guilty(),
            tests=broke,
            known=tuple(sorted(one.test for one in self.tests.cases)),
            shares=tuple(tuple(sorted(self._share(one))) for one in units),
        )

    def _guilty(self) -> tuple[str, ...]:
        """Name what was found guilty by its last commits; the rest only goes with it."""
        guilty = {unit for one in self.tests.cases if one.proven for unit in one.guilty}
        return tuple(unit_at(self.tests, one).after for one in sorted(guilty))

    def _record(self, row: Row) -> Record:
        return Record(
            subject=row.workstream,
            reason=f"its landing is reverted; the row says {row.status}",
            facts=(fact("row of", row.workstream, self.snapshot),),
            workstream=row.workstream,
            status=None,  # reverted, or pending where it is to be done again
            message="",
        )

    def _again(self, name: WorkstreamId, unit: Unit) -> Rework | None:
        """Prepare one rework, where the work has a branch of its own and was not reworked before."""
        row = self.rows.get(name)
        ref = next((ref for ref in unit.branches if f"/{name}/" in f"{ref}/"), None)
        if row is None or ref is None or len(unit.workstreams) != 1 or self._reworked(name):
            return None
        return Rework(
            subject=name,
            reason="once, on a branch from which merging brings the work back",
            workstream=name,
            unit=unit,
            branch=f"{ref}{AGAIN}",
            old=ref,
            told=self._told(unit),
        )

    def _reworked(self, name: WorkstreamId) -> bool:
        mine = (one for one in self.snapshot.branches if one.workstream == name)
        return any(one.ref.endswith(AGAIN) for one in mine)

    def _told(self, unit: Unit) -> str:
        broke = self._share(unit)
        said = [
            f"{one.test}\n{one.output[-1500:]}" for one in self.tests.cases if one.test in broke
        ]
        return printable("\n\n".join(said)[:6000])

    def _broke(self) -> set[str]:
        return {one.test for cases in by_guilt(self.tests).values() for one in cases if one.proven}

    def _share(self, unit: Unit) -> set[str]:
        """Return what one of the guilty units broke."""
        return {
            one.test
            for guilty, cases in by_guilt(self.tests).items()
            for one in cases
            if one.proven and unit.after in {unit_at(self.tests, each).after for each in guilty}
        }

    def _remedy(self) -> Remedy:
        if self.tests.remedy is None:
            raise ValueError("nothing is proven, so there is nothing to revert")
        return self.tests.remedy

    def _why_not(self) -> str:
        """Say what forbids a revert, if something does."""
        living = orchestrator_seen(self.snapshot)
        if living is not None:
            pid = living.identity.pid
            return f"an orchestrator is at work (pid {pid}), and lands on the trunk; stop it first"
        if self.workstreams is None:
            return ""
        units = [unit_at(self.tests, one) for one in self._remedy().units]
        others = sorted({ws for one in units for ws in one.workstreams} - self.workstreams)
        if not all(one.workstreams for one in units):
            others.append("work of no workstream")
        return f"it takes out {', '.join(others)}, which was not named" if others else ""

    def notes(self) -> Iterator[str]:
        """Say what no step does, and why."""
        remedy = self.tests.remedy
        if remedy is not None and (not remedy.passed or self._why_not()):
            names = ", ".join(unit_at(self.tests, one).name for one in remedy.units)
            yield printable(f"{names} stays on the trunk: {self._why_not() or remedy.because}")
        if remedy is not None and self.policy.approval(StepClass.REVERT) is Consent.OFF:
            yield "steps of class revert are left out: policy.revert is off"
        for one in self.tests.cases:
            if one.blame in (Blame.BROKEN, Blame.PAIR) and not one.proven:
                names = ", ".join(unit_at(self.tests, number).name for number in one.guilty)
                yield printable(
                    f"{names} is suspected of {one.test} and not proven: {why_unproven(one)}"
                )
        yield from self._not_reworked()

    def _not_reworked(self) -> Iterator[str]:
        for unit in self.tests.remedy.units if self.tests.remedy else ():
            for name in unit_at(self.tests, unit).workstreams:
                if self._reworked(WorkstreamId(name)):
                    yield f"{shown(name)} was reworked once already: what to do about it is a person's to say"
