"""One failure at one place, with the evidence a person would ask for."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from unjam.domain.world.identity import Scenario, WorkstreamId


class Severity(StrEnum):
    """How much a finding stops the orchestration."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about."""

    kind: str  # workstream, worktree, branch, process, lock, primary
    name: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observed fact and where it was observed."""

    source: str  # state, git, processes, files
    fact: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure at one place."""

    scenario: Scenario
    cause: str  # stable: part of the fingerprint
    severity: Severity
    summary: str
    subjects: tuple[Subject, ...]
    evidence: tuple[Evidence, ...]
    workstreams: tuple[WorkstreamId, ...] = ()
    verdicts: tuple[tuple[WorkstreamId, str], ...] = ()

    @property
    def fingerprint(self) -> str:
        """The same failure again has the same fingerprint; evidence and times do not enter it."""
        named = "\0".join(sorted(f"{one.kind}={one.name}" for one in self.subjects))
        text = f"{self.scenario}\0{self.cause}\0{named}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
