"""What a person allows: per class of step, go ahead, ask first, or never."""

from dataclasses import dataclass, field
from enum import StrEnum


class Consent(StrEnum):
    """What a class of steps needs before it is carried out."""

    AUTO = "auto"
    ASK = "ask"
    OFF = "off"


class StepClass(StrEnum):
    """Steps that are approved together; the keys of ``[policy]``."""

    SALVAGE = "salvage"
    REPAIR = "repair"
    RECORD = "record"
    CLEAN = "clean"
    STOP = "stop"
    LAND = "land"
    REVERT = "revert"
    PUSH = "push"
    SPEC = "spec"
    RESTART = "restart"
    DATABASE = "database"


_ASKED = frozenset(
    {
        StepClass.STOP,
        StepClass.LAND,
        StepClass.REVERT,
        StepClass.PUSH,
        StepClass.SPEC,
        StepClass.RESTART,
        StepClass.DATABASE,
    }
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The approvals in force, and what the plan needs to know of the configuration."""

    approvals: dict[StepClass, Consent] = field(default_factory=dict)
    resume: tuple[str, ...] = ()  # empty: there is nothing to restart with
    remote: str | None = None  # None: there is no remote to push to
    signs: bool = False  # Git is configured to sign every commit here

    def approval(self, step_class: StepClass) -> Consent:
        """Return the approval of a class; what is not configured asks if it cannot be undone alone."""
        default = Consent.ASK if step_class in _ASKED else Consent.AUTO
        return self.approvals.get(step_class, default)
