"""The facts steps rest on, as questions that any snapshot can answer again."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from unjam.domain.steps.plan import Fact, Plan, RestoreBranch, Step, only_safe
from unjam.domain.steps.policy import StepClass
from unjam.domain.world.claims.drifted_work import is_for_its_commit, stashes_of
from unjam.domain.world.elsewhere import seen_at_work
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import (
    UntoldError,
    agents_at_work_in,
    is_whole,
    lock_at,
    may_have_hidden_branch,
    orchestrators_in,
    processes_in,
    row_named,
    rows_in,
    spec_named,
    stray_at,
    tip_of,
    worktree_named,
)
from unjam.domain.world.snapshot import Branch, Process, Row, Snapshot, Spec, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import join

NONE = "none"
UNTOLD = "cannot tell"


def holds(fact: Fact, snapshot: Snapshot) -> bool:
    """Tell whether a snapshot still gives the answer a step rests on; "cannot tell" is no answer."""
    told = answer(fact.kind, fact.subject, snapshot)
    return told == fact.value and told != UNTOLD


def fact(kind: str, subject: str, snapshot: Snapshot) -> Fact:
    """Take a fact from a snapshot."""
    return Fact(kind, subject, answer(kind, subject, snapshot))


def answer(kind: str, subject: str, snapshot: Snapshot) -> str:
    """Answer a fact's question; what is not there answers "none", what is hidden "cannot tell"."""
    try:
        return _QUESTIONS[kind](subject, snapshot)
    except UntoldError:
        return UNTOLD


def untold(step: Step, snapshot: Snapshot) -> tuple[str, ...]:
    """Say what of that which a step rests on cannot be told now; saving work rests on nothing."""
    return _untold_but(frozenset(), step, snapshot)


