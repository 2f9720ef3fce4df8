"""Detect what is broken in the files Git keeps: of worktrees, of locks, and of its objects."""

from collections.abc import Iterator

from unjam.domain.scenarios.shared.stale_locks import lingering_locks, lock_findings
from unjam.domain.world.claims.ownership import LINKED, WRONG, is_ours
from unjam.domain.world.damage import Damage, DamagedFile, LostBranch, LostObject, StrayKind
from unjam.domain.world.finding import Evidence, Finding, Severity, Subject
from unjam.domain.world.identity import Role, Scenario
from unjam.domain.world.judging import anybody_at, is_a_session_s, session_worktrees
from unjam.domain.world.snapshot import Operation, Process, Snapshot, Stray, Worktree
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Verdict, join, judge

SCENARIO = Scenario("worktree_corruption")

_SHOWN = 20  # objects in the evidence
_FOR_A_PERSON = {
    Damage.LINK: "it is a symbolic link, and where that leads is not touched",
    Damage.OF_ANOTHER: "two worktrees claim one directory: look at its .git file",
    Damage.REDIRECTED: "Git looks for its files where core.worktree says; if nobody meant that, "
    "'git config --show-origin core.worktree' names the file to take it out of",
}
_THEIRS = frozenset({Damage.GONE, Damage.UNFINISHED, Damage.TWICE})
_INITIALIZING = "initializing"


def find_worktree_corruption(snapshot: Snapshot) -> Iterator[Finding]:
    """Find what stops Git from working in a checkout, or makes it work on another one."""
    for shared in snapshot.shared:
        yield _shared_finding(shared, snapshot)
    for tree in damaged_in(snapshot):
        yield _damage_finding(tree, snapshot)
    for tree, operation in stopped_in(snapshot):
        yield _operation_finding(tree, operation, snapshot)
    for branch in snapshot.lost_branches:
        yield _branch_finding(branch)
    for stray in strays_in(snapshot):
        yield _stray_finding(stray, snapshot)
    yield from lock_findings(snapshot, SCENARIO)
    yield from lingering_locks(snapshot, SCENARIO)
    if snapshot.lost:
        yield _lost_finding(snapshot)


def damaged_in(snapshot: Snapshot) -> Iterator[Worktree]:
    """Give the checkouts in which something is broken.

    Where people work alone, one that is gone, or was never finished, is theirs to take up or to
    prune: Git itself keeps it for months.
    """
    broken = [
        tree
        for tree in (snapshot.primary, *snapshot.worktrees)
        if tree.damage or tree.whose in WRONG
    ]
    theirs = session_worktrees(snapshot) if broken else frozenset()
    for tree in broken:
        if tree.name not in theirs or not _THEIRS & set(tree.damage):
            yield tree


def strays_in(snapshot: Snapshot) -> Iterator[Stray]:
    """Give the directories that an agent left; a session's only where it can be registered again."""
    for stray in filter(is_ours, snapshot.strays):
        can_return = stray.kind is StrayKind.ORPHAN and bool(stray.branch)
        if can_return or not is_a_session_s(stray, snapshot):
            yield stray


def stopped_in(snapshot: Snapshot) -> Iterator[tuple[Worktree, Operation]]:
    """Give the agents' worktrees that were left in the middle of an operation by nobody known.

    A crash's own judgement covers every workstream whose row tells what became of it; the primary
    is a crash's, too. Somebody who works there is not disturbed.
    """
    waiting = [one for one in snapshot.worktrees if one.operation is not None]
    if not waiting or any(snapshot.orchestrators()):
        return
    unclear = {
        judged.workstream.id
        for judged in (judge(one, snapshot) for one in join(snapshot))
        if judged.verdict is Verdict.UNKNOWN
    }
    for tree in waiting:
        ours = tree.workstream in unclear and not tree.damage
        if ours and tree.operation is not None and not any(busy_in(tree, snapshot)):
            yield tree, tree.operation


def busy_in(tree: Worktree, snapshot: Snapshot) -> Iterator[Process]:
    """Give whoever is at work in a worktree; a person's shell is idle."""
    for process in snapshot.processes:
        idle = process.role in (Role.PERSON, Role.ORCHESTRATOR)
        if tree.name and process.worktree == tree.name and not idle:
            yield process


def _shared_finding(shared: DamagedFile, snapshot: Snapshot) -> Finding:
    place = snapshot.place(shared.path)
    needed = Evidence("files", "every checkout of the repository needs it")
    borrowed = Evidence("files", f"it names {shared.lender}")
    return Finding(
        scenario=SCENARIO,
        cause=f"shared: {shared.damage.name.lower()}",
        severity=Severity.ERROR,
        summary=f"{place}: {shared.damage}",
        subjects=(Subject("file", place),),
        evidence=(needed if shared.lender is None else borrowed,),
    )


def notes_of_lenders(snapshot: Snapshot) -> Iterator[str]:
    """Say what only a person can do where borrowed objects are out of reach."""
    for one in snapshot.shared:
        if one.lender is not None:
            yield (
                f"{snapshot.place(one.path)} is left as it is: if {one.lender} was moved, "
                "put it back, or write there where it is now"
            )


