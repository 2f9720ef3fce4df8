"""Steps about the state's file: nothing is done with it before it is copied."""

from dataclasses import dataclass
from pathlib import PurePath

from unjam.domain.steps.plan import Step
from unjam.domain.steps.policy import StepClass
from unjam.domain.world.identity import ProcessIdentity

STATE = "the state"
DUPLICATE = "duplicate"  # why a holder is stopped
STRANDED = "works on deleted files"
READER = "only reads"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepState(Step):
    """Copy the state's files into the vault, byte for byte: the database and all beside it."""

    verb = "copy state"
    step_class = StepClass.SALVAGE
    saves = STATE
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class StopHolder(Step):
    """End a process that keeps the state from all others, and it alone."""

    verb = "stop"
    step_class = StepClass.STOP
    rests_on = STATE
    path: PurePath
    process: ProcessIdentity
    because: str  # DUPLICATE, STRANDED, READER, or what it was found doing


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenState(Step):
    """Open the state, so that SQLite recovers what was left, and prove that it is whole."""

    verb = "re-open state"
    step_class = StepClass.DATABASE
    rests_on = STATE
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildState(Step):
    """Write what can be had of a damaged state into a new file; the state itself is not touched."""

    verb = "rebuild state"
    step_class = StepClass.REPAIR
    rests_on = STATE
    path: PurePath
    rows: tuple[tuple[str, int], ...]  # by table, as many as there have to be at least
    wal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceState(Step):
    """Put the new file in the place of the damaged one, which the vault keeps."""

    verb = "replace state"
    step_class = StepClass.DATABASE
    rests_on = STATE
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLog(Step):
    """Let the state work with a write-ahead log: then who reads and who writes do not wait."""

    verb = "set WAL mode"
    step_class = StepClass.DATABASE
    rests_on = STATE
    path: PurePath


@dataclass(frozen=True, slots=True, kw_only=True)
class VacuumState(Step):
    """Rewrite the state without its holes; only ever because it was asked for."""

    verb = "vacuum state"
    step_class = StepClass.DATABASE
    rests_on = STATE
    path: PurePath
