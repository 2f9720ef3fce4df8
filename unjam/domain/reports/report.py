"""The documents unjam hands out: what a check and a recovery say, as plain data for JSON.

The shapes are those of DESIGN section 8 and carry a schema number; a key is added, never changed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from unjam.domain.reports.check_report import SCHEMA, Document, finding_document
from unjam.domain.steps.outcome import NOT_DONE, Outcome, RunWord, StepWord
from unjam.domain.steps.plan import Plan, Salvage
from unjam.domain.steps.policy import Policy
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.words import counted, first_few, printable


def plan_document(plan: Plan, policy: Policy) -> list[Document]:
    """Describe a plan's steps."""
    return [
        {
            "step": step.verb,
            "subject": printable(step.subject),
            "workstream": printable(step.workstream) if step.workstream else None,
            "reason": printable(step.reason),
            "approval": str(policy.approval(step.step_class)),
            "class": str(step.step_class),
        }
        for step in plan.steps
    ]


def outcome_document(outcome: Outcome) -> Document:
    """Describe what came of a step."""
    return {
        "step": outcome.step,
        "subject": printable(outcome.subject),
        "workstream": printable(outcome.workstream) if outcome.workstream else None,
        "outcome": str(outcome.word),
        "sentence": printable(outcome.sentence),
        "kept": [printable(one) for one in outcome.kept],
    }


def planned_document(
    findings: tuple[Finding, ...], plan: Plan, policy: Policy, unseen: str = ""
) -> Document:
    """Describe a plan before it is carried out; ``unseen`` is why an empty one is no good news."""
    because = ""
    if plan.steps:
        word = RunWord.PLANNED
    elif findings:
        word = RunWord.NEEDS_HUMAN
    else:
        word = RunWord.NEEDS_HUMAN if unseen else RunWord.NOTHING
        because = unseen and f"whether anything is to be done cannot be told: {unseen}"
    return run_document(
        word=word, plan=plan, policy=policy, because=because, before=findings, after=findings
    )


def run_document(  # noqa: PLR0913 -- the named parts of one document
    *,
    word: RunWord,
    plan: Plan,
    policy: Policy,
    run: str | None = None,
    because: str = "",
    outcomes: Iterable[Outcome] = (),
    before: Iterable[Finding] = (),
    after: Iterable[Finding] = (),
    flow_run: Mapping[str, str] | None = None,
    escalated: str | None = None,
    by: Mapping[str, str] | None = None,
    incomplete: Iterable[tuple[WorkstreamId, str]] = (),
) -> Document:
    """Describe a run; ``escalated`` is where the bundle is that a person is called with."""
    done = tuple(outcomes)
    kept = sorted({one for outcome in done for one in outcome.kept})
    return {
        "schema": SCHEMA,
        "run": run,
        "word": str(word),
        "because": printable(because),
        "digest": plan.digest,
        "plan": plan_document(plan, policy),
        "notes": [printable(one) for one in plan.notes],
        "elsewhere": [printable(one) for one in plan.elsewhere],
        "outcomes": [outcome_document(one) for one in done],
        "incomplete": [
            {"id": printable(one), "because": printable(because)} for one, because in incomplete
        ],
        "findings_before": [finding_document(one) for one in before],
        "findings_after": [finding_document(one) for one in after],
        "vault": [printable(one) for one in kept],
        "flow_run": {key: flow_run[key] for key in ("id", "name")} if flow_run else None,
        "escalated": printable(escalated) if escalated else None,
        "by": {what: printable(name) for what, name in by.items()} if by else None,
        "undo": f"unjam undo {run}" if run and done else None,
    }


def word_of(outcomes: Iterable[Outcome], after: Iterable[Finding]) -> RunWord:
    """Say how a run ended, by all that was done and what is still found.

    Recovered: nothing is found any more and no step was left. Partly recovered: a step was left,
    but nothing is found any more, or more was done than saving work. Refused: every step was.
    Whether work was saved now or by an earlier run makes no difference, nor does it which of several
    runs, that each carried on a killed one, took a step.
    """
    finally_ = {(one.step, one.subject): one for one in outcomes}.values()
    words = {one.word for one in finally_}
    gone = not tuple(after)
    if gone and words.isdisjoint(NOT_DONE):
        return RunWord.RECOVERED
    if words == {StepWord.REFUSED}:
        return RunWord.REFUSED
    treated = any(one.word is StepWord.DONE and one.step != Salvage.verb for one in finally_)
    return RunWord.PARTLY if gone or treated else RunWord.NEEDS_HUMAN


_FEW = 2  # of what is still found: a line on a page of runs


def summary_of(document: Document) -> str:
    """Say in one line what came of a run's steps, and what is left."""
    came = Counter(one["outcome"] for one in document.get("outcomes", ()))
    found = document.get("findings_after") or document.get("findings") or ()
    left = [one["summary"] for one in found]
    steps = ", ".join(f"{counted(number, 'step')} {word}" for word, number in came.items())
    still = f"still found: {first_few(left, _FEW, '; ')}" if left else ""
    return "; ".join(one for one in (document.get("because", ""), steps, still) if one)
