"""Ordered steps with their reasons, chosen before anything changes.

A step is an intention as data: what, why, and the facts it rests on. The facts are looked at again
right before it is carried out. A plan that could lose work cannot be constructed.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

from unjam.domain.steps.policy import StepClass
from unjam.domain.world.identity import CommitId, ProcessIdentity, WorkstreamId
from unjam.domain.world.snapshot import Operation
from unjam.domain.world.status import Status
from unjam.domain.world.trials import Unit


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a step rests on: a question the snapshot answers, and the answer it must give."""

    kind: str
    subject: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One intended, idempotent change."""

    verb: ClassVar[str]
    step_class: ClassVar[StepClass]
    saves: ClassVar[str | None] = None  # what is safe after it, where that is no checkout
    rests_on: ClassVar[str | None] = None  # what has to be safe before
    subject: str
    reason: str
    facts: tuple[Fact, ...] = ()
    workstream: WorkstreamId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Step):
    """End an orchestrator, or an agent that nobody waits for or that hangs, politely first."""

    verb = "stop"
    step_class = StepClass.STOP
    process: ProcessIdentity
    below: PurePath | None  # its working directory must be here; None for an orchestrator
    worktree: str = ""  # of one that hangs: saved before it is stopped, and proven to hang still


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage(Step):
    """Save everything of one checkout into the vault, changing nothing of it."""

    verb = "salvage"
    step_class = StepClass.SALVAGE
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLock(Step):
    """Move a dead process's lock file into the vault."""

    verb = "unlock"
    step_class = StepClass.REPAIR
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort(Step):
    """Abort the operation a checkout was left in."""

    verb = "abort"
    step_class = StepClass.REPAIR
    operation: Operation
    worktree: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreObjects(Step):
    """Find lost objects again and put them back; files that do not hold theirs go into the vault."""

    verb = "restore objects"
    step_class = StepClass.REPAIR


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBranch(Step):
    """Write a ref that is gone or unreadable again, where its reflog says that it stood."""

    verb = "restore branch"
    step_class = StepClass.REPAIR
    ref: str
    tip: CommitId


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCommits(Step):
    """Make a branch for commits that only the HEAD of a worktree leads to."""

    verb = "name commits"
    step_class = StepClass.REPAIR
    ref: str
    tip: CommitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend(Step):
    """Make the files whole that Git keeps about a checkout; the work in it is not touched."""

    verb = "mend"
    step_class = StepClass.REPAIR
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MendShared(Step):
    """Make a file whole that all checkouts share; what was damaged goes into the vault."""

    verb = "mend shared"
    step_class = StepClass.REPAIR
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Step):
    """Make an admin directory for a worktree that lost its own."""

    verb = "register"
    step_class = StepClass.REPAIR
    path: PurePath
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recreate(Step):
    """Write the files of a worktree that is gone anew, from its index."""

    verb = "re-create"
    step_class = StepClass.REPAIR
    worktree: str


