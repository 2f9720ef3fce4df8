"""What only a reset does: put everything of an orchestration into the vault, and begin with nothing."""

from dataclasses import dataclass

from unjam.domain.steps.plan import Step
from unjam.domain.steps.policy import StepClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle(Step):
    """Write the workstreams' branches and what was salvaged into one file that Git can fetch from."""

    verb = "bundle"
    step_class = StepClass.SALVAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyState(Step):
    """Move the state database into the vault as it is, and leave one with its tables and no rows."""

    verb = "empty state"
    step_class = StepClass.DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLogsAside(Step):
    """Move every log into the vault; what Git tracks keeps its place."""

    verb = "set logs aside"
    step_class = StepClass.CLEAN
