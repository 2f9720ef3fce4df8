"""End a run with its word and its document."""

from typing import Any

from unjam.domain.reports.report import run_document, word_of
from unjam.domain.steps.outcome import RunWord, StepWord
from unjam.domain.steps.plan import Plan
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.words import printable
from unjam.engine.acts.recovery import Recovery
from unjam.engine.keeping.past_runs import past_run
from unjam.engine.running.attempts import note_verified
from unjam.engine.running.prepare import Prepared
from unjam.engine.running.replanning import became_untrue
from unjam.engine.running.session import end_with_killed, made_by
from unjam.engine.running.undo_differences import differences


def conclude(
    run: Recovery, prepared: Prepared, after: tuple[Finding, ...] | None
) -> dict[str, Any]:
    """Describe the run and close it."""
    document = described(run, prepared, after)
    close(run, document)
    return document


def close(run: Recovery, document: dict[str, Any]) -> None:
    """End the run with the word of its document; one that was only planned never began."""
    if document["run"] is not None:
        note_verified(run, document["findings_before"], document["findings_after"])
        end_with_killed(run, RunWord(document["word"]))


def described(
    run: Recovery, prepared: Prepared, after: tuple[Finding, ...] | None
) -> dict[str, Any]:
    """Describe the run; ``after`` None means that it was only planned."""
    return run_document(
        word=_word(run, prepared, after),
        plan=prepared.plan,
        policy=run.policy,
        run=None if after is None else run.run,
        because=run.unseen and f"what is left cannot be told: {run.unseen}",
        incomplete=() if after is None else _incomplete(run),
        outcomes=run.outcomes,
        before=prepared.findings,
        after=prepared.findings if after is None else after,
        flow_run=run.flow_run,
        escalated=run.escalated,
        by=made_by(),
    )


def _word(run: Recovery, prepared: Prepared, after: tuple[Finding, ...] | None) -> RunWord:
    nothing = not prepared.findings and not prepared.plan.steps
    if nothing and not any(killed.planned for killed in run.killed):
        return RunWord.NEEDS_HUMAN if run.unseen else RunWord.NOTHING
    if after is None and not nothing:
        return RunWord.PLANNED
    # What killed runs had done is part of what this one ends.
    earlier = (one for killed in run.killed for one in killed.outcomes)
    # What was planned anew in its place is what counts.
    replaced = run.outcomes[: run.planned_anew]
    standing = (one for one in replaced if not became_untrue(one))
    outcomes = (*earlier, *standing, *run.outcomes[run.planned_anew :])
    word = word_of(outcomes, after or ())
    # What was not seen is not recovered, nor what landed and is not finished.
    left = run.unseen or _incomplete(run)
    return RunWord.PARTLY if word is RunWord.RECOVERED and left else word


def _incomplete(run: Recovery) -> tuple[tuple[WorkstreamId, str], ...]:
    """Give what this run, or a killed one that it carries on, was about, and is not finished."""
    outcomes = (*(one for killed in run.killed for one in killed.outcomes), *run.outcomes)
    about = {one.workstream for one in outcomes}
    return tuple(one for one in run.incomplete if one[0] in about)


def conclude_undo(run: Recovery, past: str) -> dict[str, Any]:
    """Describe an undo and close it."""
    document = described_undo(run, past)
    close(run, document)
    return document


def described_undo(run: Recovery, past: str) -> dict[str, Any]:
    """Describe an undo: undone is what is as it was before, thing by thing; all else is named."""
    taken = past_run(run.orchestration, past)
    left = differences(run.orchestration, taken)
    document = run_document(
        word=_word_of_undo(run, left),
        plan=Plan(run.orchestration.primary),
        policy=run.policy,
        run=run.run,
        outcomes=run.outcomes,
        flow_run=run.flow_run,
        by=made_by(),
    )
    return document | {"undoes": past, "differences": [printable(one) for one in left]}


def _word_of_undo(run: Recovery, left: tuple[str, ...]) -> RunWord:
    if left or any(one.word is StepWord.FAILED for one in run.outcomes):
        return RunWord.PARTLY_UNDONE
    return RunWord.UNDONE if run.outcomes else RunWord.NOTHING_TO_UNDO