@dataclass(frozen=True, slots=True)
class Landing:
    """One branch that is to land."""

    workstream: WorkstreamId
    ref: str
    tip: CommitId
    depends_on: tuple[WorkstreamId, ...]
    waits_for: WorkstreamId | None = None  # a dependency that is not on the trunk and will not be
    unfinished: tuple[str, ...] = ()  # what shows that its agent was not done
    acceptance_tests: tuple[str, ...] = ()  # of its spec
    unended: bool = False  # no end of its agent was recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Land(Step):
    """Merge branches in a trial, verify the result, and move the trunk to it."""

    verb = "land"
    step_class = StepClass.LAND
    landings: tuple[Landing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert(Step):
    """Take landed work back out of the trunk, if the whole suite then passes."""

    verb = "revert"
    step_class = StepClass.REVERT
    units: tuple[Unit, ...]  # newest first
    guilty: tuple[str, ...]  # by their last commits; the others are built on them
    tests: tuple[str, ...]  # that they broke
    known: tuple[str, ...]  # every test that fails now, for whatever reason
    shares: tuple[tuple[str, ...], ...] = ()  # of those it broke, for each unit; none: built on one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rework(Step):
    """Prepare that reverted work is done again: its branch, and its row on pending; once."""

    verb = "rework"
    step_class = StepClass.SPEC
    unit: Unit
    branch: str  # full name of the one to be made
    old: str  # full name of the one that was landed
    told: str  # what failed, for whoever does it again


@dataclass(frozen=True, slots=True, kw_only=True)
class Push(Step):
    """Move the remote's trunk forward to ours."""

    verb = "push"
    step_class = StepClass.PUSH
    remote: str
    owed: bool = False  # something has landed already that the remote may not have


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Step):
    """Write into the row what is true.

    ``status`` None: what came of the landing decides. ``salvaged`` names the worktrees whose vault
    refs go into the row's message; ``kept`` are those of earlier runs, where nothing else is left.
    """

    verb = "record"
    step_class = StepClass.RECORD
    status: Status | None
    message: str
    salvaged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()  # vault refs of earlier runs, newest first
    blocked_by: tuple[WorkstreamId, ...] = ()  # those of them that have not landed by then


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDiscard(Record):
    """Write into the row that its work was given up, and where it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSpec(Step):
    """Take entries out of what a spec depends on, on the trunk; the rest of the file stays as it is."""

    verb = "edit spec"
    step_class = StepClass.SPEC
    path: PurePath
    without: tuple[WorkstreamId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Step):
    """Let a row that is blocked, or has failed, be pending again."""

    verb = "reopen"
    step_class = StepClass.SPEC
    after: tuple[WorkstreamId, ...] = ()  # only if this run has landed them


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveWorktree(Step):
    """Move a worktree and its admin directory into the vault."""

    verb = "remove worktree"
    step_class = StepClass.CLEAN
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregister(Step):
    """Move the admin directory of one worktree into the vault; no directory of files is touched."""

    verb = "unregister"
    step_class = StepClass.CLEAN
    worktree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside(Step):
    """Move what is no worktree out of the directory of worktrees, into the vault."""

    verb = "set aside"
    step_class = StepClass.CLEAN
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveBranch(Step):
    """Move a branch whose commits are on the trunk, if it has any, into the vault: a retry makes it anew."""

    verb = "remove branch"
    step_class = StepClass.CLEAN
    ref: str
    tip: CommitId
    if_incomplete: bool = False  # it had commits: only once they landed, and are not all


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard(Step):
    """Give up a branch with work of its own: it moves into the vault, whole; only on request."""

    verb = "discard"
    step_class = StepClass.LAND
    ref: str
    tip: CommitId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPrimary(Step):
    """Take the primary back to the trunk once nothing lands any more; only while nothing in it is unsaved."""

    verb = "return primary"
    step_class = StepClass.REPAIR


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Step):
    """Start the orchestrator again, and prove that it started."""

    verb = "restart"
    step_class = StepClass.RESTART
    command: tuple[str, ...]


def rests_on_salvage(step: Step) -> str | None:
    """Name what must be saved before this step, a checkout or the state; None where nothing could be lost."""
    match step:
        case RemoveWorktree(worktree=name) | Unregister(worktree=name) | Abort(worktree=name):
            return name
        case _:
            return step.rests_on


def rests_on_outcome(step: Step) -> str | None:
    """Name the verb whose step for the same workstream must not have failed before this one."""
    match step:
        case RemoveWorktree() | RemoveBranch() | Unregister():
            return Record.verb  # until the row says so, somebody may count on them
        case _:
            return None


def only_safe(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Leave out what would have needed a salvage that policy switched off."""
    saved = {name for step in steps if (name := _saves(step)) is not None}
    return tuple(one for one in steps if rests_on_salvage(one) in {None, *saved})


def _saves(step: Step) -> str | None:
    match step:
        case Salvage(worktree=name):
            return name
        case _:
            return step.saves


class UnsafePlanError(ValueError):
    """A plan would remove what it has not saved."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order, and what a person has to know that no step does."""

    repo: PurePath
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    elsewhere: tuple[WorkstreamId, ...] = ()  # what others have begun: no step is about them

    def __post_init__(self) -> None:
        saved: set[str] = set()
        for step in self.steps:
            name, made = rests_on_salvage(step), _saves(step)
            if made is not None:
                saved.add(made)
            elif name is not None and name not in saved:
                raise UnsafePlanError(f"{step.subject} would be changed before it is salvaged")

    @property
    def digest(self) -> str:
        """Stands for the steps and the facts they rest on: the same digest, the same plan."""
        described = [_described(step) for step in self.steps]
        text = json.dumps([str(self.repo), described], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def but_restart(self) -> tuple[Step, ...]:
        """Return every step whose effect a fresh observation can verify."""
        return tuple(step for step in self.steps if not isinstance(step, Restart))

    def restarts(self) -> tuple[Restart, ...]:
        """Return the restart, which comes after the verification: it proves itself."""
        return tuple(step for step in self.steps if isinstance(step, Restart))

    def classes(self) -> Iterator[StepClass]:
        """Every class of step in the plan, once, in the order of the steps."""
        return iter(dict.fromkeys(step.step_class for step in self.steps))


def _described(step: Step) -> dict[str, object]:
    facts = [[fact.kind, fact.subject, fact.value] for fact in step.facts]
    kinds = (one for one in type(step).__mro__ if issubclass(one, Step) and one is not Step)
    own = {name: getattr(step, name) for one in kinds for name in one.__slots__}
    return {**own, "verb": step.verb, "subject": step.subject, "facts": facts}
