"""What runs wrote down about the findings they were to clear, read back from their journals."""

from collections.abc import Iterable, Sequence

from unjam.adapters import journal
from unjam.domain.reports.attempts import RunTold, Tried, tried
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.world.finding import Finding
from unjam.engine.acts.carry_out import NOT_APPROVED
from unjam.engine.acts.recovery import Recovery
from unjam.engine.orchestration import Orchestration

VERIFIED, ESCALATED = "verified", "escalated"  # events of a journal
_LOOKED_AT = 200  # runs


def note_verified(run: Recovery, before: Sequence[Document], after: Sequence[Document]) -> None:
    """Write down what was found before and after, and whether this was an attempt at it."""
    run.note(
        VERIFIED,
        before=[one["fingerprint"] for one in before],
        # What the last look could not see may be there still: nothing counts as gone.
        after=[one["fingerprint"] for one in (*(before if run.unseen else ()), *after)],
        scenarios={one["fingerprint"]: one["scenario"] for one in (*before, *after)},
        looked=[str(one) for one in run.looked],
        counts=was_attempt(run),
    )


def was_attempt(run: Recovery) -> bool:
    """Tell an attempt from a run that was not allowed to act, or whose machinery failed."""
    allowed = not run.outcomes or not all(map(_was_denied, run.outcomes))
    return allowed and not run.gave_up and not run.unseen


def attempts(orchestration: Orchestration, *more: RunTold) -> dict[str, Tried]:
    """Count over the newest runs, and then over these."""
    return tried((*_told(orchestration), *more))


def parked(orchestration: Orchestration, findings: Iterable[Finding]) -> dict[str, Document]:
    """Say of findings, by fingerprint, that they are left to a person: nothing by itself tries them again."""
    known = attempts(orchestration)
    return {
        one.fingerprint: {"bundle": told.bundle, "runs": list(told.runs)}
        for one in findings
        if (told := known.get(one.fingerprint)) is not None and told.escalated
    }


def this_attempt(
    run: Recovery, before: Sequence[Finding], after: Sequence[Finding]
) -> tuple[RunTold, ...]:
    """Say what a run that has not ended yet will write down."""
    found = frozenset(one.fingerprint for one in before)
    left = frozenset(one.fingerprint for one in after)
    scenarios = {one.fingerprint: str(one.scenario) for one in (*before, *after)}
    return (RunTold(run.run, found, left, scenarios, counts=was_attempt(run)),)


def _told(orchestration: Orchestration) -> list[RunTold]:
    told: list[RunTold] = []
    for run in journal.runs(orchestration.common)[-_LOOKED_AT:]:
        told.extend(_events(run, journal.read(orchestration.common, run)))
    return told


def _events(run: str, records: Iterable[dict[str, object]]) -> Iterable[RunTold]:
    for record in records:
        match record.get("event"):
            case "verified":
                yield RunTold(
                    run,
                    _names(record.get("before")),
                    _names(record.get("after")),
                    _texts(record.get("scenarios")),
                    _names(record.get("looked")),
                    counts=record.get("counts") is True,
                )
            case "escalated":
                told = _names(record.get("fingerprints"))
                kinds = _texts(record.get("scenarios"))
                bundle = str(record.get("bundle") or run)
                yield RunTold(run, scenarios=kinds, escalated=told, bundle=bundle)
            case _:
                pass


def _names(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _texts(value: object) -> dict[str, str]:
    items = value.items() if isinstance(value, dict) else ()
    return {str(name): str(one) for name, one in items}


def _was_denied(one: Outcome) -> bool:
    return one.word is StepWord.REFUSED and one.sentence == NOT_APPROVED
