"""One run: what it may do, what it has saved and landed so far, and the way a step is carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from unjam.adapters.git.taking.salvage import Salvaged
from unjam.adapters.journal import Journal
from unjam.adapters.processes.running.run import Verification
from unjam.domain.catalogue.codec import to_record
from unjam.domain.catalogue.scenarios import Need, needing, scenarios_of
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import (
    Mend,
    MendShared,
    Recreate,
    Register,
    RestoreBranch,
    RestoreObjects,
    Step,
)
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.steps.scope import Scope
from unjam.domain.world.claims.incomplete import incomplete, why_incomplete
from unjam.domain.world.identity import CommitId, Scenario, WorkstreamId
from unjam.domain.world.lookups import row_named, why_rows_are_hidden
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.engine.keeping.door import Door
from unjam.engine.keeping.past_runs import PastRun
from unjam.engine.observing.observe import observe
from unjam.engine.observing.observe_closely import observe_closely, observe_for
from unjam.engine.orchestration import Orchestration
from unjam.errors import PermanentError, RefusedError

_REPAIRS = tuple(
    one.verb for one in (Mend, MendShared, Recreate, Register, RestoreBranch, RestoreObjects)
)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a person allowed beyond the policy: some classes, or everything it would ask for."""

    everything: bool = False
    classes: frozenset[StepClass] = frozenset()
    plan: str | None = None  # the digest of the plan that was seen; another is refused

    def covers(self, step_class: StepClass, policy: Policy) -> bool:
        """Tell whether steps of this class may be carried out."""
        match policy.approval(step_class):
            case Consent.AUTO:
                return True
            case Consent.ASK:
                return self.everything or step_class in self.classes
            case Consent.OFF:
                return False


@dataclass(frozen=True, slots=True)
class Saved:
    """A salvage of this run."""

    ref: str
    salvaged: Salvaged
    at_risk: bool  # it holds something that no branch does
    uncommitted: bool = True  # and not only commits


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of one landing: a row status that follows from it (None: none does), and why."""

    done: bool
    status: Status | None
    because: str
    advice: str = ""  # what a person can do about it
    blocked_by: WorkstreamId | None = None


@dataclass(slots=True)
class Recovery:
    """The state of one run in this process; whatever must survive is in the journal and the vault."""

    orchestration: Orchestration
    run: str
    journal: Journal | None  # None in a rehearsal
    started: datetime
    policy: Policy
    permission: Permission
    request: Request = EVERYTHING
    killed: tuple[PastRun, ...] = ()  # earlier runs that never ended
    flow_run: Mapping[str, str] | None = None  # id and name, in Prefect
    ended: bool = False
    taken: dict[str, Salvaged] = field(default_factory=dict)  # by worktree; not pinned yet
    in_vault: dict[CommitId, str] | None = None  # what earlier runs saved; None: nobody asked yet
    saved: dict[str, Saved] = field(default_factory=dict)
    landed: dict[WorkstreamId, Landed] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    planned_anew: int = 0  # so many outcomes there were when what became untrue was planned anew
    state_copy: Path | None = None  # the state's database as this run found it, in the vault
    held_still: frozenset[int] = frozenset()  # stopped for the moment in which it was copied
    state_strays: dict[str, Path] = field(default_factory=dict)  # deleted files of it, in the vault
    state_rows: dict[str, int] | None = (
        None  # by table, as SQLite reads that copy; None: not at all
    )
    had_state: bool = False  # a look of this run saw one
    unseen: str = ""  # why the last look cannot tell whether anything is left
    incomplete: tuple[tuple[WorkstreamId, str], ...] = ()  # by the last look: landed, not finished
    looked: frozenset[Scenario] = frozenset()  # for these everywhere, and nothing was hidden
    lands: bool = False  # its plan has a landing, which it may carry out
    infeasible: str | None = None  # why the tests that a landing needs cannot pass; None: not asked
    verified: tuple[CommitId, Verification] | None = None  # what they said of the trunk before
    gave_up: bool = False  # the machinery failed: that says nothing of the failure itself
    escalated: str | None = None  # where the bundle is that a person is called with

    @property
    def door(self) -> Door:
        """The door to the world, with this run's journal at it."""
        if self.journal is None:
            raise PermanentError("a rehearsal changes nothing")
        return Door(self.orchestration, self.journal)

    def look(self, *only: str, scope: Scope | None = None) -> Snapshot:
        """Observe again; with worktree names, only those are scanned for unsaved work."""
        if only:
            return observe(self.orchestration, only=frozenset(only), scope=scope)
        return observe_closely(self.orchestration)

    def look_as_asked(self) -> Snapshot:
        """Observe everything the request rests on; after a repair, whether objects are lost too."""
        scenarios = scenarios_of(self.request)
        repaired = any(one.step in _REPAIRS for one in self.outcomes)
        seen = observe_for(self.orchestration, scenarios, objects=repaired)
        self.had_state |= seen.state.readable is Truth.YES
        self.unseen = why_rows_are_hidden(seen)
        self.incomplete = tuple(incomplete(seen))
        everywhere = (
            self.request.workstreams is None and not seen.unknown and not seen.trunk_damaged
        )
        self.looked = frozenset(scenarios if everywhere else ()) - _untested(seen)
        return seen

    def note(self, event: str, **fields: object) -> None:
        """Write an event of this run into the journal."""
        if self.journal is not None:
            self.journal.append({"event": event, **fields})

    def settle(self, outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        """Journal and keep what came of a step."""
        for outcome in outcomes:
            self.note("outcome", outcome=to_record(outcome))
        self.outcomes.extend(outcomes)
        return outcomes


def incomplete_because(run: Recovery, step: Step, fresh: Snapshot) -> str:
    """Say why a step's work has landed and is not finished, by this run or a killed one; else nothing.

    Raises RefusedError where it has not landed.
    """
    name = step.workstream
    landed = run.landed.get(name) if name else None
    if landed is None:
        row = row_named(name, fresh)
        if row is None or not (because := why_incomplete(row)):
            raise RefusedError("its landing did not take place")
        return because
    if not landed.done:
        raise RefusedError(f"it did not land: {landed.because}")
    return "" if landed.status is Status.COMPLETED else landed.because


def _untested(seen: Snapshot) -> frozenset[Scenario]:
    """Name what no look shows where no tests were run."""
    return frozenset() if seen.tests else frozenset(one.name for one in needing(Need.TESTS))


def outcome(step: Step, word: StepWord, sentence: str, *kept: str) -> Outcome:
    """Say what came of a step."""
    return Outcome(step.verb, step.subject, word, sentence, step.workstream, kept)