def _whys(facts: Iterable[Fact], snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(dict.fromkeys(why for one in facts if (why := _why(one, snapshot))))


def _why(fact: Fact, snapshot: Snapshot) -> str:
    try:
        told = _QUESTIONS[fact.kind](fact.subject, snapshot)
    except UntoldError as error:
        return str(error)
    return "" if told != UNTOLD else f"{fact_in_words(fact.kind, fact.subject)} cannot be told"


def only_told(plan: Plan, snapshot: Snapshot) -> Plan:
    """Leave out, and say, what rests on a part of the world that could not be observed."""
    if is_whole(snapshot):
        return plan
    mended = {("branch", one.ref) for one in plan.steps if isinstance(one, RestoreBranch)}
    asked = [(one, _untold_but(mended, one, snapshot)) for one in plan.steps]
    notes = (f"{one.verb} {one.subject} is left out: {'; '.join(why)}" for one, why in asked if why)
    steps = only_safe(tuple(one for one, why in asked if not why))
    return replace(plan, steps=steps, notes=(*plan.notes, *notes))


def _untold_but(
    mended: AbstractSet[tuple[str, str]], step: Step, snapshot: Snapshot
) -> tuple[str, ...]:
    """Say what cannot be told and will not be mended by an earlier step of the same plan."""
    if step.step_class is StepClass.SALVAGE:
        return ()
    return _whys((one for one in step.facts if (one.kind, one.subject) not in mended), snapshot)


def fact_in_words(kind: str, subject: str) -> str:
    """Name a fact as a person would."""
    return f"{kind} {subject}".strip()


def _orchestrator(_subject: str, snapshot: Snapshot) -> str:
    return _pids(orchestrators_in(snapshot))


def _processes(subject: str, snapshot: Snapshot) -> str:
    return _pids(processes_in(subject, snapshot))


def _agents(subject: str, snapshot: Snapshot) -> str:
    return _pids(agents_at_work_in(subject, snapshot))


def _pids(processes: Iterable[Process]) -> str:
    return ",".join(str(pid) for pid in sorted(one.identity.pid for one in processes)) or NONE


def _state(_subject: str, snapshot: Snapshot) -> str:
    rows_in(snapshot)
    return "can be read" if snapshot.state.readable is Truth.YES else NONE


def _row(subject: str, snapshot: Snapshot) -> str:
    row = row_named(subject, snapshot)
    return NONE if row is None else _row_digest(row)


def _elsewhere(subject: str, snapshot: Snapshot) -> str:
    """Tell what is elsewhere and has no process on this machine, in whichever clone."""
    found = (one for one in join(snapshot) if one.id == subject and one.elsewhere)
    silent = (one for one in found if not (one.agents or seen_at_work(one.id, snapshot)))
    return next(("yes" for _ in silent), NONE)


def _row_digest(row: Row) -> str:
    text = repr(sorted(row.values))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _spec(subject: str, snapshot: Snapshot) -> str:
    spec = spec_named(subject, snapshot)
    return NONE if spec is None else as_ordered(spec)


def as_ordered(spec: Spec) -> str:
    """Tell of a spec what the order of work rests on."""
    return f"{spec.path}: {' '.join(map(repr, spec.depends_on))}"


def _branch(subject: str, snapshot: Snapshot) -> str:
    tip = tip_of(subject, snapshot)
    return NONE if tip is None else str(tip)


def _head(subject: str, snapshot: Snapshot) -> str:
    tree = worktree_named(subject, snapshot)
    return NONE if tree is None else f"{tree.branch or 'detached'}@{tree.head or NONE}"


def _operation(subject: str, snapshot: Snapshot) -> str:
    tree = worktree_named(subject, snapshot)
    if tree is None or tree.operation is None:
        return NONE
    return f"{tree.operation}, intact: {tree.operation_intact}"


def _unsaved(subject: str, snapshot: Snapshot) -> str:
    tree = worktree_named(subject, snapshot)
    return NONE if tree is None else str(tree.unsaved.any)


def _work(subject: str, snapshot: Snapshot) -> str:
    """Tell all that a workstream has committed or stashed, wherever; its files are asked for apart.

    Only what a second look sees as the first does: to which other branch a commit was made, only the
    first one finds out, but that one was made is in the log of the worktree's HEAD.
    """
    name = WorkstreamId(subject)
    mine = [one for one in snapshot.branches if one.workstream == name]
    named = [one for one in mine if not (one.drifted or one.nameless)]
    trees = [one for one in snapshot.worktrees if one.workstream == name]
    for tree in trees:
        worktree_named(tree.name, snapshot)  # raises: what was only glimpsed at may hold anything
    if not named and may_have_hidden_branch(name, snapshot):
        raise UntoldError(f"a branch of {subject} cannot be read")
    heads = {tree.head for tree in trees}
    commits = {one.tip for one in mine if one.nameless and not _is_in_trunk(one)}
    commits |= {one.tip for one in named if is_for_its_commit(one)}
    commits |= {commit for tree in trees for commit in tree.hidden}
    found = {
        *(f"{one.ref}@{one.tip}" for one in named if not is_for_its_commit(one)),
        # A tag or a remote's branch may hold what a HEAD is at, and then it is not hidden.
        *(f"commit {one}" for one in commits - heads),
        *(told for tree in trees for told in _work_in(tree)),
        *(f"stash {one.commit}" for one in stashes_of(named, trees, snapshot.stashes)),
    }
    return ", ".join(sorted(found)) or NONE


def _is_in_trunk(branch: Branch) -> bool:
    """Tell what a second look does not find: it looks for nothing in the trunk."""
    return branch.landed is Truth.YES or branch.reverted_by is not None


def _work_in(tree: Worktree) -> Iterator[str]:
    yield f"{tree.name}: {tree.branch or 'detached'}@{tree.head or NONE}, {tree.named} in its log"
    if tree.operation is not None:
        yield f"{tree.name}: {tree.operation}"


def _lock(subject: str, snapshot: Snapshot) -> str:
    lock = lock_at(subject, snapshot)
    return NONE if lock is None else f"{lock.since.isoformat()}, stale: {lock.stale}"


def _lock_of(subject: str, snapshot: Snapshot) -> str:
    tree = worktree_named(subject, snapshot)
    if tree is None or tree.lock_reason is None:
        return NONE
    return f"{tree.lock_reason}; its process lives: {tree.locker}"


def _damage(subject: str, snapshot: Snapshot) -> str:
    tree = worktree_named(subject, snapshot)
    if tree is None or not tree.damage:
        return NONE
    return f"{', '.join(sorted(tree.damage))} at {tree.moved_to or tree.path}"


def _stray(subject: str, snapshot: Snapshot) -> str:
    stray = stray_at(subject, snapshot)
    return (
        NONE if stray is None else f"{stray.kind}, {stray.names} on {stray.branch or 'no branch'}"
    )


def _trunk(_subject: str, snapshot: Snapshot) -> str:
    if snapshot.trunk_damaged:
        raise UntoldError(f"{snapshot.trunk_name} is damaged")
    return f"{snapshot.trunk}@{snapshot.trunk_tip}"


_QUESTIONS: Mapping[str, Callable[[str, Snapshot], str]] = {
    "orchestrator": _orchestrator,
    "processes in": _processes,
    "agents in": _agents,
    "state": _state,
    "row of": _row,
    "elsewhere": _elsewhere,
    "spec of": _spec,
    "branch": _branch,
    "head of": _head,
    "operation in": _operation,
    "unsaved in": _unsaved,
    "work of": _work,
    "lock": _lock,
    "lock of": _lock_of,
    "damage of": _damage,
    "stray": _stray,
    "trunk": _trunk,
}
