"""Trials of the trunk's tests: which trees are tried, what a test says there, and what follows.

A trial's tree is the trunk as it stood after some unit, perhaps with units taken out or one added.
Units are counted from 1, oldest first; 0 is the last point at which the tests were known to pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from unjam.domain.world.words import first_few

_SHOWN = 5  # tests in a line


class UnitKind(StrEnum):
    """How a piece of work came onto the trunk."""

    MERGE = "merge"
    OCTOPUS = "merge of several branches"
    SQUASH = "squash"
    FORWARD = "fast-forward"
    FLATTENED = "flattened merge"
    COMMIT = "commit"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class Unit:
    """One landed piece of work: the trunk went from ``before`` to ``after``."""

    kind: UnitKind
    before: str
    after: str
    subject: str
    commits: tuple[str, ...]  # on the trunk's own line, oldest first
    workstreams: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()  # full refs
    paths: tuple[str, ...] = ()  # what it changes
    dependents: tuple[int, ...] = ()  # later units that are built on it, by number

    @property
    def name(self) -> str:
        """What a person calls it."""
        named = ", ".join(self.workstreams)
        return (
            f"{named} ({self.kind} {self.after[:10]})"
            if named
            else f"{self.kind} {self.after[:10]}"
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt at a workstream, as the orchestrator's log has it: work of this time may be its."""

    workstream: str
    branch: str  # full ref, which may be gone
    began: datetime
    ended: datetime | None  # None: the log does not say
    scope: tuple[str, ...] = ()  # the files it was ordered to change


class Said(StrEnum):
    """What a test said of a tree."""

    PASS = "pass"  # noqa: S105 -- it passes
    FAIL = "fail"
    UNTESTABLE = "cannot be tested"


@dataclass(frozen=True, slots=True, order=True)
class Probe:
    """The tree of a trial: after unit ``upto``, without some units, and with one that comes later."""

    upto: int
    without: tuple[int, ...] = ()
    plus: int | None = None

    def __str__(self) -> str:
        taken = f" without {', '.join(map(str, self.without))}" if self.without else ""
        added = f" with {self.plus}" if self.plus is not None else ""
        return f"after {self.upto}{taken}{added}"


@dataclass(frozen=True, slots=True)
class Heard:
    """One verdict of one test about one tree."""

    probe: Probe
    said: Said


class Blame(StrEnum):
    """Why a test fails on the trunk."""

    BROKEN = "broken"  # by one unit
    PAIR = "broken by two units together"
    FLAKY = "flaky"
    ENVIRONMENT = "fails everywhere it could be tried"
    UNSURE = "cannot tell"


@dataclass(frozen=True, slots=True)
class Case:
    """One failing test and what was found out about it."""

    test: str
    blame: Blame
    guilty: tuple[int, ...] = ()  # units to take out, the first one found first
    partner: int | None = None  # the unit it breaks together with, for a pair
    confidence: float = 0.0
    interval: tuple[int, int] = (0, 0)  # the units among which the culprit is, both included
    proven: bool = False  # the trunk without them passes, and the point before them did
    because: str = ""
    output: str = ""  # what it said at the trunk's tip
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """The trunk without the guilty units, as it was tried with the whole suite."""

    units: tuple[int, ...]  # newest first
    tree: str
    passed: bool  # nothing fails there that did not fail before, and what they broke passes
    because: str
    left: tuple[str, ...] = ()  # tests that fail there still, by another's fault


@dataclass(frozen=True, slots=True)
class TrunkTests:
    """What the tests say of one trunk."""

    tip: str
    command: str
    passed: bool
    said: str  # by the run of the whole suite, in one sentence
    good: str | None = None  # where the failing tests were seen to pass
    units: tuple[Unit, ...] = ()  # since then
    cases: tuple[Case, ...] = ()
    runs: int = 0
    seconds: float = 0.0
    unidentified: bool = False  # the runner names no tests: the whole command is the test
    remedy: Remedy | None = None


def tests_in_words(tests: Iterable[str]) -> str:
    """Name some tests in a line."""
    return first_few(sorted(tests), _SHOWN)
