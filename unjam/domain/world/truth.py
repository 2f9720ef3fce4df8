"""The three answers of a probe: yes, no, cannot tell."""

from dataclasses import dataclass
from enum import StrEnum


class Truth(StrEnum):
    """The answer of a probe. Unknown is never treated as no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be observed, and why."""

    what: str
    because: str
