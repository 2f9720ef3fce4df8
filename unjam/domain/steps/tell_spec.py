"""The step that tells whoever retries a workstream what an earlier attempt has done already."""

from dataclasses import dataclass

from unjam.domain.steps.plan import Step
from unjam.domain.steps.policy import StepClass


@dataclass(frozen=True, slots=True, kw_only=True)
class TellSpec(Step):
    """Write into the spec that a part has landed, and where the rest is; only if it is incomplete."""

    verb = "tell spec"
    step_class = StepClass.SPEC
    worktrees: tuple[str, ...]  # whose salvages hold the rest
    because: str = ""  # what of it is not finished; empty: what comes of the landing decides
    attempt: str  # the branch and its tip: what is told of it once is not told again