def _damage_finding(tree: Worktree, snapshot: Snapshot) -> Finding:
    place = snapshot.place(tree.path)
    wrong = (str(tree.whose),) if tree.whose in WRONG else tree.damage
    mild = tree.whose in WRONG or bool(_FOR_A_PERSON.keys() & set(tree.damage))
    mild = mild or _is_held(tree)
    return Finding(
        scenario=SCENARIO,
        cause=", ".join(sorted(one.name.lower() for one in tree.damage)) or tree.whose.name.lower(),
        severity=Severity.WARNING if mild else Severity.ERROR,
        summary=f"{place}: {'; '.join(wrong)}",
        subjects=(Subject("worktree" if tree.name else "primary", place),),
        evidence=tuple(_evidence(tree, snapshot)),
        workstreams=(tree.workstream,) if tree.workstream else (),
    )


def _evidence(tree: Worktree, snapshot: Snapshot) -> Iterator[Evidence]:
    if tree.problem and tree.problem not in tree.damage:
        yield Evidence("git", tree.problem)
    if tree.moved_to is not None:
        yield Evidence("files", f"its files are at {snapshot.place(tree.moved_to)}")
    if tree.only_staged is Truth.YES:
        yield Evidence("git", "its index holds work that is in no commit")
    if tree.lock_reason is not None:
        reason = tree.lock_reason or "no reason given"
        dead = "" if tree.is_locked else "; no such process lives any more"
        yield Evidence("git", f"it is locked: {reason}{dead}")
    for process in busy_in(tree, snapshot):
        yield Evidence("processes", f"pid {process.identity.pid} is at work in it")


def _operation_finding(tree: Worktree, operation: Operation, snapshot: Snapshot) -> Finding:
    place = snapshot.place(tree.path)
    intact = "its files are as Git left them"
    said = intact if tree.operation_intact is Truth.YES else "its files may have been edited since"
    return Finding(
        scenario=SCENARIO,
        cause=f"worktree in a {operation}",
        severity=Severity.WARNING,
        summary=f"{place} was left in the middle of a {operation}",
        subjects=(Subject("worktree", place),),
        evidence=(Evidence("git", f"a {operation} is in progress; {said}"),),
        workstreams=(tree.workstream,) if tree.workstream else (),
    )


def _branch_finding(lost: LostBranch) -> Finding:
    name = lost.ref.removeprefix("refs/heads/")
    last = f"its reflog has it at {lost.last}" if lost.last else "no reflog tells where it stood"
    return Finding(
        scenario=SCENARIO,
        cause="branch lost",
        severity=Severity.ERROR,
        summary=f"branch {name} is missing or damaged",
        subjects=(Subject("branch", name),),
        evidence=(Evidence("git", last),),
    )


def _stray_finding(stray: Stray, snapshot: Snapshot) -> Finding:
    place = snapshot.place(stray.path)
    branch = (stray.branch or "").removeprefix("refs/heads/")
    made_for = (Evidence("git", f"it was made for branch {branch}"),) if branch else ()
    people = (
        Evidence("processes", f"pid {one.identity.pid} is in it")
        for one in anybody_at(stray, snapshot)
    )
    return Finding(
        scenario=SCENARIO,
        cause=f"stray: {stray.kind.name.lower()}",
        severity=Severity.ERROR,
        summary=f"{place} is no worktree of this repository: {stray.kind}",
        subjects=(Subject("directory", place),),
        evidence=(*made_for, *people),
        workstreams=(stray.workstream,) if stray.workstream else (),
    )


def _lost_finding(snapshot: Snapshot) -> Finding:
    lost = snapshot.lost
    more = len(lost) - _SHOWN
    evidence = [Evidence("git", _lost_in_words(one)) for one in lost[:_SHOWN]]
    if more > 0:
        evidence.append(Evidence("git", f"and {more} more"))
    return Finding(
        scenario=SCENARIO,
        cause="objects lost",
        severity=Severity.ERROR,
        summary=f"{counted(len(lost), 'object')} of the history missing or spoilt",
        subjects=(Subject("objects", str(snapshot.common)),),
        evidence=tuple(evidence),
    )


def _lost_in_words(lost: LostObject) -> str:
    state = "is missing" if lost.file is None else "has a file that does not hold it"
    named = f", needed as {lost.named}" if lost.named else ""
    return f"{lost.kind or 'object'} {lost.id} {state}{named}"


def why_for_a_person(tree: Worktree) -> str:
    """Say why only a person can tell what to do with a worktree."""
    if tree.whose not in LINKED:
        return str(tree.whose)
    for damage, because in _FOR_A_PERSON.items():
        if damage in tree.damage:
            return because
    if _is_held(tree):
        return f"it is locked ({tree.lock_reason or 'no reason given'})"
    return ""


def _is_held(tree: Worktree) -> bool:
    return tree.is_locked and tree.lock_reason != _INITIALIZING
