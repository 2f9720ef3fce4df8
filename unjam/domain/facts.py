"""The facts steps rest on, as questions that any snapshot can answer again."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from unjam.domain.plan import Fact
from unjam.domain.snapshot import Process, Role, Row, Snapshot, Spec, Worktree

NONE = "none"


def holds(fact: Fact, snapshot: Snapshot) -> bool:
    """Tell whether a snapshot still gives the answer a step rests on."""
    return answer(fact.kind, fact.subject, snapshot) == fact.value


def fact(kind: str, subject: str, snapshot: Snapshot) -> Fact:
    """Take a fact from a snapshot."""
    return Fact(kind, subject, answer(kind, subject, snapshot))


def answer(kind: str, subject: str, snapshot: Snapshot) -> str:
    """Answer a fact's question; what is not there answers "none"."""
    return _QUESTIONS[kind](subject, snapshot)


def in_words(kind: str, subject: str) -> str:
    """Name a fact as a person would."""
    return f"{kind} {subject}".strip()


def _orchestrator(_subject: str, snapshot: Snapshot) -> str:
    return _pids(snapshot.orchestrators())


def _processes(subject: str, snapshot: Snapshot) -> str:
    return _pids(snapshot.in_worktree(subject))


def _agents(subject: str, snapshot: Snapshot) -> str:
    inside = snapshot.in_worktree(subject)
    return _pids(one for one in inside if one.role is not Role.PERSON)


def _pids(processes: Iterable[Process]) -> str:
    return ",".join(str(pid) for pid in sorted(one.identity.pid for one in processes)) or NONE


def _row(subject: str, snapshot: Snapshot) -> str:
    found = (row for row in snapshot.state.rows if row.workstream == subject)
    return next((_row_digest(row) for row in found), NONE)


def _row_digest(row: Row) -> str:
    text = repr(sorted(row.values))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _spec(subject: str, snapshot: Snapshot) -> str:
    found = (spec for spec in snapshot.specs if spec.workstream == subject)
    return next((as_ordered(spec) for spec in found), NONE)


def as_ordered(spec: Spec) -> str:
    """Tell of a spec what the order of work rests on."""
    return f"{spec.path}: {' '.join(map(repr, spec.depends_on))}"


def _branch(subject: str, snapshot: Snapshot) -> str:
    found = ((one.ref, one.tip) for one in snapshot.branches)
    return next((str(tip) for ref, tip in chain(found, snapshot.others) if ref == subject), NONE)


def _head(subject: str, snapshot: Snapshot) -> str:
    tree = _tree(subject, snapshot)
    return NONE if tree is None else f"{tree.branch or 'detached'}@{tree.head or NONE}"


def _operation(subject: str, snapshot: Snapshot) -> str:
    tree = _tree(subject, snapshot)
    if tree is None or tree.operation is None:
        return NONE
    return f"{tree.operation}, intact: {tree.operation_intact}"


def _unsaved(subject: str, snapshot: Snapshot) -> str:
    tree = _tree(subject, snapshot)
    return NONE if tree is None else str(tree.unsaved.any)


def _lock(subject: str, snapshot: Snapshot) -> str:
    found = (
        f"{one.since.isoformat()}, stale: {one.stale}"
        for one in snapshot.locks
        if str(one.path) == subject
    )
    return next(found, NONE)


def _damage(subject: str, snapshot: Snapshot) -> str:
    tree = _tree(subject, snapshot)
    if tree is None or not tree.damage:
        return NONE
    return f"{', '.join(sorted(tree.damage))} at {tree.moved_to or tree.path}"


def _stray(subject: str, snapshot: Snapshot) -> str:
    found = (
        f"{one.kind}, {one.names} on {one.branch or 'no branch'}"
        for one in snapshot.strays
        if str(one.path) == subject
    )
    return next(found, NONE)


def _trunk(_subject: str, snapshot: Snapshot) -> str:
    return f"{snapshot.trunk}@{snapshot.trunk_tip}"


def _tree(name: str, snapshot: Snapshot) -> Worktree | None:
    if not name:
        return snapshot.primary
    return next((tree for tree in snapshot.worktrees if tree.name == name), None)


_QUESTIONS: Mapping[str, Callable[[str, Snapshot], str]] = {
    "orchestrator": _orchestrator,
    "processes in": _processes,
    "agents in": _agents,
    "row of": _row,
    "spec of": _spec,
    "branch": _branch,
    "head of": _head,
    "operation in": _operation,
    "unsaved in": _unsaved,
    "lock": _lock,
    "damage of": _damage,
    "stray": _stray,
    "trunk": _trunk,
}
