"""What must hold after a run: all that was ordered is done, landed, pushed, and nothing lies about."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.scenarios import Need, to_type
from unjam.domain.readiness.checks import Checked, fails, met, unknown, warns
from unjam.domain.readiness.prerequisites import Prerequisites, RemoteStanding
from unjam.domain.scenarios.shared.restarting import workstreams_in_words
from unjam.domain.scenarios.shared.stale_locks import left_locks
from unjam.domain.world.claims.kinds import Kind, is_layout_seen, kind_of
from unjam.domain.world.claims.ownership import is_ours
from unjam.domain.world.judging import (
    at_work,
    is_a_session_s,
    is_orchestrated,
    session_worktrees,
)
from unjam.domain.world.lookups import doubts
from unjam.domain.world.snapshot import Branch, Snapshot, Worktree
from unjam.domain.world.status import OVER, Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted
from unjam.domain.world.workstream import Workstream, join, unfinished_elsewhere

SHOWN = 20  # of each kind; a person cleans up those first


@dataclass(frozen=True, slots=True)
class TrunkVerified:
    """What the verify command said of the trunk."""

    passed: bool
    found_nothing: bool
    sentence: str


def postflight(
    snapshot: Snapshot, ground: Prerequisites, verified: TrunkVerified | None
) -> tuple[Checked, ...]:
    """Check everything; ``verified`` None: the trunk was not to be verified."""
    checks: tuple[Callable[[Snapshot, Prerequisites], Iterator[Checked]], ...] = (
        _ended,
        _completed,
        _landed,
        _agreed,
        _worktrees,
        _branches,
        _locks,
        _pushed,
    )
    found = [one for check in checks for one in check(snapshot, ground)]
    return (*found, *_verified(snapshot, verified))


def _ended(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name = "the run has ended"
    busy = at_work(snapshot)
    for one in busy[:SHOWN]:
        yield fails(name, f"{one.role} pid {one.identity.pid} lives: {' '.join(one.command)[:80]}")
    if ground.at_work:
        yield fails(name, f"a recovery is at work: {ground.at_work}")
    away = unfinished_elsewhere(snapshot)
    if away:
        named = workstreams_in_words({one.id for one in away})
        yield unknown(name, f"{named}: elsewhere, and who works there cannot be seen from here")
    if snapshot.processes_known is not Truth.YES:
        yield unknown(name, "not every process could be looked at")
    elif not (busy or ground.at_work or away):
        yield met(name, "no orchestrator and no agent lives on this machine")


def _completed(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    name = "everything completed"
    if snapshot.state.readable is Truth.UNKNOWN:
        yield unknown(name, f"the state does not open: {snapshot.state.because}")
        return
    ordered = [one for one in join(snapshot) if one.row is not None or one.spec is not None]
    left = [one for one in ordered if one.status not in OVER]
    for one in left[:SHOWN]:
        if one.row is not None and one.row.why_unknown:
            yield unknown(name, f"{one.id}: {one.row.why_unknown}")
        else:
            yield fails(name, f"{one.id} is {one.status or Status.PENDING}{_why(one, snapshot)}")
    if len(left) > SHOWN:
        yield fails(name, f"and {len(left) - SHOWN} more", "unjam progress")
    if not left:
        yield met(name, f"{counted(len(ordered), 'workstream')}, none is left")


def _why(one: Workstream, snapshot: Snapshot) -> str:
    """Say why it is not: by its row, else by what it waits for."""
    row = one.row
    told = (row.error_message or row.blocked_by or row.notes) if row else None
    if told:
        return f": {told}"
    done = {row.workstream for row in snapshot.state.rows if row.status in OVER}
    waits = [need for need in (one.spec.depends_on if one.spec else ()) if need not in done]
    return f": it waits for {', '.join(waits)}" if waits else ""


def _landed(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    name = "everything landed"
    completed = [one for one in join(snapshot) if one.status == Status.COMPLETED]
    branches = [(one, branch) for one in completed if (branch := one.branch) is not None]
    out = [
        (one, branch)
        for one, branch in branches
        if branch.landed is not Truth.YES and branch.own_commits != 0
    ]
    for one, branch in out[:SHOWN]:
        advice = f"{to_type('recover', Need.ROWS)} --workstream {shlex.quote(one.id)}"
        if branch.landed is Truth.UNKNOWN or branch.own_commits is None:
            yield unknown(name, f"{branch.name}: whether it has landed cannot be told")
        else:
            number = counted(branch.own_commits, "commit")
            yield fails(name, f"{branch.name} has {number} the trunk has not", advice)
    empty = [one for one, branch in branches if branch.own_commits == 0]
    for one in empty[:SHOWN]:
        yield warns(name, f"{one.id} is completed, and its branch has no commit of its own")
    if not out:
        yield met(name, f"{counted(len(completed), 'completed workstream')} on the trunk")


def _agreed(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name = "rows, Git and processes agree"
    found, unclear = diagnose(snapshot), doubts(snapshot)
    for finding in found[:SHOWN]:
        yield fails(name, finding.summary, f"unjam recover {finding.scenario}")
    for one in unclear:
        yield unknown(name, f"{one.what}: {one.because}")
    for run in ground.killed:
        yield fails(name, f"recovery {run} was killed and never taken up", "unjam recover")
    if not found and not unclear and not ground.killed:
        yield met(name, "nothing is wrong")


def _worktrees(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name = "no worktrees left"
    theirs = session_worktrees(snapshot)
    run_here = is_layout_seen(snapshot) or is_orchestrated(snapshot)
    ours = [
        tree
        for tree in snapshot.worktrees
        if tree.name not in theirs or (run_here and tree.path.parent == ground.place.path)
    ]
    strays = [one for one in snapshot.strays if is_ours(one) and not is_a_session_s(one, snapshot)]
    for tree in ours[:SHOWN]:
        shown = snapshot.place(tree.path)
        risk = _at_risk(tree)
        if risk:
            yield fails(name, f"{shown} {risk}", f"git -C {shlex.quote(str(tree.path))} log -1")
        else:
            quoted = shlex.quote(str(tree.path))
            yield warns(name, f"{shown} holds nothing unsaved", f"git worktree remove {quoted}")
    for stray in strays[:SHOWN]:
        advice = to_type("recover", Need.OBJECTS)
        yield fails(name, f"{snapshot.place(stray.path)}: {stray.kind}", advice)
    if len(ours) > SHOWN:
        yield warns(name, f"and {len(ours) - SHOWN} more", "git worktree list")
    if not ours and not strays:
        yield met(name, "there are none")


def _at_risk(tree: Worktree) -> str:
    """Say what removing it would lose; nothing if it would lose nothing."""
    if tree.damage:
        return f"is damaged: {tree.damage[0]}"
    if tree.unsaved.known is not Truth.YES:
        return f"cannot be read: {tree.unsaved.because}"
    if tree.unsaved.paths:
        return f"holds {counted(len(tree.unsaved.paths), 'unsaved path')}"
    if tree.operation is not None:
        return f"is in the middle of a {tree.operation}"
    if tree.hidden_commits:
        return f"holds {counted(tree.hidden_commits, 'commit')} only its reflog reaches"
    return ""


def _branches(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name = "no branches left"
    used = {tree.branch for tree in (snapshot.primary, *snapshot.worktrees)}
    claimed = [
        branch
        for one in join(snapshot)
        if kind_of(one, snapshot) is not Kind.SESSION
        for branch in one.branches
    ]
    free = [one for one in claimed[:SHOWN] if one.ref not in used]
    for one in free:
        yield _branch(name, one, ground.loose.get(one.ref, 0))
    if len(claimed) > SHOWN:
        yield warns(name, f"and {len(claimed) - SHOWN} more", "git branch --list")
    if not claimed:
        yield met(name, "there are none")


def _branch(name: str, one: Branch, loose: int) -> Checked:
    quoted = shlex.quote(one.name)
    if loose:
        said = f"{one.name}: its reflog alone reaches {counted(loose, 'commit')}"
        return fails(name, said, f"git reflog {quoted}")
    if one.landed is Truth.YES:
        return warns(name, f"{one.name} has landed", f"git branch -d {quoted}")
    if one.own_commits == 0:
        return warns(name, f"{one.name} has no commit of its own", f"git branch -d {quoted}")
    return fails(name, f"{one.name} has work that has not landed", f"git log {quoted} --not HEAD")


def _locks(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    left = tuple(left_locks(snapshot))
    for lock in left:
        said = f"{snapshot.place(lock.path)}: {lock.because}"
        yield fails("no locks left", said, "unjam recover")
    for lock in set(snapshot.locks) - set(left):
        yield warns("no locks left", f"{snapshot.place(lock.path)}: it is young, and a session's")
    if not snapshot.locks:
        yield met("no locks left", "there are none")


def _pushed(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name, trunk = "trunk pushed", snapshot.trunk_name
    match ground.remote:
        case RemoteStanding.NONE:
            yield met(name, "there is no remote")
        case RemoteStanding.SAME:
            yield met(name, f"the remote has {trunk} as it is here")
        case RemoteStanding.BEHIND:
            where = snapshot.remote.name if snapshot.remote else "origin"
            said = f"the remote lacks commits of {trunk}"
            yield fails(name, said, f"git push {where} {trunk}")
        case RemoteStanding.AHEAD | RemoteStanding.APART:
            yield fails(name, f"{trunk} of the remote is {ground.remote}", "git fetch")
        case RemoteStanding.UNREACHABLE:
            yield unknown(name, ground.remote_because)


def _verified(snapshot: Snapshot, verified: TrunkVerified | None) -> Iterator[Checked]:
    name = "tests pass on the trunk"
    if verified is None:
        yield warns(name, "they were not run: --no-verify")
    elif verified.found_nothing:
        yield unknown(name, verified.sentence, "verify.command in unjam.toml")
    elif verified.passed:
        yield met(name, f"{verified.sentence}, at {snapshot.trunk_tip[:12]}")
    else:
        yield fails(name, verified.sentence, to_type("check", Need.TESTS))
