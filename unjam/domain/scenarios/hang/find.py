"""Detect agents that hang: the orchestrator believes they run, and nothing shows that they do."""

from collections.abc import Iterator

from unjam.domain.world.agents.score import HangVerdict
from unjam.domain.world.agents.suspects import Suspect, suspects
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Role, Scenario
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.workstream import Workstream, judge

SCENARIO = Scenario("agent_hang")

_SUMMARIES = {
    HangVerdict.INPUT: "its agent waits for input that nobody gives",
    HangVerdict.BUSY: "its agent computes for ever and does nothing",
    HangVerdict.NETWORK: "its agent waits for an answer from the network that does not come",
    HangVerdict.DEADLOCK: "its agent waits for itself",
    HangVerdict.STOPPED: "its agent is stopped, and nobody lets it go on",
    HangVerdict.ZOMBIE: "its agent has ended, and the orchestrator did not notice",
    HangVerdict.DEAD: "its agent is gone, and its row was left behind",
    HangVerdict.UNKNOWN: "its agent shows no sign of life, and why cannot be told",
}
_ENDED = (HangVerdict.ZOMBIE, HangVerdict.DEAD)
_SOURCES = {"between": "processes", "last sign": "files", "no sign": "files"}


def find_agent_hang(snapshot: Snapshot) -> Iterator[Finding]:
    """Find agents that hang or may hang; those that only work silently are none."""
    for one in suspects(snapshot):
        if one.score.verdict is HangVerdict.WORKING or not one.is_awaited:
            continue
        if not _may_be_noticed(one, snapshot):
            yield _finding(one, snapshot)


def _may_be_noticed(one: Suspect, snapshot: Snapshot) -> bool:
    """Tell an end that a living orchestrator has yet to record: it does so when a batch is over."""
    ended = one.score.verdict in _ENDED
    others = (process for process in snapshot.processes if process.role is Role.AGENT)
    return ended and any(snapshot.orchestrators()) and any(others)


def _finding(one: Suspect, snapshot: Snapshot) -> Finding:
    verdict = one.score.verdict
    place = snapshot.place(one.tree.path)
    known = one.workstream
    if known is not None and verdict in _ENDED and not any(snapshot.orchestrators()):
        return _crashed(one, known, snapshot)
    pids = (Subject("process", f"pid {process.identity.pid}") for process in one.agents)
    name = place if known is None else shown(known.id)
    subjects = (Subject("worktree", place), *pids)
    return Finding(
        scenario=SCENARIO,
        cause=str(verdict),
        severity=Severity.ERROR if one.is_hung or verdict in _ENDED else Severity.WARNING,
        summary=f"{name}: {_SUMMARIES[verdict]}",
        subjects=subjects if known is None else (Subject("workstream", known.id), *subjects),
        evidence=tuple(_evidence(one)),
        workstreams=() if known is None else (known.id,),
        verdicts=() if known is None else ((known.id, str(verdict)),),
    )


def _crashed(one: Suspect, known: Workstream, snapshot: Snapshot) -> Finding:
    """Report an end that nobody waits for as a crash of the orchestrator is: they are the same."""
    trees = (Subject("worktree", snapshot.place(tree.path)) for tree in known.worktrees)
    return Finding(
        scenario=SCENARIO,
        cause=str(judge(known, snapshot).verdict),
        severity=Severity.ERROR,
        summary=f"{shown(known.id)}: its agent is gone, and its row was left behind",
        subjects=(Subject("workstream", known.id), *trees),
        evidence=tuple(_evidence(one)),
        workstreams=(known.id,),
        verdicts=((known.id, str(one.score.verdict)),),
    )


def _evidence(one: Suspect) -> Iterator[Evidence]:
    row = one.workstream.row if one.workstream else None
    if row is not None:
        since = f" since {row.started_at:%Y-%m-%d %H:%M:%SZ}" if row.started_at else ""
        yield Evidence("state", f"row is {row.status}{since}")
    for process in one.agents:
        command = " ".join(process.command)[:80]
        yield Evidence("processes", f"pid {process.identity.pid} ({process.role}): {command}")
    for fact in one.score.evidence:
        source = next((name for start, name in _SOURCES.items() if fact.startswith(start)), None)
        yield Evidence(source or "processes", fact)
