"""What must hold before a run begins: each would cost more to find out in the middle of it."""

from collections.abc import Callable, Iterator

from unjam.domain.catalogue.diagnosis import diagnose, disorder
from unjam.domain.catalogue.scenarios import Need, needing, to_type
from unjam.domain.readiness.checks import Checked, fails, met, unknown, warns
from unjam.domain.readiness.prerequisites import Prerequisites, RemoteStanding
from unjam.domain.scenarios.shared.restarting import workstreams_in_words
from unjam.domain.scenarios.shared.stale_locks import left_locks
from unjam.domain.world.conflicts import CUT_OFF, DEEPEN
from unjam.domain.world.file_scopes import colliding
from unjam.domain.world.judging import at_work
from unjam.domain.world.naming import Template, is_usable_id
from unjam.domain.world.snapshot import Snapshot, Spec
from unjam.domain.world.status import OVER
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted, first_few
from unjam.domain.world.workstream import unfinished_elsewhere

INODES = 100_000  # a few worktrees of a large project
_SHOWN = 5
_GB = 10**9


def preflight(snapshot: Snapshot, ground: Prerequisites, branch: Template) -> tuple[Checked, ...]:
    """Check everything; ``branch`` is how branches of workstreams are named."""
    checks: tuple[Callable[[Snapshot, Prerequisites], Iterator[Checked]], ...] = (
        _at_work,
        _primary,
        _leftovers,
        _specs,
        _order,
        _scopes,
        _state,
        _space,
        _worktrees,
        _tools,
        _remote,
        _conflicts,
    )
    found = [one for check in checks for one in check(snapshot, ground)]
    return (*found, *_names(snapshot, ground, branch))


