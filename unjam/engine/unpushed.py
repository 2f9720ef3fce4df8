"""What earlier runs landed and could not push: no observation of Git tells it from a person's commits."""

from unjam.adapters import journal
from unjam.domain.steps.outcome import StepWord
from unjam.engine.orchestration import Orchestration

_LOOKED_AT = 10  # runs; more of them in a row that have nothing to push are no case of life
_LEFT = (StepWord.REFUSED, StepWord.FAILED)


def push_is_owed(orchestration: Orchestration) -> bool:
    """Tell whether the last push of a run failed or was refused."""
    for run in reversed(journal.runs(orchestration.common)[-_LOOKED_AT:]):
        words = [
            word for record in journal.read(orchestration.common, run) if (word := _word(record))
        ]
        if words:
            return words[-1] in _LEFT
    return False


def _word(record: dict[str, object]) -> str:
    """Return what came of a push, if this record tells it."""
    from unjam.domain.steps.plan import Push  # a check of what was never recovered needs no plans

    outcome = record.get("outcome")
    fields = outcome.get("fields") if isinstance(outcome, dict) else None
    if not isinstance(fields, dict) or fields.get("step") != Push.verb:
        return ""
    return str(fields.get("word", ""))
