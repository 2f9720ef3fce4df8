"""One call carries out several recoveries, each of what the one before it uncovered: what they come to."""

from collections.abc import Iterable, Sequence

from unjam.domain.reports.check_report import Document
from unjam.domain.steps.outcome import NOT_DONE, RunWord, StepWord
from unjam.domain.steps.plan import Land, Plan, Salvage, Step
from unjam.domain.world.words import printable


def word_of_call(documents: Sequence[Document]) -> RunWord:
    """Say how all the runs of a call ended together, by their documents, the last one last.

    What was done stays done, whatever is refused afterwards; what was left is left until a later run
    has done it.
    """
    *earlier, last = documents
    word = RunWord(last["word"])
    if not earlier:
        return word
    incomplete = any(document["incomplete"] for document in earlier)
    if word is RunWord.RECOVERED and not incomplete and _is_all_done(documents):
        return word
    if any(map(_has_treated, documents)) or not last["findings_after"]:
        return RunWord.PARTLY
    return word if {one["word"] for one in earlier} == {word} else RunWord.NEEDS_HUMAN


def is_only_to_be_retried(documents: Sequence[Document]) -> bool:
    """Tell whether all that the runs of a call left is landed work that its orchestrator takes up again."""
    last = documents[-1]
    left = last["findings_after"] or last["because"] or not _is_all_done(documents)
    return any(document["incomplete"] for document in documents) and not left


def _is_all_done(documents: Iterable[Document]) -> bool:
    """Tell whether no step was left, or a later run has done it."""
    outcomes = [one for document in documents for one in document["outcomes"]]
    finally_ = {(one["step"], one["subject"]): one["outcome"] for one in outcomes}
    return NOT_DONE.isdisjoint(finally_.values())


def _has_treated(document: Document) -> bool:
    """Tell whether a run did more than save work."""
    return document["word"] in {RunWord.RECOVERED, RunWord.PARTLY} or any(
        one["outcome"] == StepWord.DONE and one["step"] != Salvage.verb
        for one in document["outcomes"]
    )


def only_repeats(plan: Plan, documents: Iterable[Document]) -> bool:
    """Tell whether a plan would do nothing that the runs before it in this call had not been refused.

    Of a workstream of which one step was refused, the others rest on it.
    """
    tried = {
        (one["step"], one["subject"]): one["outcome"]
        for document in documents
        for one in document["outcomes"]
    }
    came = [(step, tried.get(name)) for step in plan.steps for name in _told_of(step)]
    refused = [step for step, word in came if word in NOT_DONE]
    blocked = {step.workstream for step in refused if step.workstream is not None}
    return all(
        step in refused
        or step.workstream in blocked
        or (isinstance(step, Salvage) and word is not None)  # it is saved already
        for step, word in came
    )


def _told_of(step: Step) -> list[tuple[str, str]]:
    """Name a step as its outcomes do: of a landing, each branch has one of its own."""
    if isinstance(step, Land):
        return [(step.verb, one.ref.removeprefix("refs/heads/")) for one in step.landings]
    return [(step.verb, printable(step.subject))]