def _at_work(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name = "nobody at work"
    busy = at_work(snapshot)
    if ground.at_work:
        yield fails(name, f"a recovery is at work: {ground.at_work}")
    elif busy:
        one = busy[0]
        said = f"{one.role} pid {one.identity.pid} lives ({' '.join(one.command)[:60]})"
        yield fails(name, f"{said}; {counted(len(busy) - 1, 'more')}" if len(busy) > 1 else said)
    elif snapshot.processes_known is not Truth.YES:
        yield unknown(name, "not every process could be looked at")
    elif away := unfinished_elsewhere(snapshot):
        named = workstreams_in_words({one.id for one in away})
        yield unknown(name, f"{named}: elsewhere, and who works there cannot be seen from here")
    else:
        yield met(name, "no orchestrator and no agent lives on this machine")
    if ground.killed:
        yield fails("no recovery half done", f"run {ground.killed[-1]} was killed", "unjam recover")


def _primary(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    name, primary = "primary clean, on the trunk", snapshot.primary
    unsaved = primary.unsaved
    tracked = (*unsaved.staged, *unsaved.modified, *unsaved.deleted, *unsaved.conflicted)
    if primary.damage:
        yield fails(name, primary.damage[0], "unjam check")
    elif primary.branch != snapshot.trunk:
        at = (primary.branch or "no branch").removeprefix("refs/heads/")
        yield fails(name, f"it is on {at}", f"git switch {snapshot.trunk_name}")
    elif primary.operation is not None:
        advice = f"git {primary.operation} --abort"
        yield fails(name, f"it is in the middle of a {primary.operation}", advice)
    elif unsaved.known is not Truth.YES:
        yield unknown(name, f"it cannot be read: {unsaved.because}")
    elif tracked:
        yield fails(name, f"uncommitted: {_some(tracked)}; merges would stop at it", "git status")
    elif unsaved.untracked:
        yield warns(name, f"untracked: {_some(unsaved.untracked)}; a merge that adds it would stop")
    else:
        yield met(name, f"on {snapshot.trunk_name} at {snapshot.trunk_tip[:12]}")


def _leftovers(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    """Whatever a check finds is left of an earlier run; the order of work is checked by itself."""
    name = "nothing left of an earlier run"
    by_itself = {row.name for row in needing(Need.ORDER)}
    found = [one for one in diagnose(snapshot) if one.scenario not in by_itself]
    for finding in found[:_SHOWN]:
        yield fails(name, finding.summary, f"unjam recover {finding.scenario}")
    if len(found) > _SHOWN:
        yield fails(name, f"and {len(found) - _SHOWN} more", "unjam check")
    left = set(left_locks(snapshot))
    stale = [lock for lock in snapshot.locks if lock.stale is not Truth.YES or lock not in left]
    for lock in stale[:_SHOWN]:
        yield fails(name, f"{snapshot.place(lock.path)} is held: {lock.because}")
    if not found and not stale:
        yield met(name, f"{counted(len(snapshot.worktrees), 'worktree')}, nothing wrong")


def _specs(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    name = "specs"
    for bad in snapshot.bad_specs[:_SHOWN]:
        yield fails(name, f"{snapshot.place(bad.path)}: {bad.because}")
    odd = [one.workstream for one in snapshot.specs if not is_usable_id(one.workstream)]
    for one in odd[:_SHOWN]:
        yield fails(name, f"{one!r} cannot become part of a branch's name")
    if not snapshot.specs and not snapshot.bad_specs:
        yield warns(name, "there are none: nothing would be done")
    elif not snapshot.bad_specs and not odd:
        yield met(name, f"{counted(len(snapshot.specs), 'workstream')} ordered")


def _order(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    """Take warnings for failures: before a run there is no reason to begin with a knot."""
    name = "order of work"
    found = disorder(snapshot)
    for finding in found[:_SHOWN]:
        yield fails(name, finding.summary, to_type("recover", Need.ORDER))
    if len(found) > _SHOWN:
        yield fails(name, f"and {len(found) - _SHOWN} more", to_type("check", Need.ORDER))
    if not found:
        yield met(name, "no cycle, and everything that is waited for exists")


def _scopes(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    name, left = "files of one workstream each", list(_left(snapshot))
    scopes = {one.workstream: one.files_scope for one in left if one.files_scope}
    needs = {one.workstream: one.depends_on for one in snapshot.specs}
    pairs = list(colliding(scopes, needs))
    for (one, other), shared in pairs[:_SHOWN]:
        yield warns(name, f"{one} and {other} may both change {shared}, and neither waits")
    if len(pairs) > _SHOWN:
        yield warns(name, f"and {counted(len(pairs) - _SHOWN, 'more pair')}")
    if not pairs:
        yield met(name, f"{counted(len(scopes), 'workstream')} with files, none in common")


def _state(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name, state, file = "state", snapshot.state, ground.state
    if state.readable is Truth.UNKNOWN:
        yield unknown(name, f"it does not open: {state.because}", to_type("recover", Need.DATABASE))
        return
    if state.readable is Truth.NO:
        yield met(name, "there is none yet: the orchestrator makes it")
        return
    yield met(name, f"opens; {counted(len(state.rows), 'row')}")
    if file is None:
        return
    if file.sound is not Truth.YES:
        yield fails("state is sound", file.because, to_type("recover", Need.DATABASE))
    if file.mode != "wal":
        said = f"it is in {file.mode or 'an unknown'} mode: a reader stops every writer"
        advice = f"sqlite3 {state.location} 'PRAGMA journal_mode=WAL'"
        yield warns("state in WAL mode", said, advice)
    else:
        said = "WAL; a busy_timeout is of each connection: the orchestrator has to set its own"
        yield met("state in WAL mode", said)
    if file.shared:
        yield fails("state on a local disk", f"{file.shared}: locks prove little there")


def _space(_snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name, place = "space", ground.place
    if place.free is None:
        yield unknown(name, "what is free cannot be told")
    elif place.free < ground.enough:
        free = f"{place.free / _GB:.1f} GB free"
        yield fails(name, f"{free}; limits.free_disk asks for {ground.enough / _GB:.1f} GB")
    else:
        yield met(name, f"{place.free / _GB:.1f} GB free")
    if place.inodes is not None and place.inodes < INODES:
        yield fails("room for files", f"{place.inodes} more files can be made")


def _worktrees(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name, place = "directory of worktrees", ground.place
    shown = snapshot.place(place.path)
    if place.not_writable:
        yield fails(name, f"{shown}: {place.not_writable}")
    elif place.volatile:
        yield fails(name, f"{shown} is on {place.volatile}: unsaved work is gone after a restart")
    elif place.shared:
        yield warns(name, f"{shown} is on {place.shared}: other machines may write to it")
    elif place.ignored is Truth.NO:
        advice = f"echo /{shown}/ >> .git/info/exclude"
        yield warns(name, f"{shown} is not ignored: the primary would never look clean", advice)
    else:
        yield met(name, f"{shown} can be used")


def _tools(_snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    tools = ground.tools
    word, found = tools.verify
    if found and not tools.verify_because:
        yield met("verify command", found)
    else:
        because = tools.verify_because or f"{word} is not found"
        yield fails("verify command", because, "verify.command in unjam.toml")
    if tools.resume is None:
        yield warns("resume command", "none is configured: unjam cannot start it again")
    elif tools.resume[1] is None:
        yield fails("resume command", f"{tools.resume[0]} is not found")
    else:
        yield met("resume command", tools.resume[1])
    yield (
        met("agents", ", ".join(tools.agents))
        if tools.agents
        else warns("agents", "none of orchestration.agents is on the path")
    )
    if not tools.identity:
        advice = "git config user.name NAME; git config user.email ADDRESS"
        yield fails("identity", "Git does not know who commits", advice)


def _remote(snapshot: Snapshot, ground: Prerequisites) -> Iterator[Checked]:
    name, trunk = "remote", snapshot.trunk_name
    match ground.remote:
        case RemoteStanding.NONE:
            yield warns(name, "there is none: what lands stays here alone")
        case RemoteStanding.SAME:
            yield met(name, f"reachable, and has {trunk} as it is here")
        case RemoteStanding.BEHIND:
            said = f"it lacks commits of {trunk} that are here"
            yield warns(name, said, f"git push {_remote_name(snapshot)} {trunk}")
        case RemoteStanding.AHEAD | RemoteStanding.APART:
            said = f"its {trunk} is {ground.remote}: merges would be pulled and rebased"
            yield fails(name, said, "git pull")
        case RemoteStanding.UNREACHABLE:
            yield fails(name, ground.remote_because)


def _remote_name(snapshot: Snapshot) -> str:
    return snapshot.remote.name if snapshot.remote else "origin"


def _conflicts(snapshot: Snapshot, _ground: Prerequisites) -> Iterator[Checked]:
    """Say what merging each branch now would say; no checkout was needed to tell."""
    name, trunk = "branches that merge", snapshot.trunk_name
    names = {one.ref: one.name for one in snapshot.branches}
    for clash in snapshot.clashes[:_SHOWN]:
        if CUT_OFF in clash.kinds:
            yield unknown(name, f"whether {names[clash.ref]} would merge cannot be told: {DEEPEN}")
            continue
        said = f"{names[clash.ref]} would conflict with {trunk} in {_some(clash.paths)}"
        yield warns(name, said, to_type("recover", Need.CLASHES))
    if len(snapshot.clashes) > _SHOWN:
        yield warns(name, f"and {len(snapshot.clashes) - _SHOWN} more")
    if not snapshot.clashes:
        yield met(name, f"none would conflict with {trunk}")


def _names(snapshot: Snapshot, ground: Prerequisites, branch: Template) -> Iterator[Checked]:
    """Name branches that stand where a workstream's would have to be a directory."""
    for one in _left(snapshot):
        if not is_usable_id(one.workstream):
            continue
        above = branch.text.split("{agent}")[0].replace("{workstream}", one.workstream)
        parts = above.rstrip("/").split("/")
        for length in range(1, len(parts) + (1 if "{agent}" in branch.text else 0)):
            ref = "/".join(parts[:length])
            if f"refs/heads/{ref}" in ground.refs:
                said = f"branch {ref} exists, so no branch below it can be made"
                yield fails("names of branches", said, f"git branch -m {ref} {ref}-old")
                return


def _left(snapshot: Snapshot) -> Iterator[Spec]:
    """Yield what is still to be done."""
    over = {row.workstream for row in snapshot.state.rows if row.status in OVER}
    return (one for one in snapshot.specs if one.workstream not in over)


def _some(names: tuple[str, ...]) -> str:
    return first_few(sorted(set(names)), _SHOWN)
