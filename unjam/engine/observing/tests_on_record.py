"""What is known of trees and trunks from earlier runs of the tests.

An observation is counted once: a search that was killed takes up what its trials said, in their
order, and then runs its own. The same outcome is never believed twice.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from unjam.adapters import clock, verdicts
from unjam.adapters.junit import Result, Tested
from unjam.adapters.processes.running.run import VerifyStatus
from unjam.domain.catalogue.codec import UnreadableRecordError, from_record, to_record
from unjam.domain.world.trials import TrunkTests
from unjam.engine.orchestration import Orchestration

_FRESH = timedelta(hours=12)  # after that the environment may be another


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of the tests on one tree."""

    tree: str
    asked: tuple[str, ...] | None  # None: the whole suite
    results: Mapping[str, Tested] | None  # None: it wrote no report
    status: str  # of the command: passed, failed, timed out, could not be tried
    sentence: str
    seconds: float

    @property
    def was_tried(self) -> bool:
        """Whether it says anything of the tree."""
        return self.status != VerifyStatus.NOT_TRIED

    @property
    def passed(self) -> bool:
        """Whether the command ended well."""
        return self.status == "passed"


def folder(orchestration: Orchestration) -> Path:
    """Say where the records are."""
    return orchestration.home / "tests"


def command_of(orchestration: Orchestration) -> str:
    """Stand for what is run: another command knows nothing of this one's results."""
    settings = orchestration.settings.verify
    said = (settings.command, settings.junit, settings.setup, settings.carry)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


class Memory:
    """The runs on record, each to be taken once."""

    def __init__(self, orchestration: Orchestration) -> None:
        self._path = folder(orchestration) / f"runs-{command_of(orchestration)}.jsonl"
        self._waiting = defaultdict[str, deque[Ran]](deque)
        self._lock = Lock()
        since = (clock.now() - _FRESH).timestamp()
        for line in verdicts.read_lines(self._path):
            ran = _ran(line)
            if ran is not None and float(line.get("at", 0)) > since:
                self._waiting[ran.tree].append(ran)
        every = (ran for waiting in self._waiting.values() for ran in waiting)
        # Trees on which the whole suite passed; a run that is taken leaves its tree in here.
        self.passing = frozenset(ran.tree for ran in every if ran.asked is None and ran.passed)

    def take(self, tree: str, tests: Sequence[str] | None) -> Ran | None:
        """Return a run of these tests on this tree that was not taken yet."""
        with self._lock:
            waiting = self._waiting[tree]
            for ran in tuple(waiting):
                if ran.asked is None or (tests is not None and set(tests) <= set(ran.asked)):
                    waiting.remove(ran)
                    return ran
        return None

    def keep(self, ran: Ran) -> None:
        """Write a run down, so that a search after this one need not repeat it."""
        with self._lock:
            verdicts.append_line(self._path, _line(ran) | {"at": clock.now().timestamp()})

    def forget(self, tree: str) -> None:
        """Take no run of this tree from the record: it is to be asked again."""
        self._waiting.pop(tree, None)


def recorded(orchestration: Orchestration, tip: str) -> TrunkTests | None:
    """Return what the tests were found to say of the trunk when it was here; None if nobody asked."""
    document = verdicts.read_document(_document(orchestration, tip))
    if document is None or document.get("command") != command_of(orchestration):
        return None
    try:
        found = from_record(document["tests"])
    except (UnreadableRecordError, KeyError):
        return None
    return found if isinstance(found, TrunkTests) and found.tip == tip else None


def write_down(orchestration: Orchestration, found: TrunkTests) -> None:
    """Keep what was found of a trunk."""
    document = {"command": command_of(orchestration), "tests": to_record(found)}
    verdicts.write_document(_document(orchestration, found.tip), document)


def note_failure(orchestration: Orchestration, tip: str, said: str) -> None:
    """Keep that the tests failed on a trunk, with nobody asking why; what is explained stays so."""
    known = recorded(orchestration, tip)
    if known is None or known.passed:
        command = command_of(orchestration)
        write_down(orchestration, TrunkTests(tip=tip, command=command, passed=False, said=said))


def _document(orchestration: Orchestration, tip: str) -> Path:
    return folder(orchestration) / f"trunk-{tip}.json"


def _line(ran: Ran) -> dict[str, Any]:
    results = ran.results
    return {
        "tree": ran.tree,
        "asked": None if ran.asked is None else list(ran.asked),
        "results": None
        if results is None
        else [[one.test, str(one.result), one.signature, one.output] for one in results.values()],
        "status": ran.status,
        "sentence": ran.sentence,
        "seconds": ran.seconds,
    }


def _ran(line: Mapping[str, Any]) -> Ran | None:
    try:
        asked, results = line["asked"], line["results"]
        tested = None if results is None else [_tested(one) for one in results]
        return Ran(
            tree=str(line["tree"]),
            asked=None if asked is None else tuple(asked),
            results=None if tested is None else {one.test: one for one in tested},
            status=str(line["status"]),
            sentence=str(line["sentence"]),
            seconds=float(line["seconds"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _tested(one: Sequence[Any]) -> Tested:
    test, result, signature, output = one
    return Tested(str(test), Result(result), str(signature), str(output))
