"""Detect a crashed orchestrator: rows, worktrees, checkouts and locks that nobody will tidy."""

from collections.abc import Iterator

from unjam.domain.scenarios.shared.stale_locks import lock_findings
from unjam.domain.world.elsewhere import may_serve_others
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Scenario
from unjam.domain.world.judging import (
    is_on_no_branch,
    is_orchestrated,
    judgements,
    primary_on_agent_branch,
    unpushed,
)
from unjam.domain.world.lookups import orchestrator_seen
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Branch, Operation, Snapshot, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Judged, Verdict

SCENARIO = Scenario("orchestrator_crash")

_SUMMARIES = {
    Verdict.LIVE: "{ws}: its agent still works, but no orchestrator on this machine waits for it",
    Verdict.LANDED_UNRECORDED: "{ws}: its work is in the trunk, but its row says {status}",
    Verdict.RECORDED_UNLANDED: "{ws}: recorded as completed, but its branch never landed",
    Verdict.DEAD_WITH_COMMITS: "{ws}: its agent is gone and left commits that never landed",
    Verdict.DEAD_UNSAVED: "{ws}: its agent is gone and left only uncommitted work",
    Verdict.DEAD_DRIFTED: "{ws}: its agent is gone and left work that is on no branch of its own",
    Verdict.DEAD_EMPTY: "{ws}: its agent is gone and left neither a commit nor a file that Git sees",
    Verdict.DEAD_SAVED: "{ws}: its agent is gone, and what it left was saved by an earlier run",
    Verdict.REVERTED: "{ws}: its work landed and was reverted, but its row says {status}",
    Verdict.LEFTOVER: "{ws}: is settled, but its worktree was left behind",
    Verdict.UNKNOWN: "{ws}: what became of it cannot be told",
}

_NOTHING_THERE = "{ws}: its agent is gone, and neither a worktree nor a commit of its is here"


def find_orchestrator_crash(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what a dead orchestrator left; a living one is trusted to be at work."""
    if not any(snapshot.orchestrators()):
        yield from findings_without_orchestrator(snapshot)


def findings_without_orchestrator(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what would be left if no orchestrator lived."""
    judged = judgements(snapshot)
    fine = {Verdict.CONSISTENT, Verdict.ELSEWHERE, Verdict.SESSION}
    if may_serve_others(snapshot):  # whoever waits for a living agent may live there
        fine.add(Verdict.LIVE)
    for one in judged:
        if one.verdict not in fine:
            yield _workstream_finding(one, snapshot)
    if judged:
        yield from lock_findings(snapshot, SCENARIO)
    if judged and unpushed(snapshot):
        yield _unpushed_finding(snapshot)
    if is_orchestrated(snapshot):
        yield from _findings_of_primary(snapshot)


def _findings_of_primary(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what an orchestrator could not work from; where there was none, a person is at it."""
    agent_branch = primary_on_agent_branch(snapshot)
    if snapshot.primary.operation is not None:
        yield _operation_finding(snapshot.primary, snapshot.primary.operation)
    elif agent_branch is not None:
        yield _primary_finding(snapshot, agent_branch)
    elif is_on_no_branch(snapshot.primary):
        yield _detached_finding(snapshot)


def why_not_found(snapshot: Snapshot) -> str:
    """Say that only an orchestrator's life keeps something from being a failure; else nothing."""
    living = orchestrator_seen(snapshot)
    if living is None or next(findings_without_orchestrator(snapshot), None) is None:
        return ""
    surely = "is" if living.certain else "may be"
    return (
        f"an orchestrator {surely} at work (pid {living.identity.pid}: "
        f"{' '.join(living.command)[:80]}); stop it first, or let it finish"
    )


def _workstream_finding(judged: Judged, snapshot: Snapshot) -> Finding:
    one, verdict = judged.workstream, judged.verdict
    nowhere = verdict is Verdict.DEAD_EMPTY and not one.worktrees
    summary = (_NOTHING_THERE if nowhere else _SUMMARIES[verdict]).format(
        ws=shown(one.id), status=one.status or "nothing"
    )
    trees = (Subject("worktree", snapshot.place(tree.path)) for tree in one.worktrees)
    mild = verdict is Verdict.LEFTOVER
    return Finding(
        scenario=SCENARIO,
        cause=str(verdict),
        severity=Severity.WARNING if mild else Severity.ERROR,
        summary=summary,
        subjects=(Subject("workstream", one.id), *trees),
        evidence=judged.evidence,
        workstreams=(one.id,),
        verdicts=((one.id, str(verdict)),),
    )


def _operation_finding(primary: Worktree, operation: Operation) -> Finding:
    hands = {
        Truth.YES: "its files are as Git left them",
        Truth.NO: "its files were edited by hand since",
        Truth.UNKNOWN: "whether its files were edited by hand cannot be told",
    }[primary.operation_intact]
    return Finding(
        scenario=SCENARIO,
        cause=f"primary in a {operation}",
        severity=Severity.ERROR,
        summary=f"the primary checkout was left in the middle of a {operation}",
        subjects=(Subject("primary", str(primary.path)),),
        evidence=(Evidence("git", f"a {operation} is in progress; {hands}"),),
    )


def _unpushed_finding(snapshot: Snapshot) -> Finding:
    name = snapshot.remote.name if snapshot.remote else ""
    return Finding(
        scenario=SCENARIO,
        cause="landed and not pushed",
        severity=Severity.WARNING,
        summary=f"what an earlier run landed on {snapshot.trunk_name} is not on {name}",
        subjects=(Subject("remote", name),),
        evidence=(Evidence("git", "the last push did not succeed"),),
    )


def _detached_finding(snapshot: Snapshot) -> Finding:
    primary = snapshot.primary
    hidden = counted(primary.hidden_commits, "commit")
    return Finding(
        scenario=SCENARIO,
        cause="primary on no branch",
        severity=Severity.ERROR,
        summary=f"the primary checkout was left on commit {(primary.head or '')[:12]}, on no branch",
        subjects=(Subject("primary", str(primary.path)),),
        evidence=(Evidence("git", f"HEAD is detached; {hidden} there that no branch holds"),),
    )


def _primary_finding(snapshot: Snapshot, branch: Branch) -> Finding:
    return Finding(
        scenario=SCENARIO,
        cause="primary on an agent's branch",
        severity=Severity.ERROR,
        summary=f"the primary checkout was left on {branch.name} instead of {snapshot.trunk_name}",
        subjects=(Subject("primary", str(snapshot.primary.path)),),
        evidence=(Evidence("git", f"HEAD is {branch.name}"),),
        workstreams=(branch.workstream,),
    )
