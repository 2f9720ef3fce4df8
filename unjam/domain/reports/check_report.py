"""The document of a check, as plain data for JSON; a check imports nothing that only plans need."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from unjam.domain.world.claims.incomplete import incomplete
from unjam.domain.world.claims.kinds import Kind
from unjam.domain.world.claims.ownership import Whose, is_ours
from unjam.domain.world.finding import Finding
from unjam.domain.world.judging import session_worktrees
from unjam.domain.world.lookups import doubts
from unjam.domain.world.snapshot import Clash, Snapshot, Worktree
from unjam.domain.world.status import Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted, printable
from unjam.domain.world.workstream import Workstream, elsewhere, join, unfinished_elsewhere

SCHEMA = 1
Document = dict[str, Any]


def healthy(snapshot: Snapshot, findings: Iterable[Finding]) -> bool:
    """Tell whether nothing was found or is unknown, no work was left out, and nobody elsewhere is in question."""
    left_out = any(
        tree.whose is Whose.ELSEWHERE and tree.unsaved.any is not Truth.NO
        for tree in snapshot.worktrees
    )
    unsettled = left_out or unfinished_elsewhere(snapshot) or any(incomplete(snapshot))
    return not (tuple(findings) or doubts(snapshot) or unsettled)


def check_document(
    snapshot: Snapshot,
    findings: tuple[Finding, ...],
    parked: Mapping[str, Document] = MappingProxyType({}),
    watch: Document | None = None,
) -> Document:
    """Describe a check; ``parked`` are the findings that are left to a person, by fingerprint.

    ``watch`` tells when a scheduled detection looked last; None where nobody watches.
    """
    return {
        "schema": SCHEMA,
        "repo": printable(str(snapshot.repo)),
        "trunk": snapshot.trunk_name,
        "observed_at": snapshot.observed_at.isoformat(timespec="seconds"),
        "healthy": healthy(snapshot, findings),
        "unknown": [
            {"what": printable(one.what), "because": printable(one.because)}
            for one in doubts(snapshot)
        ],
        "findings": [
            told | {"parked": parked.get(told["fingerprint"])}
            for told in map(finding_document, findings)
        ],
        "elsewhere": [
            {"id": printable(one.id), "status": one.status, "because": printable(one.elsewhere)}
            for one in elsewhere(snapshot)
        ],
        "incomplete": [
            {"id": printable(one), "because": printable(because)}
            for one, because in incomplete(snapshot)
        ],
        "workstreams": [_workstream_document(one) for one in join(snapshot)],
        "watch": watch,
        "predicted_conflicts": [_clash_document(one) for one in snapshot.clashes],
        "branches_not_merged": snapshot.unmerged,
        "not_ours": list(_not_ours(snapshot)),
        "sessions": list(_sessions(snapshot)),
        "agents": _agents(snapshot),
    }


def _sessions(snapshot: Snapshot) -> Iterator[Document]:
    """Describe the worktrees that no orchestrator waits for: who is there, and what only they hold."""
    theirs = session_worktrees(snapshot)
    for tree in snapshot.worktrees:
        if tree.name not in theirs or tree.whose is not Whose.OURS:
            continue
        inside = [one.identity.pid for one in snapshot.in_worktree(tree.name)]
        known = tree.unsaved.known is Truth.YES
        yield {
            "path": printable(snapshot.place(tree.path)),
            "branch": printable((tree.branch or "").removeprefix("refs/heads/")) or None,
            "kind": str(Kind.SESSION),
            "processes": inside,
            "status": str(Status.RUNNING if inside else Status.PAUSED),
            "unsaved_paths": len(tree.unsaved.paths) if known else None,
            "at_risk": printable(_at_risk_in_words(tree)),
        }


def _at_risk_in_words(tree: Worktree) -> str:
    """Say what of a worktree is in no commit of a branch; nothing where all of it is."""
    if tree.unsaved.known is not Truth.YES:
        return f"what it holds was not read: {tree.unsaved.because or tree.problem or 'it is gone'}"
    found = [counted(len(tree.unsaved.paths), "unsaved path")] if tree.unsaved.paths else []
    if tree.hidden_commits:
        found.append(f"{counted(tree.hidden_commits, 'commit')} that no branch holds")
    if tree.operation is not None:
        found.append(f"it is in the middle of a {tree.operation}")
    return ", ".join(found)


def _not_ours(snapshot: Snapshot) -> Iterator[Document]:
    """Name what lies where worktrees do, and why nothing is done to it."""
    for tree in snapshot.worktrees:
        if tree.whose in (Whose.VIEWED, Whose.ELSEWHERE):
            risk = counted(len(tree.unsaved.paths), "unsaved path")
            holds = risk if tree.unsaved.known is Truth.YES else "what could not be read"
            why = "; ".join(
                one for one in (str(tree.whose), tree.problem, f"it holds {holds}") if one
            )
            yield {"path": printable(snapshot.place(tree.path)), "because": printable(why)}
    for stray in snapshot.strays:
        if not is_ours(stray):
            yield {"path": printable(snapshot.place(stray.path)), "because": str(stray.kind)}


def _agents(snapshot: Snapshot) -> list[Document]:
    if not snapshot.watched:  # most checks suspect nobody
        return []
    from unjam.domain.reports.agents_table import agents_table

    return [_printable_values(one) for one in agents_table(snapshot)]


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


def _clash_document(clash: Clash) -> Document:
    return {
        "workstream": printable(clash.workstream),
        "branch": printable(clash.ref.removeprefix("refs/heads/")),
        "tip": clash.tip,
        "paths": [printable(one) for one in clash.paths],
        "kinds": list(clash.kinds),
        "reported": clash.reported,
    }


def _workstream_document(one: Workstream) -> Document:
    branch = one.branch
    unsaved = [len(tree.unsaved.paths) for tree in one.worktrees]
    process = next(iter(one.processes), None)
    return {
        "id": printable(one.id),
        "status": one.status,
        "word": printable(one.row.word) if one.row and one.row.word is not None else None,
        "agent": (one.row.agent if one.row else None) or (branch.agent if branch else None),
        "branch": printable(branch.name) if branch else None,
        "landed": str(branch.landed) if branch else None,
        "own_commits": branch.own_commits if branch else None,
        "unsaved_paths": None if one.unsaved is Truth.UNKNOWN else sum(unsaved),
        "process": None
        if process is None
        else {"pid": process.identity.pid, "command": printable(" ".join(process.command))},
    }
