"""The documents unjam hands out: what a check and a recovery say, as plain data for JSON.

The shapes are those of DESIGN section 8 and carry a schema number; a key is added, never changed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from unjam.domain.finding import Finding
from unjam.domain.hang_table import agents_table
from unjam.domain.outcome import Outcome, RunWord, StepWord
from unjam.domain.plan import Plan, Salvage
from unjam.domain.policy import Policy
from unjam.domain.snapshot import Snapshot, Truth
from unjam.domain.words import printable
from unjam.domain.workstream import Workstream, join

SCHEMA = 1
Document = dict[str, Any]


def healthy(snapshot: Snapshot, findings: Iterable[Finding]) -> bool:
    """Tell whether nothing was found and nothing that matters is unknown."""
    return not tuple(findings) and not snapshot.unknown


def check_document(snapshot: Snapshot, findings: tuple[Finding, ...]) -> Document:
    """Describe a check."""
    return {
        "schema": SCHEMA,
        "repo": printable(str(snapshot.repo)),
        "trunk": snapshot.trunk_name,
        "observed_at": snapshot.observed_at.isoformat(timespec="seconds"),
        "healthy": healthy(snapshot, findings),
        "unknown": [
            {"what": printable(one.what), "because": printable(one.because)}
            for one in snapshot.unknown
        ],
        "findings": [finding_document(one) for one in findings],
        "workstreams": [_workstream_document(one) for one in join(snapshot)],
        "agents": [_printable_values(one) for one in agents_table(snapshot)],
    }


def _printable_values(line: Document) -> Document:
    return {key: printable(one) if isinstance(one, str) else one for key, one in line.items()}


def finding_document(finding: Finding) -> Document:
    """Describe one finding."""
    return {
        "scenario": str(finding.scenario),
        "fingerprint": finding.fingerprint,
        "severity": str(finding.severity),
        "summary": printable(finding.summary),
        "workstreams": [printable(one) for one in finding.workstreams],
        "subjects": [{"kind": one.kind, "name": printable(one.name)} for one in finding.subjects],
        "evidence": [
            {"source": one.source, "fact": printable(one.fact)} for one in finding.evidence
        ],
        "verdicts": {printable(ws): verdict for ws, verdict in finding.verdicts},
        "parked": None,
    }


def _workstream_document(one: Workstream) -> Document:
    branch = one.branch
    unsaved = [len(tree.unsaved.paths) for tree in one.worktrees]
    process = next(iter(one.processes), None)
    return {
        "id": printable(one.id),
        "status": one.status,
        "agent": (one.row.agent if one.row else None) or (branch.agent if branch else None),
        "branch": printable(branch.name) if branch else None,
        "landed": str(branch.landed) if branch else None,
        "own_commits": branch.own_commits if branch else None,
        "unsaved_paths": None if one.unsaved is Truth.UNKNOWN else sum(unsaved),
        "process": None
        if process is None
        else {"pid": process.identity.pid, "command": printable(" ".join(process.command))},
    }


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
) -> Document:
    """Describe a run."""
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
        "outcomes": [outcome_document(one) for one in done],
        "findings_before": [finding_document(one) for one in before],
        "findings_after": [finding_document(one) for one in after],
        "vault": [printable(one) for one in kept],
        "flow_run": {key: flow_run[key] for key in ("id", "name")} if flow_run else None,
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
    if gone and words.isdisjoint(_LEFT):
        return RunWord.RECOVERED
    if words == {StepWord.REFUSED}:
        return RunWord.REFUSED
    treated = any(one.word is StepWord.DONE and one.step != Salvage.verb for one in finally_)
    return RunWord.PARTLY if gone or treated else RunWord.NEEDS_HUMAN


_LEFT = (StepWord.REFUSED, StepWord.FAILED)
