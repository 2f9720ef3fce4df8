"""What a workstream, an agent, a commit and a process are known by."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

CommitId = NewType("CommitId", str)


WorkstreamId = NewType("WorkstreamId", str)


AgentId = NewType("AgentId", str)


Scenario = NewType("Scenario", str)  # a way runs break; the catalogue has them all


class Role(StrEnum):
    """What a process is to the orchestration."""

    ORCHESTRATOR = "orchestrator"
    AGENT = "agent"
    PERSON = "person"  # an interactive shell or editor that sits in a worktree
    GIT = "git"


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process for ever: a pid alone is used again by the system."""

    host: str
    boot: str
    pid: int
    started: float  # seconds since the epoch, as the system reports it
    user: str
