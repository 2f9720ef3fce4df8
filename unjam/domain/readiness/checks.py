"""What was checked before or after a run, one line each, with what to do where it does not hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from unjam.domain.reports.check_report import SCHEMA, Document
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.words import printable


class Word(StrEnum):
    """What came of one check."""

    OK = "ok"
    WARNING = "warning"  # a run can begin, and may suffer from it
    FAILED = "failed"
    UNKNOWN = "cannot tell"  # as good as failed: a run is not begun on a guess


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that must hold."""

    name: str
    word: Word
    sentence: str
    advice: str = ""  # a command to type where there is one


def met(name: str, sentence: str) -> Checked:
    """Say that it does."""
    return Checked(name, Word.OK, sentence)


def fails(name: str, sentence: str, advice: str = "") -> Checked:
    """Say that it does not."""
    return Checked(name, Word.FAILED, sentence, advice)


def warns(name: str, sentence: str, advice: str = "") -> Checked:
    """Say that it holds, but."""
    return Checked(name, Word.WARNING, sentence, advice)


def unknown(name: str, sentence: str, advice: str = "") -> Checked:
    """Say that it cannot be told."""
    return Checked(name, Word.UNKNOWN, sentence, advice)


def ready(checks: Iterable[Checked]) -> bool:
    """Tell whether nothing failed and everything could be told."""
    return all(one.word in (Word.OK, Word.WARNING) for one in checks)


def readiness_document(kind: str, snapshot: Snapshot, checks: tuple[Checked, ...]) -> Document:
    """Describe all of it; ``kind`` is preflight or postflight."""
    return {
        "schema": SCHEMA,
        "kind": kind,
        "repo": printable(str(snapshot.repo)),
        "trunk": snapshot.trunk_name,
        "observed_at": snapshot.observed_at.isoformat(timespec="seconds"),
        "ready": ready(checks),
        "checks": [
            {
                "check": one.name,
                "word": str(one.word),
                "sentence": printable(one.sentence),
                "advice": printable(one.advice) or None,
            }
            for one in checks
        ],
    }
